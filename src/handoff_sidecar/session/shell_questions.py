"""Commands that ask something: exit status 1, with nothing printed, is their answer "no".

Knows a shell's operators and these commands, as far as agents write them; what can't be read asks nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import PurePosixPath

NOTHING_FOUND = 1
"""The exit status for "nothing found" and "they differ"; what goes wrong in these commands has a higher one."""

_ASKING = frozenset({"grep", "egrep", "fgrep", "rg", "ag", "pgrep", "diff", "cmp", "test", "[", "[[", "which", "type"})
_ASKING_OF_GIT = {"grep": frozenset[str](), "diff": frozenset({"--quiet", "--exit-code"})}
_GITS_OPTIONS_WITH_A_VALUE = frozenset({"-C", "-c", "--git-dir", "--work-tree"})
_BESIDE = frozenset({"cd", "pushd", "export", "set", "echo", "printf", "cat", "true"})
"""What stands before or after a question, and says so where it fails itself."""

_REDIRECTION = re.compile(r"\d*>&\d+|&>>?")
"""Their `&` ends no command."""

_OPERATORS = ";|&\n"
_ASSIGNMENT = re.compile(r"\w+=.*", re.DOTALL)


def asks(command: str) -> bool:
    """Whether a status of 1 without a word is most likely an answer: the command asks, and does nothing else."""
    try:
        chain = _last_chain(command)
    except ValueError:
        return False  # a quote that is not closed
    return any(map(_is_question, chain)) and all(_is_question(words) or _is_beside(words) for words in chain)


def _last_chain(command: str) -> list[list[str]]:
    """The commands whose status may be that of the whole: the last ones of pipes, joined by `&&` or `||`."""
    chain: list[list[str]] = [[]]
    for word in _words(command):
        operator = word.replace("\n", "")
        if word.strip(_OPERATORS):
            chain[-1].append(word)
        elif operator in {"&&", "||"}:
            chain.append([])
        elif operator in {"|", "|&"}:
            chain[-1] = []
        elif operator or chain[-1]:  # a line may also end after an operator
            chain = [[]]
    return chain


def _words(command: str) -> Iterator[str]:
    lexer = shlex.shlex(_REDIRECTION.sub(" ", command.rstrip("; \t\r\n")), posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    return iter(lexer)


def _is_question(words: list[str]) -> bool:
    name, *rest = [*dropwhile(_ASSIGNMENT.fullmatch, words), ""]
    name = PurePosixPath(name).name
    if name == "command":
        return rest[0] in {"-v", "-V"}
    if name == "git":
        return _is_question_to_git(rest)
    return name in _ASKING


def _is_question_to_git(words: list[str]) -> bool:
    remaining = iter(words)
    for word in remaining:
        if word in _GITS_OPTIONS_WITH_A_VALUE:
            next(remaining, None)
        elif not word.startswith("-"):
            wanted = _ASKING_OF_GIT.get(word)
            return wanted is not None and (not wanted or not wanted.isdisjoint(remaining))
    return False


def _is_beside(words: list[str]) -> bool:
    return bool(words) and (words[0] in _BESIDE or all(_ASSIGNMENT.fullmatch(word) for word in words))

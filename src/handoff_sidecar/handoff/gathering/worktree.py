"""The worktree as it is now: which files are there, and what git says.

Owns the look at the disk and the run of git, both bounded in time: a handoff does without, rather than wait.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from handoff_sidecar.session.plans import PLAN_MAX_CHARACTERS, Plan
from handoff_sidecar.settings import config_folder
from handoff_sidecar.text.counts import count
from handoff_sidecar.text.plain_text import one_line

log = logging.getLogger(__name__)

LOOK_TIMEOUT_S = 1.0
"""Both take 10 ms here; a network disk or a repository of a million files must not hold a person up."""

RULES_FILES = ("AGENTS.md", "CLAUDE.md", "CONTEXT.md")
"""What OpenCode puts before every request, from the session's folder up to the worktree's (1.18.34)."""

RULES_FILE_MAX_CHARACTERS = 20_000

_GIT = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks")
"""A status must neither start a program that the repository names nor take the lock of an agent at work."""

_FILTERS = (
    "config",
    "--show-scope",
    "--null",
    "--name-only",
    "--get-regexp",
    r"^filter\..*\.(clean|process)$",
)
"""A filter is such a program: an unpacked archive may bring a repository whose configuration has one."""

_MAY_NAME_A_FILTER = re.compile(rb"filter|include", re.IGNORECASE)
"""In a repository's own configuration: the filter itself, or another file."""

_OF_THE_REPOSITORY = frozenset({"local", "worktree"})
MAX_COMMITS = 50

_T = TypeVar("_T")

_SUCCESS = {"log": {0}, "config": {0, 1}, "symbolic-ref": {0}, "status": {0}}
"""1 is `git config`'s answer where nothing matches, also outside of a repository."""

STATUS_COMMAND = ("status", "--porcelain=v2", "--branch", "--untracked-files=all", "--ignore-submodules=dirty")
"""The only output format that is guaranteed to stay stable and has branch, commit and changes at once.

Submodules are skipped, because their own configuration may name programs to run.
"""

DEFAULT_BRANCH_COMMAND = ("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
"""Prints the remote's default branch, as the clone remembers it. Fails if there is none."""

SHORT_COMMIT_CHARACTERS = 7
BRANCH_MAX_CHARACTERS = 80

_CHANGED = ("1 ", "2 ", "u ", "? ")
_USUAL_DEFAULTS = frozenset({"main", "master"})


def in_words(printed: str, default_branch: str = "") -> str:
    """Branch, commit and changes, as the two commands above printed them; empty for an unchanged default branch."""
    lines = printed.splitlines()
    said = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch.") and line.count(" ") > 1)
    branch, commit = said.get("branch.head", ""), said.get("branch.oid", "")
    changed = sum(line.startswith(_CHANGED) for line in lines)
    default = default_branch.strip().removeprefix("origin/")
    if not changed and (branch == default if default else branch in _USUAL_DEFAULTS):
        return ""
    named = one_line(branch, BRANCH_MAX_CHARACTERS) if branch not in {"", "(detached)"} else "no branch"
    short = commit[:SHORT_COMMIT_CHARACTERS] if commit[:1].isalnum() else "no commit yet"
    return f"{named}, {short}, {count(changed, 'file')} changed" if changed else f"{named}, {short}, nothing changed"


async def files_present(paths: Iterable[str], root: str) -> frozenset[str] | None:
    """Those of the paths (relative to `root`, or absolute) that are files; None if that could not be found out."""

    def look() -> frozenset[str] | None:
        if not os.path.isdir(root):  # noqa: PTH112  # os.path answers for impossible names too, pathlib raises
            return None
        return frozenset(path for path in paths if os.path.isfile(Path(root) / path))  # noqa: PTH113  # as above

    return await _in_time(look, f"the files of {root}")


async def house_rules(root: str, directory: str) -> str:
    """What OpenCode tells every agent in this folder anyway; nothing where that could not be read in time."""

    def read() -> str:
        folders = [Path(directory), *Path(directory).parents]
        within = [folder for folder in folders if folder.is_relative_to(root)]
        paths = [folder / name for folder in within for name in RULES_FILES] + [config_folder() / RULES_FILES[0]]
        texts = []
        for path in paths:
            if path.is_file():
                with path.open(encoding="utf-8", errors="replace") as file:
                    texts.append(file.read(RULES_FILE_MAX_CHARACTERS))
        return "\n".join(texts)

    return await _in_time(read, f"the rules of {root}") or ""


async def read_plan(path: str, directory: str) -> Plan | None:
    """A plan's file with the time it was last written; None where it can't be read, or is gone."""

    def read() -> Plan:
        file = Path(directory) / path
        with file.open(encoding="utf-8", newline="") as opened:
            return Plan(opened.read(PLAN_MAX_CHARACTERS + 1), file.stat().st_mtime * 1000)

    return await _in_time(read, f"the plan {path}")


async def _in_time(look: Callable[[], _T], what: str) -> _T | None:
    try:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            return await asyncio.to_thread(look)
    except (TimeoutError, OSError, ValueError) as error:
        log.info("%s could not be read: %r", what, error)
        return None


async def commits_since(root: str, created: str) -> tuple[str, ...]:
    """The commits on this branch since a time (ISO 8601), one line each, newest first; none where git can't tell."""
    until = time.monotonic() + LOOK_TIMEOUT_S
    printed = await _git(root, until, "log", f"--since={created}", f"--max-count={MAX_COMMITS}", "--format=%h %s")
    return tuple(_shown(printed).splitlines()) if printed else ()


async def git_state(root: str) -> str:
    """What git says of the worktree, in words; empty if that is what everyone expects, or without git or a repository.

    Each run of git takes three milliseconds, and as much of OpenCode's time on two cores. Of most repositories, the
    files tell what two of three runs would.
    """
    until = time.monotonic() + LOOK_TIMEOUT_S
    named: str | None = ""
    default = await _in_time(lambda: _plain_default(Path(root) / ".git"), f"the repository in {root}")
    if default is None:
        named, default = await asyncio.gather(_git(root, until, *_FILTERS), _git(root, until, *DEFAULT_BRANCH_COMMAND))
    if named is None:
        return ""
    printed = await _git(root, until, *STATUS_COMMAND, environment=_without_filters(named))
    return in_words(_shown(printed), _shown(default or "")) if printed is not None else ""


def _plain_default(repository: Path) -> str | None:
    """The remote's default branch, if any, where a repository names no filter and its files tell this; else None."""
    is_plain = (repository / "refs").is_dir() and (repository / "HEAD").is_file()
    keeps_elsewhere = any((repository / name).exists() for name in ("commondir", "reftable"))
    if not is_plain or keeps_elsewhere or "GIT_DIR" in os.environ:
        return None
    own = [path for name in ("config", "config.worktree") if (path := repository / name).exists()]
    if any(_MAY_NAME_A_FILTER.search(path.read_bytes()) for path in own):
        return None
    head = repository / "refs" / "remotes" / "origin" / "HEAD"
    return head.read_text(encoding="utf-8").partition("refs/remotes/")[2] if head.exists() else ""


def _shown(printed: str) -> str:
    """With `?` for what is no UTF-8: a branch may have any name."""
    return printed.encode(errors="replace").decode()


def _without_filters(named: str) -> dict[str, str]:
    """What turns the filters off that the repository's own configuration names; a person's own ones stay."""
    words = named.split("\0")
    keys = {key for scope, key in zip(words[::2], words[1::2], strict=False) if scope in _OF_THE_REPOSITORY}
    filters = sorted({key.rpartition(".")[0] for key in keys})
    settings = [
        (f"{name}.{key}", value)
        for name in filters
        for key, value in (("clean", ""), ("process", ""), ("required", "false"))
    ]
    numbered: dict[str, str] = {}
    for number, (key, value) in enumerate(settings):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {"GIT_CONFIG_COUNT": str(len(settings)), **numbered}


async def _git(root: str, until: float, *words: str, environment: Mapping[str, str] | None = None) -> str | None:
    """What git prints; None where it can't be run, fails, or takes longer than until then."""

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # git, with words of ours
            [*_GIT, *words],
            cwd=root,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=max(until - time.monotonic(), 0),
            check=False,
        )

    try:
        done = await asyncio.to_thread(run)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        log.info("git could not be run in %s: %s", root, error)
        return None
    return done.stdout if done.returncode in _SUCCESS[words[0]] else None

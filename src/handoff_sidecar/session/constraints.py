"""The user's standing rules: checked against what the user wrote, and carried from session to session.

A rule counts as the user's own words only where those are found; one that was carried is left out only where the
user says so. In doubt, a rule is the agent's wording, and stays. Knows nothing of where messages come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from handoff_sidecar.text.plain_text import clean, one_line

CONSTRAINT_MAX_CHARACTERS = 300
MAX_CARRIED = 40
"""What is kept in a session's metadata: far more rules than anyone states, and under 12 KB."""

MIN_SHARED_WORDS = 2

MIN_QUOTED_CHARACTERS = 6
"""Anything shorter is found in almost any text."""

LOOKED_AT_CHARACTERS = 20_000
"""Of each message: rules stand in what people type, not in the log that they paste below it."""

CODE_BLOCK = re.compile(r"(?s)```.*?(?:```|\Z)")
_LETTERS_SHARE = 0.7
_SENTENCE_END = re.compile(r"\s(?<=[.!?…]\s)\s*|\n+")
_SENTENCE_END_BESIDE_CJK = re.compile(rf"{_SENTENCE_END.pattern}|(?<=[。！？])")
"""The second one takes half as long again, for all texts that have no such signs."""

_BETWEEN_SPACED_WORDS = r"[^\W_\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7af]"
"""A letter or digit of a script that separates words; others have no word boundary to look for."""

_A_RULE = r"(?:rule|constraint|requirement|restriction|condition|limitation)s?\b"
_TAKING_BACK = re.compile(r"\b(?:forget|drop|lift|ignore|remove|cancel|waive|scrap|disregard|discard|never mind)\b")
_MAY_TAKE_BACK = (
    *("~~", "forget", "drop", "lift", "ignore", "remove", "cancel", "waive", "scrap", "disregard", "discard", "mind"),
    *("longer", "appl", "hold", "count", "matter", "off", "obsolete", "void", "now"),
)
"""A word of each of the forms below: plain search goes through what was said ten times as fast."""
_WHAT_IS_TAKEN_BACK = re.compile(rf"(?: [\w'-]+){{0,3}} {_A_RULE}|(?: about)?:? ['\"]?…")
_IS_OVER = re.compile(
    rf"(?:\b{_A_RULE}.*|…['\"]?) (?:(?:no longer|doesn't|don't) (?:appl(?:y|ies)|holds?|counts?|matters?)"
    r"|(?:is|are) (?:off|obsolete|lifted|void))\b"
)
_PERMISSION = re.compile(r"\byou (?:can|may) now ([\w'-]+)")
_PROHIBITION = re.compile(r"\b(?:no|not|never|without|don't|mustn't|can't|avoid)\b")
_SAYS_THE_OPPOSITE = re.compile(r"\b(?:don't|do not|never|not|can't|cannot|mustn't|must not|shouldn't)\s+$")
_LEAVES_A_DOUBT = re.compile(r"\?|\b(?:if|unless|except|only|but|until|should|could|would|maybe|perhaps)\b")
"""How people take a rule back, in the normal form below with `…` for the rule itself, and what makes it uncertain."""

_PLAIN_QUOTES = dict.fromkeys(map(ord, "‘’`´"), "'") | dict.fromkeys(map(ord, "“”„«»"), '"')
_SMALL_WORDS = frozenset(
    re.findall(
        r"\S+",
        "the and for with that this any all are was must should not don't dont never always only use keep our your its "
        "from into than then when can may have has also please just",
    )
)
_LETTERS_OF_A_SMALL_WORD = 2
_MIN_STEM = 4
"""So many letters in common make `keeping` and `keep` one word."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A standing rule.

    Attributes:
        verbatim: whether these are the user's own words.
    """

    text: str
    verbatim: bool

    def __str__(self) -> str:
        return f'"{self.text}"' if self.verbatim else f"{self.text} (the agent's wording)"


def check(named: Sequence[str], said: Sequence[str]) -> tuple[Constraint, ...]:
    """The rules that an agent names, each as the user put it if that is found in what they said.

    The whole sentence is quoted, not the agent's piece of it: "use tabs" may come from "don't use tabs".
    """
    if not named:
        return ()
    texts = [(text, normal_form(clean(text[:LOOKED_AT_CHARACTERS]))) for text in reversed(said)]
    found = []
    for name in named[:MAX_CARRIED]:
        text = one_line(name, CONSTRAINT_MAX_CHARACTERS).strip("\"'“”„‘’«»`- ")
        if text:
            quoted = _quoted(normal_form(text), texts)
            found.append(Constraint(quoted or text, quoted is not None))
    return merged(found)


def carried(recorded: JsonValue) -> tuple[Constraint, ...]:
    """The rules in the metadata of a session that was handed off to; what has another shape is passed over."""
    texts = recorded_texts(recorded)
    return merged(Constraint(text, entry.get("verbatim") is True) for text, entry in texts)[:MAX_CARRIED]


def recorded_texts(recorded: JsonValue) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """The texts of rules in metadata, each with what else is recorded of it."""
    for entry in recorded if isinstance(recorded, list) else ():
        if isinstance(entry, dict) and isinstance(text := entry.get("text"), str) and text.strip():
            yield one_line(text, CONSTRAINT_MAX_CHARACTERS), entry


def record(constraints: Iterable[Constraint]) -> list[dict[str, JsonValue]]:
    """The rules as a session's metadata holds them; beyond what fits there, the oldest stay."""
    kept = list(constraints)[:MAX_CARRIED]
    return [{"text": constraint.text, "verbatim": constraint.verbatim} for constraint in kept]


def merged(constraints: Iterable[Constraint]) -> tuple[Constraint, ...]:
    """Without those that another one holds; the first of two stays, in the user's words if either is.

    Two rules that the user put in different words both stay: who words a rule anew at each handoff is an agent.
    """
    kept: list[Constraint] = []
    for constraint in constraints:
        here = normal_form(constraint.text)
        for place, other in enumerate(kept):
            there = normal_form(other.text)
            is_reworded = not (constraint.verbatim and other.verbatim) and says_the_same(constraint.text, other.text)
            if here == there or (here in there and other.verbatim) or is_reworded:
                kept[place] = constraint if constraint.verbatim and not other.verbatim else other
                break
        else:
            kept.append(constraint)
    return tuple(kept)


def same_rule(one: str, other: str) -> bool:
    """Whether one says word for word what the other does, or a piece of it."""
    return normal_form(one) in normal_form(other) or normal_form(other) in normal_form(one)


def says_the_same(one: str, other: str) -> bool:
    """Whether two texts are one rule in other words: all that carries meaning in one is in the other.

    Not so where only one of them forbids, or where numbers differ.
    """
    one, other = normal_form(one), normal_form(other)
    fewer, more = sorted((_meant(one), _meant(other)), key=len)
    if len(fewer) < MIN_SHARED_WORDS or len(more) > 2 * len(fewer) or _numbers(one) != _numbers(other):
        return False
    if bool(_PROHIBITION.search(one)) != bool(_PROHIBITION.search(other)):
        return False
    return all(any(_same_word(word, found) for found in more) for word in fewer)


def is_held_by(rule: str, document: str) -> bool:
    """Whether a document, such as AGENTS.md, has the rule in one of its sentences."""
    wanted = normal_form(rule)
    return any(
        wanted in sentence or _names(sentence, wanted) for sentence in map(normal_form, sentences_of([document]))
    )


def taking_back(said: Iterable[str]) -> tuple[str, ...]:
    """The sentences of what was said that may take a rule back, in normal form: what `is_lifted` has to look at."""
    texts = (text for text in said if _may_take_back(clean(text).casefold()))
    return tuple(sentence for sentence in map(normal_form, sentences_of(texts)) if _may_take_back(sentence))


def _may_take_back(folded: str) -> bool:
    return any(word in folded for word in _MAY_TAKE_BACK)


def is_lifted(constraint: Constraint, taken_back: Sequence[str]) -> bool:
    """Whether the user took this rule back, in one sentence that names it and says that it is over.

    Naming means every word of the rule that carries meaning. "Forget the rule about …", "forget '…'", "… no longer
    applies", for a prohibition "you may now …", and in any language the rule struck out: `~~…~~`.
    """
    rule = normal_form(constraint.text)
    return any(_takes_back(sentence, rule) for sentence in taken_back)


def _takes_back(sentence: str, rule: str) -> bool:
    if f"~~{rule}~~" in sentence:
        return True
    # The rule's own words must not be what lifts it, or makes it doubtful: "never drop tables" holds a "drop".
    rest = sentence.replace(rule, "…")
    if not _names(sentence, rule) or any(found[0] not in rule for found in _LEAVES_A_DOUBT.finditer(rest)):
        return False
    for verb in _TAKING_BACK.finditer(rest):
        is_meant = verb[0] not in rule and not _SAYS_THE_OPPOSITE.search(rest[: verb.start()])
        if is_meant and _WHAT_IS_TAKEN_BACK.match(rest, verb.end()):
            return True
    if _IS_OVER.search(rest):
        return True
    allowed = _PERMISSION.search(rest)
    return (
        allowed is not None
        and any(_same_word(allowed[1], word) for word in _meant(rule))
        and _PROHIBITION.search(rule) is not None
        and all(found[0] in rule for found in _PROHIBITION.finditer(rest))
    )


def _numbers(rule: str) -> set[str]:
    return {word for word in re.findall(r"[\w./-]+", rule) if any(character.isdigit() for character in word)}


def _names(sentence: str, rule: str) -> bool:
    meant, words = _meant(rule), re.findall(r"[\w']+", sentence)
    return bool(meant) and all(any(_same_word(word, other) for other in words) for word in meant)


def _meant(rule: str) -> list[str]:
    return [word for word in re.findall(r"[\w']+", rule) if _carries_meaning(word)]


def _carries_meaning(word: str) -> bool:
    return word not in _SMALL_WORDS and (len(word) > _LETTERS_OF_A_SMALL_WORD or not word.isascii() or word.isdigit())


def _same_word(one: str, other: str) -> bool:
    if one == other:
        return True
    stem = max(_MIN_STEM, min(len(one), len(other)) - 2)
    return min(len(one), len(other)) >= _MIN_STEM and one[:stem] == other[:stem]


def sentences_of(said: Iterable[str]) -> Iterator[str]:
    """The sentences of what was said that are short enough to be rules, each on one line."""
    for text in said:
        end = _SENTENCE_END if text.isascii() else _SENTENCE_END_BESIDE_CJK
        for sentence in end.split(clean(text[:LOOKED_AT_CHARACTERS])):
            line = " ".join(sentence.split())
            if 0 < len(line) <= CONSTRAINT_MAX_CHARACTERS:
                yield line


def is_prose(sentence: str) -> bool:
    """Whether a sentence is mostly letters and blanks: logs, paths and code have fewer."""
    return sum(character.isalpha() or character.isspace() for character in sentence) >= _LETTERS_SHARE * len(sentence)


def _quoted(wanted: str, texts: list[tuple[str, str]]) -> str | None:
    """The first sentence of the texts whose normal form holds what is wanted as whole words; none that asks."""
    if len(wanted) < MIN_QUOTED_CHARACTERS:
        return None
    whole = re.compile(rf"(?<!{_BETWEEN_SPACED_WORDS}){re.escape(wanted)}(?!{_BETWEEN_SPACED_WORDS})")
    sentences = sentences_of(text for text, normal in texts if wanted in normal)
    return next((each for each in sentences if "?" not in each and whole.search(normal_form(each))), None)


def normal_form(text: str) -> str:
    """Alike for spellings that people take for the same: case, quotes, blanks, the full stop."""
    text = text.casefold().translate(_PLAIN_QUOTES)
    return " ".join(text.split()).strip(" .!,;:-*")

"""Words of queries: their stems, those that say nothing, and those that ask for a kind of thing without naming it.

Owns what is known of language, English that is; a query in another one has its words as they are. Knows nothing of
records.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

Concept = Literal["decision", "error", "command", "file", "rule"]
CONCEPTS: tuple[Concept, ...] = get_args(Concept)

STEM_MIN_CHARACTERS = 4
SHORT_STEM_CHARACTERS = 3
"""Of a word that loses but a plural's `s`, such as `runs` and `logs`; nothing else may follow such a stem than an
ending, as `log` is not `login`."""

WORD = re.compile(r"[^\W_]+")

STOP_WORDS = frozenset(
    WORD.findall(
        "a about after again all also an and any are as at be been before but by came can come comes could did do "
        "does down during else ever for from further get gets go goes going gone had has have he her here him his how "
        "i if in into is it its just me more most my no not of off on once or other our out over own same she so some "
        "such than that the their them then there these they this those through to too under until up us very was we "
        "were what when where whether which while who whom whose why will with would you your yours"
    )
)
_ENDINGS = (
    *("sions", "sion", "ations", "ation", "ments", "ment", "ings", "ions", "ing", "ion", "ies", "ied"),
    *("ers", "ed", "er", "es", "ly", "s", "e", "y"),
)
_ENDING_OF_A_SHORT_STEM = re.compile(r"(?:[b-df-hj-np-tv-z])?(?:s|es|ed|ing|ings|er|ers)?(?![^\W\d_])")

_ASKED_BY: dict[Concept, str] = {
    "decision": "decide choose chose chosen choice settle agree approach solve solution pick reason based design "
    "instead prefer",
    "error": "error fail failure failing exception crash broke broken break wrong bug problem warning trouble issue "
    "pass passed stumble choke complain panic abort symptom fault defect cause",
    "command": "command run ran running start started execute invoke invocation verify shell terminal launch",
    "file": "file path edit edited source code implement implementation module locate live reside changed "
    "touched modify create written wrote folder directory",
    "rule": "rule constraint must mind allowed forbidden requirement convention guideline policy respect",
}
_SAYS_LITTLE = (
    "user agent session set went use uses used said say says told tell make made get got thing way first last"
)
"""Beside others: of who and that, not of what."""


def stem(word: str) -> str:
    """The beginning that a word in lower case has in common with its other forms; `theme` is not `them`."""
    if word in STOP_WORDS or not word.isalpha():
        return word
    begins = _beginning(word)
    return word if begins in STOP_WORDS else begins


def _beginning(word: str) -> str:
    ending = next((end for end in _ENDINGS if word.endswith(end)), "")
    short = word.removesuffix(ending)
    if len(short) < STEM_MIN_CHARACTERS and not (ending == "s" and len(short) == SHORT_STEM_CHARACTERS):
        return _shortened(word)
    return _single(short).removesuffix("y") if ending in {"ing", "ings", "ed", "er", "ers"} else short


def _shortened(word: str) -> str:
    """A word whose longest ending would leave too little of it, without a shorter one."""
    endings = (end for end in ("es", "s", "e", "y") if word.endswith(end))
    return next((rest for end in endings if len(rest := word.removesuffix(end)) >= STEM_MIN_CHARACTERS), word)


def _single(short: str) -> str:
    """`resett` is `reset`, but `process` stays."""
    doubled = short[-1] == short[-2] and short[-1] not in "aeiousl"
    return short[:-1] if doubled else short


def is_ending(rest: str) -> bool:
    """Whether a word that begins with a short stem and goes on like this is a form of it."""
    return _ENDING_OF_A_SHORT_STEM.match(rest) is not None


def says_little(word_stem: str) -> bool:
    """Whether a word of a query is of who asks, or asks for a kind of thing, rather than naming what it is about."""
    return word_stem in _LITTLE or word_stem in _CONCEPT_OF


def concept_of(word_stem: str) -> Concept | None:
    """What kind of thing a word of a query asks for."""
    return _CONCEPT_OF.get(word_stem)


_LITTLE = frozenset(map(stem, _SAYS_LITTLE.split()))
_CONCEPT_OF: dict[str, Concept] = {stem(word): concept for concept in CONCEPTS for word in _ASKED_BY[concept].split()}

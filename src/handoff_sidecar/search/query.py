"""What a query means: words, "exact phrases", a /regular expression/, and whose words it is after.

Has no clock: the caller says how much time a regular expression has. Knows nothing of sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from handoff_sidecar.errors import BadQuery
from handoff_sidecar.search.expressions import compiled
from handoff_sidecar.search.passages import Speaker
from handoff_sidecar.search.terms import WORD, terms_in
from handoff_sidecar.session.rule_signs import asks_for_rules, may_ask_for_rules

if TYPE_CHECKING:
    import regex

QUERY_MAX_CHARACTERS = 500
MAX_TERMS = 24
"""The first words of a query that is an essay: each costs a look-up."""

PLACES_AT_MOST = 50
"""Matches of a regular expression in one text: more of them say nothing more."""

STOP_WORDS = frozenset(
    WORD.findall(
        "a about after again all also an and any are as at be been before but by came can come comes could did do "
        "does down during each else ever for from further get gets go goes got had has have he her here him his how i "
        "if in into is it its just me more most my no nor not of off on once only or other our out over own same she "
        "should so some such than that the their them then there these they this those through to too under until up "
        "us very was we were what when where whether which while who whom whose why will with would you your yours"
    )
)

LEAST_ALIKE = 4
FORM_ENDS = 2
"""`rename` and `renaming`: words that are alike for four letters, and but for the last two of the shorter one."""

_REGULAR_EXPRESSION = re.compile(r"/(.+)/([imsx]*)", re.DOTALL)
_PHRASE = re.compile(r'["“”]([^"“”]+)["“”]')

_ASKED_FOR: Mapping[Speaker, re.Pattern[str]] = MappingProxyType(
    {
        "person": re.compile(r"\b(?:users?|person|human|asked|wants?|wanted|rules?|told|objection|feedback)\b"),
        "failed": re.compile(
            r"\b(?:errors?|exceptions?|fail\w*|br[eo]k\w*|crash\w*|messages?|symptoms?|complain\w*|refus\w*|reject\w*"
            r"|wrong|bugs?|problems?|warnings?|trouble|pass(?:ed)?|stumbl\w*|chok\w*|panic\w*|abort\w*|faults?|defects?)\b"
        ),
        "command": re.compile(
            r"\b(?:commands?|r[au]n|rerun|running|invok\w*|invocation|calls?|execut\w*|flags?|start(?:ed)?|launch\w*"
            r"|verif\w*|shell|terminal|i|how (?:do|did|can|to))\b"
        ),
    }
)
"""Words of a query that tell who speaks in the answer to it."""

_ASKS_FOR_FILES = re.compile(
    r"\b(?:files?|paths?|folders?|director(?:y|ies)|modules?|scripts?|located?|live[sd]?|(?:edit|chang|touch|creat)ed"
    r"|written|wrote|sources?|implement\w*|code)\b"
)


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: terms and phrases, or a regular expression.

    Attributes:
        terms: of the words that tell something, or of all where none does; those of the phrases too.
        phrases: in lower case, with single blanks; a passage without one of them does not match.
        asked_for: whose words it is after.
        asks_for_rules: whether it is after what the user said or wants kept to.
        may_ask_for_rules: whether it may be.
        asks_for_files: whether a file may be the answer.
    """

    terms: tuple[str, ...]
    phrases: tuple[str, ...] = ()
    pattern: regex.Pattern[str] | None = None
    asked_for: frozenset[Speaker] = frozenset()
    asks_for_rules: bool = False
    may_ask_for_rules: bool = False
    asks_for_files: bool = False

    def nearness(self, text: str) -> int:
        """How many of the terms are in a text, in whatever form."""
        words = set(terms_in(text))
        return sum(any(are_forms_of_one(term, word) for word in words) for term in self.terms)

    def has_phrases(self, text: str) -> bool:
        """Whether all of the phrases are in a text."""
        folded = flat(text)
        return all(phrase in folded for phrase in self.phrases)

    def places(self, text: str, timeout_s: float) -> Iterator[int]:
        """Where the regular expression matches.

        Raises:
            BadQuery: it was still at it after `timeout_s`.
        """
        assert self.pattern is not None  # noqa: S101  # the callers have looked
        try:
            # `concurrent`: other calls go on meanwhile.
            found = self.pattern.finditer(text, timeout=max(timeout_s, 0.001), concurrent=True)
            for match in islice(found, PLACES_AT_MOST):
                yield match.start()
        except TimeoutError as error:
            raise BadQuery(
                f"the regular expression /{self.pattern.pattern}/ was stopped, because it took too long, as nested "
                "repetitions such as (a+)+ do: make it simpler, or search for words"
            ) from error


def parse_query(text: str) -> Query:
    """The query that a model or a person wrote.

    Raises:
        BadQuery: says what is wrong with it.
    """
    text = text.strip()
    if len(text) > QUERY_MAX_CHARACTERS:
        raise BadQuery(f"the query is longer than {QUERY_MAX_CHARACTERS} characters: search for its rarest words")
    expression = _REGULAR_EXPRESSION.fullmatch(text)
    if expression:
        return Query((), pattern=compiled(expression[1], expression[2]))
    folded = text.lower()
    terms = _telling(terms_in(text))
    if not terms:
        raise BadQuery('the query has no word in it: give words, an "exact phrase" or a /regular expression/')
    return Query(
        tuple(terms[:MAX_TERMS]),
        tuple(flat(found) for found in _PHRASE.findall(text)),
        asked_for=frozenset(speaker for speaker, pattern in _ASKED_FOR.items() if pattern.search(folded)),
        asks_for_rules=asks_for_rules(folded),
        may_ask_for_rules=may_ask_for_rules(folded),
        asks_for_files=_ASKS_FOR_FILES.search(folded) is not None,
    )


def are_forms_of_one(term: str, word: str) -> bool:
    """Whether two words are likely forms of one."""
    shorter = min(len(term), len(word))
    alike = max(LEAST_ALIKE, shorter - FORM_ENDS)
    may_be = shorter >= alike and term.isalpha() and word.isalpha()
    return term == word or (may_be and term[:alike] == word[:alike])


def flat(text: str) -> str:
    """A text as phrases are looked for in it: small letters, single blanks."""
    return " ".join(text.lower().split())


def _telling(terms: list[str]) -> list[str]:
    """The terms without those that stand in any text; all of them where no other is left."""
    told = [
        each for each in terms if each not in STOP_WORDS and (len(each) > 1 or each.isdigit() or not each.isascii())
    ]
    return told or terms

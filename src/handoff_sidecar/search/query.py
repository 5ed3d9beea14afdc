"""Searching old messages: what a query means, and where it matches.

Owns the query's form: words, "exact phrases", /regular expressions/. Has no clock: the caller says how much time a
regular expression has. Knows nothing of sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from handoff_sidecar.errors import BadQuery
from handoff_sidecar.search.expressions import compiled
from handoff_sidecar.search.words import (
    SHORT_STEM_CHARACTERS,
    STEM_MIN_CHARACTERS,
    STOP_WORDS,
    WORD,
    Concept,
    concept_of,
    is_ending,
    says_little,
    stem,
)
from handoff_sidecar.session.rule_signs import asks_for_rules, may_ask_for_rules, sets_a_rule

if TYPE_CHECKING:
    import regex

QUERY_MAX_CHARACTERS = 500
MAX_TERMS = 24
"""Of a query that is an essay, the first so many words: each costs a pass over the whole history."""

OUTPUT_SHARE = 0.3
"""What a word in an output counts, against one that was said or done: logs and listings hold any word."""

INSIDE_A_WORD = 0.3
"""What `token` in `refreshToken` counts, against `token` at a word's beginning."""

LONGEST_ENDING = 6
"""A doubled letter, an ending and what must not follow it: `runnings`."""

COUNTED_AT_MOST = 50
"""Occurrences in one message: beyond this more of them say nothing more."""

_REGULAR_EXPRESSION = re.compile(r"/(.+)/([imsx]*)", re.DOTALL)
_PHRASE = re.compile(r'["“”]([^"“”]+)["“”]')


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of a query; `text` is in lower case, and a word's is its stem: it matches what begins with it.

    Attributes:
        required: without it nothing matches.
        says_little: of who asks, or of the kind of thing that is asked for, and not of what it is about.
        typed: the word as it was typed.
    """

    text: str
    is_word: bool = True
    required: bool = False
    says_little: bool = False
    typed: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.typed or self.text

    def places(self, folded: str) -> Iterator[int]:
        """Where it occurs in a text in lower case; a short word counts at the beginning of words alone."""
        anywhere = not self.is_word or len(self.text) >= STEM_MIN_CHARACTERS
        at = folded.find(self.text)
        while at >= 0:
            if anywhere or (_begins_a_word(folded, at) and self._ends_there(folded, at)):
                yield at
            at = folded.find(self.text, at + len(self.text))

    def _ends_there(self, folded: str, at: int) -> bool:
        """Whether a short word is all of the word that it stands in: `log` is not `login`."""
        after = at + len(self.text)
        return len(self.text) != SHORT_STEM_CHARACTERS or is_ending(folded[after : after + LONGEST_ENDING])

    def is_in(self, folded: str) -> bool:
        """Whether it occurs at all."""
        if not self.is_word or len(self.text) >= STEM_MIN_CHARACTERS:
            return self.text in folded
        return any(True for _ in self.places(folded))

    def frequency(self, folded: str) -> float:
        """How often it occurs, occurrences inside of words counted less."""
        if self.text not in folded:
            return 0.0
        places = islice(self.places(folded), COUNTED_AT_MOST)
        return sum(1.0 if not self.is_word or _begins_a_word(folded, at) else INSIDE_A_WORD for at in places)


def _begins_a_word(folded: str, at: int) -> bool:
    return at == 0 or not folded[at - 1].isalnum()


@dataclass(frozen=True)
class Query:
    """What is searched for: terms, or a regular expression.

    Attributes:
        asks_for_rules: whether it is after what the user said or wants kept to.
        may_ask_for_rules: whether it may be.
    """

    terms: tuple[Term, ...]
    pattern: regex.Pattern[str] | None = None
    asks_for_rules: bool = False
    may_ask_for_rules: bool = False

    def frequencies(self, said: str, given: str, timeout_s: float) -> tuple[float, ...] | None:
        """How often each term occurs in texts as they are: see `frequencies_in`."""
        if self.pattern is None:
            said, given = said.lower(), given.lower()
        return self.frequencies_in(said, given, timeout_s)

    def frequencies_in(
        self, said: str, given: str, timeout_s: float, *, is_asked: bool = False
    ) -> tuple[float, ...] | None:
        """How often each term occurs in what was said and done, and whether in the outputs; None if none does.

        A word that a log repeats a hundred times says no more about the message than once. The texts are in lower
        case, but for a regular expression. A user's message (`is_asked`) that sets a rule has the word that asks for
        rules, in effect.

        Raises:
            BadQuery: the regular expression was still at it after `timeout_s`.
        """
        if self.pattern is not None:
            count = sum(1 for _ in self._found(said, timeout_s)) + any(True for _ in self._found(given, timeout_s))
            return (float(count),) if count else None
        counts = tuple(term.frequency(said) + (OUTPUT_SHARE if term.is_in(given) else 0.0) for term in self.terms)
        if is_asked and "rule" in self.concepts and sets_a_rule(said):
            counts = tuple(
                count or float(concept_of(term.text) == "rule") for count, term in zip(counts, self.terms, strict=True)
            )
        return counts if any(counts) else None

    @cached_property
    def concepts(self) -> frozenset[Concept]:
        """The kinds of things that it asks for."""
        return frozenset(concept for term in self.terms if term.is_word and (concept := concept_of(term.text)))

    def terms_in(self, text: str) -> int:
        """How many of the words that name what it is about are in a text."""
        folded = text.lower()
        return sum(term.is_in(folded) for term in self.terms if not term.says_little)

    def may_match(self, text: str, *, is_asked: bool) -> bool:
        """Whether a closer look is worth it at a text that is in lower case, but for a regular expression."""
        if self.pattern is not None or (is_asked and "rule" in self.concepts):
            return True
        return any(term.text in text for term in self.terms)

    def without(self, text: str) -> Query:
        """The query without the words that the text has; a regular expression stays."""
        folded = text.lower()
        return replace(self, terms=tuple(term for term in self.terms if not term.is_in(folded)))

    def places(self, text: str, timeout_s: float) -> list[int]:
        """Where in a text something matches, in order."""
        if self.pattern is not None:
            return list(self._found(text, timeout_s))
        folded = text.lower()
        return sorted(at for term in self.terms for at in islice(term.places(folded), COUNTED_AT_MOST))

    def _found(self, text: str, timeout_s: float) -> Iterator[int]:
        assert self.pattern is not None  # noqa: S101  # the two callers have looked
        try:
            # `concurrent`: other calls go on meanwhile.
            for count, match in enumerate(self.pattern.finditer(text, timeout=max(timeout_s, 0.001), concurrent=True)):
                yield match.start()
                if count + 1 == COUNTED_AT_MOST:
                    return
        except TimeoutError as error:
            raise BadQuery(
                f"the regular expression /{self.pattern.pattern}/ was stopped, as it took too long (nested repetitions "
                "such as (a+)+ do): make it simpler, or search for words"
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
        return Query((), compiled(expression[1], expression[2]))
    phrases = [Term(" ".join(found.lower().split()), is_word=False, required=True) for found in _PHRASE.findall(text)]
    rest = _PHRASE.sub(" ", text).lower()
    terms = [*phrases, *_terms(rest)]
    if not terms:
        raise BadQuery('the query has no word in it: give words, an "exact phrase" or a /regular expression/')
    return Query(
        tuple(dict.fromkeys(terms))[:MAX_TERMS],
        asks_for_rules=asks_for_rules(rest),
        may_ask_for_rules=may_ask_for_rules(rest),
    )


def _terms(text: str) -> Iterable[Term]:
    """The words, and what is written as one with signs in it (`src/auth.ts`, `ERR_42`) also as it stands."""
    words: list[Term] = []
    for chunk in text.split():
        literal = chunk.strip(".,;:!?()[]{}'`<>")
        pieces = WORD.findall(literal)
        if len(pieces) > 1:
            yield Term(literal, is_word=False)
        words += [
            Term(text, says_little=says_little(text), typed=piece)
            for text, piece in zip(map(stem, pieces), pieces, strict=True)
        ]
    telling = [word for word in words if word.text not in STOP_WORDS]
    yield from telling or words

"""Which passages answer a query best: by the words they have, the words around them, who speaks, and when.

Owns the weights, but for those of a turn (`candidates`). All were set on real sessions, and chosen in the middle of
where they make no difference. Knows nothing of how an answer is written. One path for a session and for all of them.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from handoff_sidecar.search.candidates import REACH_AHEAD, REACH_BACK, Candidates, Turns, joined
from handoff_sidecar.search.layout import Layout
from handoff_sidecar.search.passages import Speaker
from handoff_sidecar.search.query import STOP_WORDS, Query, are_forms_of_one
from handoff_sidecar.search.store import Store
from handoff_sidecar.search.synonyms import synonyms_of
from handoff_sidecar.search.terms import WORD
from handoff_sidecar.search.texts import Texts

SPEAKER_WEIGHTS: Mapping[Speaker, float] = MappingProxyType(
    {
        "person": 1.8,
        "agent": 1.3,
        "summary": 1.3,
        "thought": 0.65,
        "command": 0.9,
        "call": 0.9,
        "output": 0.6,
        "failed": 0.8,
        "note": 0.5,
    }
)
"""What is said tells what was meant; outputs hold any word, and thoughts what came to nothing."""

ASKED_FOR_WEIGHTS: Mapping[Speaker, float] = MappingProxyType({"person": 2.7, "command": 1.8, "failed": 1.4})
"""For those whose words the query asks for: a command that is asked for is worth what a person says."""

SATURATION = 1.2
LENGTH_SHARE = 0.6
TYPICAL_CHARACTERS = 320
"""BM25's k1 and b, and the length that a passage mostly has. A term counts once, however often it is there."""

SURROUNDINGS_SHARE = 0.3
NEARER_BY = 0.8
AHEAD_SHARE = 0.7
"""A passage also has the words of the six before it and the four after it, each less than the next: the sentence that
announces a call, the command whose output it is, the paragraph that it goes on."""

NEWEST_FACTOR = 0.25
"""So much more does the newest message count than the oldest: what was said later holds."""

SYNONYM_SHARE = 0.6
"""A synonym counts for less than the word itself, and tells no more than it."""

FEEDBACK_PASSAGES = 10
FEEDBACK_TERMS = 12
FEEDBACK_SHARE = 0.25
FEEDBACK_LOOKED_AT = 60
"""RM3: the words that are typical of the best passages count too, at a quarter of the weight."""

COMMON_ROWS = 20_000
"""A term that more passages have finds none by itself: it only ranks those that others find."""

MOST_ROWS = 40_000
"""So many rows of the rarest terms are gone through to find candidates."""

MOST_CANDIDATES = 400
MOST_CANDIDATES_OF_ALL = 200
"""The best by their own terms, which are looked at closely with what is around them; of all sessions fewer, as their
messages lie far apart. More made no difference on real sessions."""

LEAST_TERM_CHARACTERS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that was found.

    Attributes:
        row: where it is in the store.
        place: where it is in its message.
        worth: the higher, the better the answer.
        held: how much of the query's weight it has in its own words, from 0 to 1.
    """

    row: int
    message: Layout
    place: int
    worth: float
    held: float

    @property
    def speaker(self) -> Speaker:
        """Who speaks in it."""
        return self.message.speaker(self.place)


@dataclass(frozen=True, slots=True)
class Ranking:
    """What was found, best first.

    Attributes:
        missing: the terms of the query that no passage has.
        held: how much of the query's weight one passage has at best.
    """

    found: Sequence[Found]
    missing: tuple[str, ...] = ()
    held: float = 0.0


class _Terms:
    """Where the terms are, and how much each tells."""

    def __init__(self, store: Store, scope: Sequence[range]) -> None:
        self._store, self.scope = store, scope
        self._known: dict[str, array[int]] = {}
        self._having: dict[str, int] = {}
        self._total = max(sum(map(store.passage_count, scope)), 1)

    def rows(self, term: str) -> array[int]:
        """The rows that have it, in order; of a common one, the first so many."""
        if term not in self._known:
            found = array("q")
            for rows in self.scope:
                found += self._store.holding(term, rows, most=COMMON_ROWS - len(found))
            self._known[term] = found
        return self._known[term]

    def rows_among(self, term: str, candidates: Candidates) -> Collection[int]:
        """Those of the rows that are near candidates."""
        if not self.is_common(term):
            return [row for row in self.rows(term) if row in candidates.near]
        return [row for rows in candidates.stretches for row in self._store.holding(term, rows)]

    def tells(self, term: str) -> float:
        """BM25's inverse document frequency, kept above zero."""
        if term not in self._having:
            self._having[term] = sum(self._store.count_holding(term, rows) for rows in self.scope)
        having = self._having[term]
        return math.log(1 + (max(self._total - having, 0) + 0.5) / (having + 0.5))

    def is_common(self, term: str) -> bool:
        """Whether it finds nothing by itself."""
        return len(self.rows(term)) == COMMON_ROWS


def rank(query: Query, store: Store, scope: Sequence[range], texts: Texts, *, expands: bool = True) -> Ranking:
    """The passages that answer a query, best first.

    Args:
        scope: the rows where to look: those of a session, of all, of some messages.
        expands: whether synonyms, and words that are typical of the best passages, count too.
    """
    terms = _Terms(store, scope)
    weights = (_synonyms(query, terms) if expands else {}) | dict.fromkeys(query.terms, 1.0)
    missing = tuple(term for term in query.terms if not terms.rows(term))
    turns = Turns(store, scope)
    best = _by_own_terms(terms, weights, MOST_CANDIDATES if expands else MOST_CANDIDATES_OF_ALL)
    candidates = Candidates(store, sorted({*best, *turns.ends_of(best)}))
    found = _ranked(query, terms, weights, candidates, turns)
    if expands and found:
        fed_back = _feedback(query, terms, texts, found)
        found = _ranked(query, terms, fed_back | weights, candidates, turns) if fed_back else found
    found = [each for each in found if any(each.row in rows for rows in scope)]
    if query.phrases:
        found = _near_phrases(query, texts, found)
    return Ranking(found, missing, max((each.held for each in found), default=0.0))


def _near_phrases(query: Query, texts: Texts, found: Sequence[Found]) -> list[Found]:
    """Those that have the phrases, or stand around one that has: an answer need not say again what was asked."""
    having = {each.row for each in found if query.has_phrases(texts.passage(each.message.first, each.place).text)}
    near = frozenset(chain.from_iterable(joined(sorted(having))))
    return [each for each in found if each.row in near]


def _ranked(
    query: Query, terms: _Terms, weights: Mapping[str, float], candidates: Candidates, turns: Turns
) -> list[Found]:
    worth: dict[int, float] = defaultdict(float)
    held: dict[int, float] = defaultdict(float)
    asked = sum(terms.tells(term) for term in query.terms)
    for term, weight in weights.items():
        tells = weight * terms.tells(term)
        rows = terms.rows_among(term, candidates)
        own = {row: _value(*where) for row in rows if (where := candidates.at(row))}
        for row, value in own.items():
            worth[row] += tells * value
            held[row] += terms.tells(term) / asked if term in query.terms else 0.0
        for row, value in _around(own).items():
            worth[row] += tells * SURROUNDINGS_SHARE * min(value, 1 + SATURATION)
        for row, value in turns.asked(own, candidates):
            worth[row] += tells * value
    found = []
    for row, value in worth.items():
        if where := candidates.at(row):
            layout, place = where
            factor = _factor(query, layout.speaker(place)) * (1 + NEWEST_FACTOR * candidates.newness(layout) ** 2)
            found.append(Found(row, layout, place, value * factor, min(held[row], 1.0)))
    return sorted(found, key=lambda each: (each.worth, each.row), reverse=True)


def _by_own_terms(terms: _Terms, weights: Mapping[str, float], most: int) -> list[int]:
    """The rows with the most weight of terms, where rare ones find, and common ones only rank."""
    worth: dict[int, float] = defaultdict(float)
    left = MOST_ROWS
    for term in sorted(weights, key=lambda term: len(terms.rows(term))):
        rows = terms.rows(term)
        if worth and len(rows) > left:
            break
        left -= len(rows)
        tells = weights[term] * terms.tells(term)
        for row in rows:
            worth[row] += tells
    best = heapq.nlargest(most, ((value, row) for row, value in worth.items()))
    return [row for _, row in best]


def _around(own: Mapping[int, float]) -> dict[int, float]:
    """What rows have by the rows around them."""
    around: dict[int, float] = defaultdict(float)
    for row, value in own.items():
        share = value
        for distance in range(1, REACH_BACK + 1):
            around[row + distance] += share
            if distance <= REACH_AHEAD:
                around[row - distance] += AHEAD_SHARE * share
            share *= NEARER_BY
    return around


def _value(layout: Layout, place: int) -> float:
    """BM25's share of a term that is there once, the more the shorter the passage."""
    stretch = 1 - LENGTH_SHARE + LENGTH_SHARE * layout.length(place) / TYPICAL_CHARACTERS
    return (SATURATION + 1) / (1 + SATURATION * stretch)


def _factor(query: Query, speaker: Speaker) -> float:
    return ASKED_FOR_WEIGHTS[speaker] if speaker in query.asked_for else SPEAKER_WEIGHTS[speaker]


def _synonyms(query: Query, terms: _Terms) -> dict[str, float]:
    """Other words for the query's, with their weights."""
    weights: dict[str, float] = {}
    for term in query.terms:
        for other in synonyms_of(term):
            weights[other] = SYNONYM_SHARE * min(terms.tells(term) / terms.tells(other), 1.0)
    return weights


def _feedback(query: Query, terms: _Terms, texts: Texts, found: Sequence[Found]) -> dict[str, float]:
    """The terms that are typical of the best passages, with their weights beside the query's own."""
    best: dict[str, tuple[Found, str]] = {}
    for each in found:
        text = texts.passage(each.message.first, each.place).text
        best.setdefault(" ".join(text.split()), (each, text))
        if len(best) == FEEDBACK_PASSAGES:
            break
    whole = sum(each.worth for each, _ in best.values())
    shares: dict[str, float] = defaultdict(float)
    for each, text in best.values():
        words = [word for word in WORD.findall(text.lower()) if _may_be_typical(word)]
        for word in words:
            shares[word] += each.worth / whole / len(words)
    foremost = sorted(shares, key=lambda word: (-shares[word], word))[:FEEDBACK_LOOKED_AT]
    new = [word for word in foremost if not any(are_forms_of_one(term, word) for term in query.terms)]
    typical = sorted(((shares[word] * terms.tells(word), word) for word in new), reverse=True)
    typical = typical[:FEEDBACK_TERMS]
    total = sum(worth for worth, _ in typical)
    beside = FEEDBACK_SHARE / (1 - FEEDBACK_SHARE) * len(query.terms)
    return {word: beside * worth / total for worth, word in typical} if total else {}


def _may_be_typical(word: str) -> bool:
    return len(word) >= LEAST_TERM_CHARACTERS and word not in STOP_WORDS and not word.isdigit()

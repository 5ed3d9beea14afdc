"""Which messages answer a query best: BM25, over messages and the turns that they are part of.

Rare words count more than common ones, and a short message that is about them more than a long one that also holds
them. Knows a query only by how often its terms occur.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from handoff_sidecar.search.query import Query

SATURATION = 1.2
LENGTH_SHARE = 0.75
"""BM25's k1 and b, at the values that its authors recommend."""

MATCHING_SHARE = 0.5
"""Of the query's weight: a message with less of it holds one of its common words and is no match."""

MATCHING_SHARE_OF_THE_BEST = 0.4
"""Of the best one's worth: a log that happens to hold all the words is no match beside a sentence about them."""

SHARE_OF_A_KIND = 0.4
"""Of the mean of the other words' weights: what a word that asks for a kind of thing (`command`, `decided`) counts at
most. It may be rare, and yet says nothing of what the question is about."""

OF_THE_USER = 1.5
"""A message of the user's counts so much more where what they said is asked for, such as their rules."""

SHARE_OF_THE_TURN = 0.5
"""Of a word's worth for a message, if only another message of its turn holds it: a question has the words of a topic
that the answer to it leaves out."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that holds something of the query.

    Attributes:
        index: its place in the history.
        turn: what it shares with the other messages of its turn alone.
        length: in characters, those of outputs counted less.
        is_asked: whether it is the user's.
    """

    index: int
    turn: int
    frequencies: tuple[float, ...]
    length: int
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates, best first: those that match, then those that only hold some words of the query.

    Attributes:
        weights: of the query's terms.
        worths: of the candidates, by their places.
    """

    matches: list[Candidate]
    others: list[Candidate]
    weights: list[float]
    worths: dict[int, float]


def weigh(query: Query, candidates: Sequence[Candidate], documents: int) -> list[float]:
    """What each term of the query is worth, the rarer the more; a message with it in an output alone is a part of one.

    Words that say little are worth less than the others, however rare.
    """
    terms = query.terms or (None,)
    counts = [sum(min(1.0, candidate.frequencies[place]) for candidate in candidates) for place in range(len(terms))]
    weights = [math.log(1 + max(documents - count + 0.5, 0) / (count + 0.5)) if count else 0.0 for count in counts]
    telling = [weight for weight, term in zip(weights, terms, strict=True) if weight and term and not term.says_little]
    if not telling:
        return weights
    most = SHARE_OF_A_KIND * sum(telling) / len(telling)
    return [
        min(weight, most) if term and term.says_little else weight for weight, term in zip(weights, terms, strict=True)
    ]


def _evened(query: Query, weights: Sequence[float]) -> list[float]:
    """The weights, none above the mean of those of the words that tell what the query is about."""
    telling = [weight for weight, term in zip(weights, query.terms, strict=False) if weight and not term.says_little]
    most = sum(telling) / len(telling) if telling else max(weights, default=0.0)
    return [min(weight, most) for weight in weights]


def rank(query: Query, candidates: Sequence[Candidate], *, documents: int, characters: int) -> Ranking:
    """The candidates by how well they and their turns answer the query.

    Args:
        documents: how many messages were searched.
        characters: how long they are together, counted as for candidates.
    """
    required = [term.required for term in query.terms] or [False]
    weights = weigh(query, candidates, documents)
    asks_for_the_user = "rule" in query.concepts or any(term.text == "user" for term in query.terms)
    # A word that hardly anybody said may be how the question is put: it counts as much as the others, and no more.
    counted = _evened(query, weights)
    enough = MATCHING_SHARE * sum(counted)
    mean_length = characters / max(documents, 1) or 1.0

    def worths(candidate: Candidate) -> list[float]:
        """BM25's summands, one a term."""
        stretch = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * candidate.length / mean_length)
        return [
            weight * count * (SATURATION + 1) / (count + stretch)
            for weight, count in zip(weights, candidate.frequencies, strict=True)
        ]

    own = {candidate.index: worths(candidate) for candidate in candidates}
    of_turn: dict[int, list[float]] = {}
    for candidate in candidates:
        best = of_turn.setdefault(candidate.turn, [0.0] * len(weights))
        of_turn[candidate.turn] = [max(pair) for pair in zip(best, own[candidate.index], strict=True)]

    worth = {
        candidate.index: (OF_THE_USER if asks_for_the_user and candidate.is_asked else 1.0)
        * sum(
            max(mine, SHARE_OF_THE_TURN * turns)
            for mine, turns in zip(own[candidate.index], of_turn[candidate.turn], strict=True)
        )
        for candidate in candidates
    }

    def answers(candidate: Candidate) -> bool:
        if worth[candidate.index] < least:
            return False
        turns = of_turn[candidate.turn]
        return sum(weight for weight, found in zip(counted, turns, strict=True) if found) >= enough

    def is_possible(candidate: Candidate) -> bool:
        return all(count or not needed for needed, count in zip(required, candidate.frequencies, strict=True))

    ranked = sorted(filter(is_possible, candidates), key=lambda found: (worth[found.index], found.index), reverse=True)
    least = MATCHING_SHARE_OF_THE_BEST * worth[ranked[0].index] if ranked else 0.0
    matches: list[Candidate] = []
    others: list[Candidate] = []
    for one in ranked:
        (matches if answers(one) else others).append(one)
    return Ranking(matches, others, weights, worth)

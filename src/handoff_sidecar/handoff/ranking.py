"""Which messages answer a query best: BM25, over messages and the turns that they are part of.

Rare words count more than common ones, and a short message that is about them more than a long one that also holds
them. Knows a query only by how often its terms occur.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from handoff_sidecar.handoff.search import Query

SATURATION = 1.2
LENGTH_SHARE = 0.75
"""BM25's k1 and b, at the values that its authors recommend."""

MATCHING_SHARE = 0.5
"""Of the query's weight: a message with less of it holds one of its common words and is no match."""

MATCHING_SHARE_OF_THE_BEST = 0.4
"""Of the best one's worth: a log that happens to hold all the words is no match beside a sentence about them."""

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
    """

    index: int
    turn: int
    frequencies: tuple[float, ...]
    length: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates, best first: those that match, then those that only hold some words of the query."""

    matches: list[Candidate]
    others: list[Candidate]


def rank(query: Query, candidates: Sequence[Candidate], *, documents: int, characters: int) -> Ranking:
    """The candidates by how well they and their turns answer the query.

    Args:
        documents: how many messages were searched.
        characters: how long they are together, counted as for candidates.
    """
    required = [term.required for term in query.terms] or [False]
    counts = [sum(1 for candidate in candidates if candidate.frequencies[place]) for place in range(len(required))]
    weights = [math.log(1 + (documents - count + 0.5) / (count + 0.5)) if count else 0.0 for count in counts]
    enough = MATCHING_SHARE * sum(weights)
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

    def score(candidate: Candidate) -> tuple[float, int]:
        pairs = zip(own[candidate.index], of_turn[candidate.turn], strict=True)
        return sum(max(mine, SHARE_OF_THE_TURN * turns) for mine, turns in pairs), candidate.index

    def answers(candidate: Candidate) -> bool:
        turns = of_turn[candidate.turn]
        had = sum(weight for weight, worth in zip(weights, turns, strict=True) if worth)
        return had >= enough and score(candidate)[0] >= least

    def is_possible(candidate: Candidate) -> bool:
        return all(count or not needed for needed, count in zip(required, candidate.frequencies, strict=True))

    ranked = sorted(filter(is_possible, candidates), key=score, reverse=True)
    least = MATCHING_SHARE_OF_THE_BEST * score(ranked[0])[0] if ranked else 0.0
    matches = [one for one in ranked if answers(one)]
    return Ranking(matches, [one for one in ranked if not answers(one)])

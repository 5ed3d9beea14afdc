"""Which of the passages that are shown are on the same matter, so that its last word comes first and older ones say so.

Owns when two passages are on one matter, and the order. Knows nothing of how they are written out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from handoff_sidecar.reading.shown import Shown
from handoff_sidecar.search.query import Query, are_forms_of_one
from handoff_sidecar.search.schema import SESSION_ROWS

SHARED_TERMS = 0.5
ASKED_TERMS = 1 / 3
"""Of the query's terms in a passage, so many are in the later one too; and of the whole query, so many in both."""

SHARED_WORDS = 0.2
LEAST_SHARED_WORDS = 3
"""Of the words that tell the shorter passage from the others, so many are in the other one."""

COMMON_SHARE = 1 / 3
COMMON_AT_LEAST = 3
"""A word that more of the shown passages have tells none of them from the others."""

FOREMOST_SHARE = 0.5
"""Of the best passage's worth: in one session those above it come before the others, each with the newest first. Of
several, the newest one may be about another task."""

_SAID = frozenset({"person", "agent", "summary", "note"})


class Matters:
    """The passages of an answer, and what later ones say on the same matter.

    Args:
        kept: best first.
        in_all: whether they are of several sessions.
    """

    def __init__(self, kept: Sequence[Shown], query: Query, *, in_all: bool) -> None:
        self._kept = kept if in_all else _newest_first(kept)
        self._asked = len(query.terms)
        self._terms = {
            each.row: {term for term in query.terms if any(are_forms_of_one(term, word) for word in each.words)}
            for each in kept
        }
        having = Counter(word for each in kept for word in each.words)
        most = max(COMMON_AT_LEAST, COMMON_SHARE * len(kept))
        common = frozenset(word for word, passages in having.items() if passages > most)
        self._words = {each.row: each.words - common for each in kept}
        self._later = {each.row: [other for other in kept if self._is_later(other, each)] for each in kept}
        self.older = frozenset(row for row, later in self._later.items() if later)

    def in_order(self) -> Iterator[Shown]:
        """As they answer best, but before each what later ones say on its matter, the newest first."""
        given: set[int] = set()
        for each in self._kept:
            for passage in [*sorted(self._later[each.row], key=_when, reverse=True), each]:
                if passage.row not in given:
                    given.add(passage.row)
                    yield passage

    def _is_later(self, later: Shown, each: Shown) -> bool:
        if later.found.message.created <= each.found.message.created or _manner(later) != _manner(each):
            return False
        terms = self._terms[each.row]
        both = len(terms & self._terms[later.row])
        if both < max(SHARED_TERMS * len(terms), ASKED_TERMS * self._asked):
            return False
        if each.passage.head or later.passage.head:
            return _call(each) == _call(later)
        if later.turn == each.turn:
            return False
        words, others = self._words[each.row], self._words[later.row]
        return len(words & others) >= max(SHARED_WORDS * min(len(words), len(others)), LEAST_SHARED_WORDS)


def _newest_first(kept: Sequence[Shown]) -> list[Shown]:
    least = FOREMOST_SHARE * max((each.found.worth for each in kept), default=0.0)
    return sorted(kept, key=lambda each: (each.found.worth >= least, *_when(each)), reverse=True)


def _when(each: Shown) -> tuple[float, int]:
    return each.found.message.created, each.row


def _manner(each: Shown) -> str:
    """Whether something was said, or thought, or which part of a call it is."""
    return "said" if each.found.speaker in _SAID else each.found.speaker.replace("failed", "output")


def _call(each: Shown) -> tuple[int, str]:
    """Which call a passage is part of, without what came of it: another one of the same name is that call once more.

    In another session it is not: there the tests that run are about other work.
    """
    return each.row // SESSION_ROWS, each.passage.head.rpartition(": ")[0]

"""The passages that a ranking looks at closely, with what is around them and what was asked in their turns.

Owns how far around them it looks, and what a turn's request counts for all that came of it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from handoff_sidecar.search.layout import Layout
from handoff_sidecar.search.store import Store

REACH_BACK = 6
REACH_AHEAD = 4
"""So many passages before and after one are looked at with it."""

ASKED_SHARE = 0.25
ANSWER_SHARE = 0.5
ANSWER_ROWS = 8
"""What the person had asked for counts for all of the turn, the more for what the agent says at its end."""

TURNS_LOOKED_AT = 40
TURN_ROWS = 150
"""Of the best candidates' turns, the last rows are looked at too: the answer has other words than the question."""


class Candidates:
    """The passages that are looked at closely, and the messages that they and their surroundings are in."""

    def __init__(self, store: Store, rows: Iterable[int]) -> None:
        self.stretches = joined(sorted(rows))
        self.near = frozenset(chain.from_iterable(self.stretches))
        layouts = {layout.first: layout for rows in self.stretches for layout in store.layouts_around(rows)}
        self._layouts = [layouts[first] for first in sorted(layouts)]
        self._firsts = sorted(layouts)
        by_time = sorted(layouts.values(), key=lambda layout: layout.created)
        self._newness = {layout.first: place / len(by_time) for place, layout in enumerate(by_time, start=1)}
        self._known: dict[int, tuple[Layout, int] | None] = {}

    def at(self, row: int) -> tuple[Layout, int] | None:
        """The message of a row, and the place in it; None where there is no passage."""
        if row not in self._known:
            self._known[row] = self._look_up(row)
        return self._known[row]

    def newness(self, layout: Layout) -> float:
        """How new a message is, up to 1 for the newest."""
        return self._newness[layout.first]

    def _look_up(self, row: int) -> tuple[Layout, int] | None:
        number = bisect_right(self._firsts, row) - 1
        layout = self._layouts[number] if number >= 0 else None
        return (layout, row - layout.first) if layout and row - layout.first < len(layout) else None


class Turns:
    """What was asked in a turn, for all that was said and done in it."""

    def __init__(self, store: Store, scope: Sequence[range]) -> None:
        turns = [(rows, store.turns(rows)) for rows in scope]
        self._turns = [
            range(first, stop)
            for rows, starts in turns
            for first, stop in zip(starts, [*starts[1:], rows.stop], strict=False)
        ]
        self._starts = [turn.start for turn in self._turns]

    def ends_of(self, rows: Iterable[int]) -> Iterator[int]:
        """The last rows of the turns that these rows begin."""
        known: set[int] = set()
        for row in rows:
            turn = self._of(row)
            if turn is not None and turn.start not in known and row - turn.start < ANSWER_ROWS:
                known.add(turn.start)
                yield from turn[-TURN_ROWS:]
            if len(known) == TURNS_LOOKED_AT:
                break

    def asked(self, own: Mapping[int, float], candidates: Candidates) -> Iterator[tuple[int, float]]:
        """What candidates have by what was asked in their turns; of a long request each word tells less."""
        values: dict[int, float] = {}
        for row, value in own.items():
            where = candidates.at(row)
            if where is not None and where[0].role == "user":
                first = where[0].first
                values[first] = max(values.get(first, 0.0), value / math.sqrt(len(where[0])))
        for first, value in values.items():
            turn = self._of(first) or range(0)
            for row in turn[-TURN_ROWS:]:
                where = candidates.at(row) if row in candidates.near else None
                if where is not None and where[0].first != first:
                    is_answer = row >= turn.stop - ANSWER_ROWS and where[0].speaker(where[1]) == "agent"
                    yield row, value * (ANSWER_SHARE if is_answer else ASKED_SHARE)

    def _of(self, row: int) -> range | None:
        number = bisect_right(self._starts, row) - 1
        return self._turns[number] if number >= 0 and row < self._turns[number].stop else None


def joined(rows: Iterable[int]) -> list[range]:
    """The stretches of rows that are near these."""
    stretches: list[range] = []
    for row in rows:
        if stretches and row - REACH_BACK <= stretches[-1].stop:
            stretches[-1] = range(stretches[-1].start, row + REACH_AHEAD + 1)
        else:
            stretches.append(range(row - REACH_BACK, row + REACH_AHEAD + 1))
    return stretches

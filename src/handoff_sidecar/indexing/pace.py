"""How fast the index is brought up to date: how much is asked of OpenCode at once, and how much time is left to others.

Pure: knows neither what is read nor who waits.
"""

from __future__ import annotations

from dataclasses import dataclass

HELD_UP_MAX_MS = 50.0
"""OpenCode answers nothing else while it reads a page of messages: nobody notices a pause as short as this."""

SMALLER_OVER_MS = 30.0
LARGER_UNDER_MS = 15.0
"""Twice as much would still be answered in `SMALLER_OVER_MS`."""

FIRST_MESSAGES = 30
MOST_MESSAGES = 120
"""Half a megabyte: as objects it takes ten times that, and much larger pages are hardly faster."""

SHARE_BESIDE_TURNS = 0.08
SHARE_WHEN_QUIET = 0.5
SHORTEST_REST_S = 0.02
LONGEST_REST_S = 5.0


@dataclass
class PageSize:
    """How many messages are asked for at once.

    Attributes:
        messages: for the next page.
        way_ms: how long the smallest request takes: on a busy machine that is no fault of a page's.
    """

    messages: int = FIRST_MESSAGES
    way_ms: float = 0.0

    def took(self, milliseconds: float, asked: int) -> bool:
        """Learn from a page of `asked` messages; whether it was a single one that held OpenCode up all the same."""
        milliseconds = max(milliseconds - self.way_ms, 0.0)
        if milliseconds > SMALLER_OVER_MS:
            self.messages = max(1, min(self.messages, asked // 2))
        elif milliseconds < LARGER_UNDER_MS and asked >= self.messages:
            self.messages = min(MOST_MESSAGES, self.messages * 2)
        return milliseconds > HELD_UP_MAX_MS and asked == 1


def rest_s(worked_s: float, *, beside_turns: bool) -> float:
    """How long to do nothing after having worked for so long."""
    share = SHARE_BESIDE_TURNS if beside_turns else SHARE_WHEN_QUIET
    return min(max(worked_s * (1 / share - 1), SHORTEST_REST_S), LONGEST_REST_S)

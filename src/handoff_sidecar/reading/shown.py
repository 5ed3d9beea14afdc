"""A passage that an answer shows: what was found, as it is told."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_sidecar.search.passages import Passage
from handoff_sidecar.search.ranking import Found

Turn = tuple[int, str] | None
"""What the person had asked for, with the row of that message; None before their first word."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage that is shown, without secrets.

    Attributes:
        words: those that tell something.
        turn: what it was said or done in answer to.
    """

    found: Found
    passage: Passage
    head: str
    text: str
    tokens: int
    words: frozenset[str]
    turn: Turn

    @property
    def row(self) -> int:
        """Where it is in the store."""
        return self.found.row

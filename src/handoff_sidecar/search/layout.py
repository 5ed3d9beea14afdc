"""A message as the ranking sees it: who speaks in each of its passages, and how long it is, in two bytes a passage."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from handoff_sidecar.search.passages import SPEAKERS, Passage, Speaker

_LENGTH_BITS = 12
_LENGTH_MOST = (1 << _LENGTH_BITS) - 1


@dataclass(frozen=True, slots=True)
class Layout:
    """A message as the ranking sees it: who speaks in each of its passages, and how long it is.

    Attributes:
        first: the row of the first passage.
        packed: two bytes a passage.
    """

    first: int
    id: str
    role: str
    created: float
    packed: array[int]

    def __len__(self) -> int:
        return len(self.packed)

    def speaker(self, place: int) -> Speaker:
        """Who speaks in a passage."""
        return SPEAKERS[self.packed[place] >> _LENGTH_BITS]

    def length(self, place: int) -> int:
        """How many characters a passage has."""
        return self.packed[place] & _LENGTH_MOST


def packed(passages: Iterable[Passage]) -> bytes:
    """What is kept of the passages of a message."""
    return array("H", (_code(passage) for passage in passages)).tobytes()


def layout_of(first: int, name: str, role: str, created: float, kept: bytes) -> Layout:
    """The message whose passages were kept so."""
    codes = array("H")
    codes.frombytes(kept)
    return Layout(first, name, role, created, codes)


def _code(passage: Passage) -> int:
    return SPEAKERS.index(passage.speaker) << _LENGTH_BITS | min(len(passage.text), _LENGTH_MOST)

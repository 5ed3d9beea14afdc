"""Records of a history, some of them packed and compressed together.

Owns how much is compressed at once: single turns are read back from anywhere, whole histories gone through.
"""

from __future__ import annotations

import zlib
from array import array
from dataclasses import dataclass

from handoff_sidecar.opencode.models import Message
from handoff_sidecar.search.packing import pack_all, split, unpack
from handoff_sidecar.session.transcript import Record, record_of

PAGE_RECORDS = 50
"""Half a millisecond to read back, and 5 % more bytes than with 500."""

COMPRESSION = 3
"""zlib's level: six tenths of the time of its default, and a twelfth more bytes."""

OUTPUT_LENGTH_DIVISOR = 10
"""A long output does not make what was said beside it less to the point."""


@dataclass(frozen=True, slots=True)
class Page:
    """Packed records, compressed; `users` are the places of the person's messages among them."""

    packed: bytes
    count: int
    characters: int
    users: array[int]
    newest: str

    @property
    def text(self) -> str:
        """All of it, as `packing.split` cuts it."""
        return zlib.decompress(self.packed).decode()

    def records(self) -> list[str]:
        """Each record, packed."""
        return split(self.text)


def pages_of(messages: list[Message]) -> list[Page]:
    """The records of messages, in their order."""
    records = [record_of(message) for message in messages]
    return [_page(records[start : start + PAGE_RECORDS]) for start in range(0, len(records), PAGE_RECORDS)]


def shortened(page: Page, count: int, *more: Record) -> list[Page]:
    """A page of its first `count` records and these; none where that is nothing."""
    records = [*map(unpack, page.records()[:count]), *more]
    return [_page(records)] if records else []


def length_of(said: str, given: str) -> int:
    """How long a message is that says this, and gives these outputs, for the ranking."""
    return len(said) + len(given) // OUTPUT_LENGTH_DIVISOR


def _page(records: list[Record]) -> Page:
    users = array("L", (place for place, record in enumerate(records) if record.role == "user"))
    packed = zlib.compress(pack_all(records).encode("utf-8", "replace"), COMPRESSION)
    return Page(packed, len(records), sum(map(_length, records)), users, records[-1].id)


def _length(record: Record) -> int:
    return sum(length_of(entry.head + entry.taken, entry.given) for entry in record.entries)

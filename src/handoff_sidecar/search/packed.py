"""Records of messages as bytes, as small as they get on their own."""

from __future__ import annotations

import zlib
from typing import get_args

from handoff_sidecar.session.transcript import Entry, Kind, Record

COMPRESSION = 6
"""zlib's level: a third of the text is left, at 55 MB a second. Its fastest leaves a tenth more."""

_ENTRY, _FIELD = "\x1e", "\x1f"
"""What separates the pieces of packed records; cleaned text has no control characters."""

_CODES: dict[Kind, str] = dict(zip(get_args(Kind), "=~-@*!", strict=True))
_KINDS: dict[str, Kind] = {code: kind for kind, code in _CODES.items()}


def pack(record: Record) -> bytes:
    """The record as bytes."""
    head = _FIELD.join((record.id, record.role, str(record.created)))
    entries = (_FIELD.join((_CODES[entry.kind], entry.head, entry.taken, entry.given)) for entry in record.entries)
    # A tool's output may hold halves of characters, which UTF-8 can't.
    return zlib.compress(_ENTRY.join((head, *entries)).encode("utf-8", "replace"), COMPRESSION)


def text_of(packed: bytes) -> str:
    """All that is packed."""
    return zlib.decompress(packed).decode()


def lines_of(packed: bytes) -> str:
    """The same, each piece on lines of its own."""
    return text_of(packed).replace(_ENTRY, "\n").replace(_FIELD, "\n")


def unpack(packed: bytes) -> Record:
    """The record that was packed."""
    head, *entries = text_of(packed).split(_ENTRY)
    name, role, created = head.split(_FIELD)
    return Record(name, role, float(created), tuple(_unpack_entry(entry) for entry in entries))


def _unpack_entry(packed: str) -> Entry:
    code, head, taken, given = packed.split(_FIELD)
    return Entry(_KINDS[code], head, taken, given)

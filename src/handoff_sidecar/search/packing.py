"""Records as one string each, to be kept and searched in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from handoff_sidecar.session.transcript import Entry, Kind, Record, is_written, restates, telling

_ENTRY, _FIELD, _RECORD = "\x1e", "\x1f", "\x1d"
"""What separates the pieces of packed records; cleaned text has no control characters."""

_CODES: dict[Kind, str] = dict(zip(get_args(Kind), "=~-@*!", strict=True))
_KINDS: dict[str, Kind] = {code: kind for kind, code in _CODES.items()}


def pack_all(records: Iterable[Record]) -> str:
    """The records as one string."""
    return _RECORD.join(map(_pack, records))


def split(packed: str) -> list[str]:
    """The packed records of `pack_all`; what was said and done stands in them as it is."""
    return packed.split(_RECORD)


def id_of(packed: str) -> str:
    """The id of a packed record's message."""
    return packed.partition(_FIELD)[0]


def is_of(packed: str, message_id: str) -> bool:
    """Whether a packed record is that of this message."""
    return packed.startswith(f"{message_id}{_FIELD}")


def said_and_given(packed: str) -> tuple[str, str]:
    """What was said and done in a packed record, and the outputs; in a fifth of the time of unpacking it.

    What was thought stands with the outputs: it weighs much that was never done.
    """
    said: list[str] = []
    given: list[str] = []
    for entry in packed.split(_ENTRY)[1:]:
        code, head, taken, output = entry.split(_FIELD)
        if code == _CODES["thought"]:
            given.append(taken)
        elif not restates(head):
            said += (telling(head), taken)
            given.append(output)
    return "\n".join(said), "\n".join(given)


def calls_a_tool(packed: str) -> bool:
    """Whether the message did something."""
    return f"{_ENTRY}{_CODES['tool']}" in packed


def writing_entries(packed: str) -> list[Entry]:
    """What in a packed record wrote files, or says that they were changed on disk."""
    if not calls_a_tool(packed) and f"{_ENTRY}{_CODES['changed']}" not in packed:
        return []
    return [entry for entry in map(_unpack_entry, packed.split(_ENTRY)[1:]) if is_written(entry)]


def spoken(packed: str) -> str:
    """What was said in a packed record, and nothing else."""
    entries = (entry.split(_FIELD) for entry in packed.split(_ENTRY)[1:])
    return "\n".join(taken for code, _, taken, _ in entries if code == _CODES["said"])


def created(packed: str) -> float:
    """When a packed record's message was, in milliseconds since the epoch."""
    return float(packed.partition(_ENTRY)[0].rpartition(_FIELD)[2])


def _pack(record: Record) -> str:
    head = _FIELD.join((record.id, record.role, str(record.created)))
    entries = (_FIELD.join((_CODES[entry.kind], entry.head, entry.taken, entry.given)) for entry in record.entries)
    return _ENTRY.join((head, *entries))


def unpack(packed: str) -> Record:
    """The record that was packed."""
    head, *entries = packed.split(_ENTRY)
    name, role, created = head.split(_FIELD)
    return Record(name, role, float(created), tuple(_unpack_entry(entry) for entry in entries))


def _unpack_entry(packed: str) -> Entry:
    code, head, taken, given = packed.split(_FIELD)
    return Entry(_KINDS[code], head, taken, given)

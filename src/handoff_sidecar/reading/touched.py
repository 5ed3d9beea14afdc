"""The messages that touch a file, found by the words of its name."""

from __future__ import annotations

from handoff_sidecar.reading.standing_rows import StandingRows
from handoff_sidecar.search.store import Store
from handoff_sidecar.search.terms import terms_in
from handoff_sidecar.session.file_touches import Touching
from handoff_sidecar.session.transcript import Record


def touched(store: Store, stands: StandingRows, touching: Touching) -> dict[range, Record]:
    """What in the messages touches a file, oldest first, by the rows of each message."""
    found: dict[range, Record] = {}
    for rows in _messages_naming(store, stands.rows, touching.name):
        part = touching.part_of(stands.record(store.record_at(rows.start)))
        if part is not None:
            found[rows] = part
    return found


def _messages_naming(store: Store, rows: range, name: str) -> list[range]:
    """The rows of each message with a passage that has all the words of a name."""
    terms = terms_in(name)
    naming = set.intersection(*(set(store.holding(term, rows)) for term in terms)) if terms else set(rows)
    messages: list[range] = []
    for row in sorted(naming):
        if not messages or row >= messages[-1].stop:
            (layout,) = store.layouts_around(range(row, row + 1))
            messages.append(range(layout.first, min(layout.first + len(layout), rows.stop)))
    return messages

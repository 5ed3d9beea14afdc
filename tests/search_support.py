"""What a second process does to an index, for the tests of several at once."""

from __future__ import annotations

from pathlib import Path

from handoff_sidecar.search.index_file import Index
from handoff_sidecar.search.store import Store
from handoff_sidecar.session.transcript import Entry, Record


def add_many(path: Path, session_id: str, count: int) -> None:
    """Add so many messages, each in a transaction of its own."""
    index = Index(path)
    for number in range(count):
        record = Record(f"msg_{number:04}", "user", number * 1_000.0, (Entry("said", "", f"theirs {number}"),))
        index.write(lambda db, record=record: Store(db).append(session_id, [record]))  # type: ignore[misc]
    index.close()

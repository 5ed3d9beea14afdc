"""What leaves an index: sessions that were deleted, and the oldest ones where it has become too large.

What was removed stays in the file until its pages are overwritten; that it is so is a fact that the index keeps.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from handoff_sidecar.indexing.reach import updated_ms
from handoff_sidecar.opencode.models import MessageID, Session, SessionID
from handoff_sidecar.search import coverage
from handoff_sidecar.search.coverage import Coverage
from handoff_sidecar.search.index_file import Index
from handoff_sidecar.search.store import Store

FULL_SHARE = 0.9
"""How full it is after sessions had to be left out, so that this is not done again and again."""

_TO_ERASE = "to erase"
"""The fact that something was removed and has not left the file yet."""


def forget_sessions(index: Index, session_ids: Iterable[SessionID]) -> None:
    """Remove what there is of these sessions."""

    def forget(db: sqlite3.Connection) -> None:
        for session_id in session_ids:
            Store(db).remove_session(session_id)
            coverage.forget(db, session_id)
        note_removed(db)

    index.write(forget)


def forget_from(index: Index, session_id: SessionID, message_id: MessageID) -> bool:
    """Remove a message and what came after it, as if none of that had been read; whether it was there."""

    def forget(db: sqlite3.Connection) -> bool:
        store, there = Store(db), coverage.coverage_of(db, session_id)
        rows, first = store.rows_of(session_id), store.first_of(session_id, message_id)
        if rows is None or first is None:
            return False
        before = store.ends(range(rows.start, first))
        if before is None:
            store.remove_session(session_id)
            coverage.forget(db, session_id)
        else:
            removed = store.remove_from(session_id, message_id)
            there = replace(there, newest_id=before[1].id, is_settled=False, messages=there.messages - removed)
            coverage.save(db, there)
        note_removed(db)
        return True

    return index.write(forget)


def note_removed(db: sqlite3.Connection) -> None:
    """Remember that what was removed has yet to leave the file."""
    coverage.note_fact(db, _TO_ERASE, "yes")


def must_erase(index: Index) -> bool:
    """Whether something was removed that has not left the file yet."""
    return bool(index.read(lambda db: coverage.fact(db, _TO_ERASE)))


def finish_erasing(index: Index) -> None:
    """All is merged: what was removed is in the `-wal` file alone, if it is anywhere."""
    index.write(lambda db: coverage.note_fact(db, _TO_ERASE, ""))
    if not index.truncate_log():  # another process reads in it: another time
        index.write(note_removed)


def has_no_room_for(session: Session, index: Index, most_bytes: int) -> bool:
    """Whether the index is full of newer sessions; if so this one is left out."""
    if index.size_bytes < most_bytes * FULL_SHARE:
        return False

    def leave_out(db: sqlite3.Connection) -> bool:
        oldest = min((each.updated_ms for each in coverage.all_coverage(db).values() if each.bytes), default=0)
        if updated_ms(session) >= oldest:
            return False
        coverage.save(db, Coverage(session.id, updated_ms(session), is_left_out=True))
        return True

    return index.write(leave_out)


def make_room(index: Index, most_bytes: int) -> bool:
    """Leave out the oldest sessions of an index that has become too large; whether it had."""
    was_too_large = False
    while (size := index.size_bytes) > most_bytes:
        known = index.read(coverage.all_coverage)
        oldest = sorted((each for each in known.values() if each.bytes), key=lambda each: each.updated_ms)
        if len(oldest) <= 1:
            break
        share = (size - most_bytes * FULL_SHARE) / size * sum(each.bytes for each in oldest)
        _leave_out_oldest(index, oldest[:-1], share)
        was_too_large = True
    return was_too_large


def _leave_out_oldest(index: Index, oldest: list[Coverage], most_bytes: float) -> None:
    """Each in a transaction of its own, until so much text is gone."""
    left_out = 0
    for each in oldest:
        if left_out >= most_bytes:
            break

        def leave_out(db: sqlite3.Connection, each: Coverage = each) -> None:
            Store(db).remove_session(each.session_id)
            coverage.save(db, Coverage(each.session_id, each.updated_ms, is_left_out=True))
            note_removed(db)

        index.write(leave_out)
        left_out += each.bytes

"""How far an index has come: of each session, which of its messages are in it, and who is at work on it.

Owns the tables of that and their statements; what the messages say is `store`'s.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

SCHEMA_VERSION = 1

LEASE_MS = 30_000
"""A sidecar that ended in the middle holds up the others for this long at most; renewed with every page."""

_SLOW_MESSAGES = "slow messages"

_TABLES = {
    "coverage": """(
        session_id TEXT PRIMARY KEY, updated_ms INTEGER NOT NULL, newest_id TEXT NOT NULL, is_settled INTEGER NOT NULL,
        before_id TEXT NOT NULL, before_ms INTEGER NOT NULL, is_left_out INTEGER NOT NULL, messages INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    )""",
    "lease": "(session_id TEXT PRIMARY KEY, owner TEXT NOT NULL, until_ms INTEGER NOT NULL)",
    "fact": "(name TEXT PRIMARY KEY, value TEXT NOT NULL)",
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the index has of a session.

    Attributes:
        updated_ms: the session's `time.updated` when its newest messages were read.
        newest_id: up to this message all were complete when they were read.
        is_settled: whether nothing more was to come after that then.
        before_id: the oldest message that was read, where there are older ones that weren't; else empty.
        before_ms: when that one was created.
        is_left_out: whether it was removed because the index had become too large.
        bytes: how much text of it was read.
    """

    session_id: str
    updated_ms: int = 0
    newest_id: str = ""
    is_settled: bool = False
    before_id: str = ""
    before_ms: int = 0
    is_left_out: bool = False
    messages: int = 0
    bytes: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all its messages are in the index, back to the first."""
        return not self.before_id and not self.is_left_out


@dataclass(frozen=True, slots=True)
class Totals:
    """All of an index together; `partial` sessions are in it too, but not whole."""

    sessions: int
    partial: int
    left_out: int
    messages: int
    bytes: int


def totals(connection: sqlite3.Connection) -> Totals:
    """How much there is."""
    known = all_coverage(connection).values()
    return Totals(
        sessions=sum(not each.is_left_out for each in known),
        partial=sum(bool(each.before_id) for each in known),
        left_out=sum(each.is_left_out for each in known),
        messages=sum(each.messages for each in known),
        bytes=sum(each.bytes for each in known),
    )


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty database."""
    for name, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE {name} {columns} WITHOUT ROWID")


def check(connection: sqlite3.Connection) -> None:
    """Read a row of each table.

    Raises:
        sqlite3.Error: a table is missing or damaged.
    """
    for name in _TABLES:
        connection.execute(f"SELECT * FROM {name} LIMIT 1").fetchone()  # noqa: S608  # our own names


def coverage_of(connection: sqlite3.Connection, session_id: str) -> Coverage:
    """What there is of a session."""
    row = connection.execute("SELECT * FROM coverage WHERE session_id = ?", (session_id,)).fetchone()
    return _coverage(row) if row else Coverage(session_id)


def all_coverage(connection: sqlite3.Connection) -> dict[str, Coverage]:
    """Of every session that was ever read."""
    return {row[0]: _coverage(row) for row in connection.execute("SELECT * FROM coverage")}


def save(connection: sqlite3.Connection, new: Coverage) -> None:
    """Put it in place of what there was."""
    connection.execute(
        "REPLACE INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.session_id,
            new.updated_ms,
            new.newest_id,
            new.is_settled,
            new.before_id,
            new.before_ms,
            new.is_left_out,
            new.messages,
            new.bytes,
        ),
    )


def forget(connection: sqlite3.Connection, session_id: str) -> None:
    """As if it had never been read."""
    connection.execute("DELETE FROM coverage WHERE session_id = ?", (session_id,))


def lease(connection: sqlite3.Connection, session_id: str, owner: str, now_ms: int) -> bool:
    """Take or renew the right to work on a session; False while another sidecar has it."""
    taken = connection.execute(
        "INSERT INTO lease VALUES (?, ?, ?) ON CONFLICT (session_id) DO UPDATE "
        "SET owner = excluded.owner, until_ms = excluded.until_ms WHERE owner = excluded.owner OR until_ms < ?",
        (session_id, owner, now_ms + LEASE_MS, now_ms),
    )
    return taken.rowcount > 0


def release(connection: sqlite3.Connection, session_id: str, owner: str) -> None:
    """Give that right back."""
    connection.execute("DELETE FROM lease WHERE session_id = ? AND owner = ?", (session_id, owner))


def fact(connection: sqlite3.Connection, name: str) -> str:
    """A fact about the whole index; empty if there is none of this name."""
    row = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def note_fact(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Put it in place of what there was."""
    connection.execute("REPLACE INTO fact VALUES (?, ?)", (name, value))


def count_slow_message(connection: sqlite3.Connection) -> None:
    """Count a message that was too large to be read without holding OpenCode up."""
    note_fact(connection, _SLOW_MESSAGES, str(slow_messages(connection) + 1))


def slow_messages(connection: sqlite3.Connection) -> int:
    """How many there were."""
    return int(fact(connection, _SLOW_MESSAGES) or 0)


def _coverage(row: tuple[str, int, str, int, str, int, int, int, int]) -> Coverage:
    session_id, updated_ms, newest_id, is_settled, before_id, before_ms, is_left_out, messages, size = row
    return Coverage(
        session_id, updated_ms, newest_id, bool(is_settled), before_id, before_ms, bool(is_left_out), messages, size
    )

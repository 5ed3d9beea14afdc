"""Every statement that is run on the tables of an index, but for those of its coverage.

Works on a connection that is handed in, in memory or on a file, and never commits: the owner of the connection does.
Knows nothing of OpenCode, nor of what makes a passage a good answer. What a row is, is `schema`'s.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from handoff_sidecar.search.layout import Layout, layout_of, packed
from handoff_sidecar.search.packed import lines_of, pack, unpack
from handoff_sidecar.search.passages import Passage, passages_of, words_of_the_person
from handoff_sidecar.search.schema import SCHEMA, SESSION_ROWS
from handoff_sidecar.search.terms import indexed
from handoff_sidecar.session.file_touches import files_written
from handoff_sidecar.session.statements import UserRequest
from handoff_sidecar.session.transcript import Record, is_written


class Store:
    """The tables on one connection; `create` makes them on an empty database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def create(self) -> None:
        """Make the tables.

        Raises:
            sqlite3.Error: they are there already, or can't be made.
        """
        for statement in SCHEMA.split(";"):
            if statement.strip():
                self._db.execute(statement)

    # What is written

    def append(self, session_id: str, records: Sequence[Record], *, older: bool = False) -> None:
        """Take on messages of a session, oldest first, that follow all that are there (or, `older`, precede them)."""
        key, low, high = self._session(session_id)
        cut = [(record, passages_of(record)) for record in records]
        room = sum(max(1, len(passages)) for _, passages in cut)
        first = low - room if older else high
        for record, passages in cut:
            self._add(key, first, record, passages)
            first += max(1, len(passages))
        low, high = (low - room, high) if older else (low, high + room)
        self._db.execute("update session set low = ?, high = ? where key = ?", (low, high, key))

    def remove_from(self, session_id: str, message_id: str) -> int:
        """Take out a message and all after it, as before they are read again; how many there were."""
        rows = self.rows_of(session_id)
        first = self.first_of(session_id, message_id)
        return 0 if rows is None or first is None else self._remove(range(first, rows.stop), session_id)

    def remove_session(self, session_id: str) -> int:
        """Take out a session whole; how many messages it had."""
        rows = self.rows_of(session_id)
        if rows is None:
            return 0
        removed = self._remove(rows, session_id)
        self._db.execute("delete from session where id = ?", (session_id,))
        return removed

    def erase_step(self, pages: int, *, begin: bool) -> bool:
        """A step of what makes the words of removed messages leave the file; whether there is more to do.

        The full-text table keeps what was removed until its parts are merged. The freed pages are overwritten if the
        connection has `secure_delete` on.

        Args:
            pages: how much to do in this step; 500 take some ten milliseconds.
            begin: whether this is the first step after something was removed.
        """
        before = self._db.total_changes
        self._db.execute("insert into passage(passage, rank) values ('merge', ?)", (-pages if begin else pages,))
        return self._db.total_changes - before > 1  # so SQLite's documentation of `merge` puts it

    # What is there

    def rows_of(self, session_id: str) -> range | None:
        """The rows of a session's passages; None if nothing is known of it."""
        found = self._db.execute("select low, high from session where id = ?", (session_id,)).fetchone()
        return range(*found) if found else None

    def all_rows(self) -> range:
        """The rows of all sessions."""
        return range(1 << 62)

    def first_of(self, session_id: str, message_id: str) -> int | None:
        """The row of a message's first passage; None if it is not there."""
        found = self._db.execute(
            "select first from message join session on session.key = message.session"
            " where session.id = ? and message.id = ?",
            (session_id, message_id),
        ).fetchone()
        return int(found[0]) if found else None

    def first_from(self, session_id: str, message_id: str) -> int | None:
        """The row of the first message whose id is this or greater."""
        (found,) = self._db.execute(
            "select min(first) from message join session on session.key = message.session"
            " where session.id = ? and message.id >= ?",
            (session_id, message_id),
        ).fetchone()
        return int(found) if found is not None else None

    def session_ids(self) -> list[str]:
        """The sessions that something is known of."""
        return [str(name) for (name,) in self._db.execute("select id from session")]

    def session_of(self, row: int) -> str:
        """The session that a row belongs to."""
        found = self._db.execute("select id from session where key = ?", (row // SESSION_ROWS,)).fetchone()
        return str(found[0])

    def count(self, rows: range) -> int:
        """How many messages have rows here."""
        found = self._db.execute("select count(*) from message where first >= ? and first < ?", _ends(rows))
        return int(found.fetchone()[0])

    def layouts(self, rows: range) -> list[Layout]:
        """The messages that have rows here, oldest first."""
        found = self._db.execute(
            "select first, id, role, created, layout from message where first >= ? and first < ? order by first",
            _ends(rows),
        )
        return [layout_of(*each) for each in found]

    def ends(self, rows: range) -> tuple[Layout, Layout] | None:
        """The first and the last message that has rows here; None if there is none."""
        found = [
            self._db.execute(
                "select first, id, role, created, layout from message where first >= ? and first < ?"  # noqa: S608
                f" order by first {order} limit 1",
                _ends(rows),
            ).fetchone()
            for order in ("asc", "desc")
        ]
        return (layout_of(*found[0]), layout_of(*found[1])) if found[0] else None

    def layouts_around(self, rows: range) -> list[Layout]:
        """The messages that have rows here, and the one that the first of these rows may be in the middle of."""
        found = self._db.execute(
            "select first, id, role, created, layout from message where first < ? and"
            " first >= coalesce((select max(first) from message where first <= ?), 0) order by first",
            (rows.stop, rows.start),
        )
        return [layout_of(*each) for each in found]

    def passage_count(self, rows: range) -> int:
        """About how many passages there are in these rows, which are a session's or all."""
        (count,) = self._db.execute(
            "select coalesce(sum(min(high, ?) - max(low, ?)), 0) from session where high > ? and low < ?",
            (rows.stop, rows.start, rows.start, rows.stop),
        ).fetchone()
        return int(count)

    def record_at(self, first: int) -> Record:
        """The message whose first row this is."""
        return unpack(self._db.execute("select packed from record where first = ?", (first,)).fetchone()[0])

    def records(self, rows: range) -> Iterator[tuple[int, Record]]:
        """The messages that have rows here, oldest first, with their first rows."""
        found = self._db.execute(
            "select first, packed from record where first >= ? and first < ? order by first", _ends(rows)
        )
        return ((first, unpack(packed)) for first, packed in found)

    def texts(self, rows: range) -> Iterator[tuple[int, str]]:
        """All that the messages say that have rows here, the newest first, with their first rows."""
        found = self._db.execute(
            "select first, packed from record where first >= ? and first < ? order by first desc", _ends(rows)
        )
        return ((first, lines_of(packed)) for first, packed in found)

    def asked_before(self, row: int) -> tuple[int, str] | None:
        """What the person said last, up to a row of the same session, with the first row of that message."""
        found = self._db.execute(
            "select first from message where asked and first <= ? and first >= ? order by first desc limit 1",
            (row, row - row % SESSION_ROWS),
        ).fetchone()
        return (int(found[0]), words_of_the_person(self.record_at(found[0]))[0]) if found else None

    # What the person said

    def requests(self, rows: range) -> Iterator[UserRequest]:
        """What the person said, oldest first, and what became of it; feedback to a denied call counts as said.

        For the rules' list, and for whoever writes a brief: it is as fresh as the session's messages here are.
        """
        request: UserRequest | None = None
        found = self._db.execute(
            "select first, created, role, spoken, called, asked from message where first >= ? and first < ?"
            " order by first",
            _ends(rows),
        )
        for first, created, role, spoken, called, asked in found:
            if role != "user" and request is not None:
                answered = request.answered_characters + spoken
                request = replace(
                    request, called_tools=request.called_tools or bool(called), answered_characters=answered
                )
            if role == "user" or asked:
                if request is not None:
                    yield request
                said = words_of_the_person(self.record_at(first)) if asked else []
                request = UserRequest("\n".join(said), created)
        if request is not None:
            yield request

    def said(self, rows: range) -> Iterator[tuple[str, str]]:
        """What the person said, oldest first, each with the message that it stands in."""
        found = self._db.execute(
            "select packed from message join record using (first) where asked and first >= ? and first < ?"
            " order by first",
            _ends(rows),
        )
        for (stored,) in found:
            record = unpack(stored)
            yield record.id, "\n".join(words_of_the_person(record))

    def turns(self, rows: range) -> list[int]:
        """The first rows of the person's messages, in order."""
        found = self._db.execute(
            "select first from message where first >= ? and first < ? and role = 'user' order by first", _ends(rows)
        )
        return [first for (first,) in found]

    def files_written(self, rows: range) -> list[str]:
        """The paths of files that were written, each once, the newest first."""
        found = self._db.execute(
            "select path from wrote where message >= ? and message < ? order by message desc, place", _ends(rows)
        )
        return list(dict.fromkeys(path for (path,) in found))

    # What is looked up

    def holding(self, term: str, rows: range, *, most: int = -1) -> array[int]:
        """The rows whose passages have a term, in order; the first so many of them."""
        found = self._db.execute(
            "select rowid from passage where passage match ? and rowid >= ? and rowid < ? limit ?",
            (f'"{term}"', *_ends(rows), most),
        )
        return array("q", (row for (row,) in found))

    def count_holding(self, term: str, rows: range) -> int:
        """How many passages have a term."""
        found = self._db.execute(
            "select count(*) from passage where passage match ? and rowid >= ? and rowid < ?",
            (f'"{term}"', *_ends(rows)),
        )
        return int(found.fetchone()[0])

    # Inside

    def _session(self, session_id: str) -> tuple[int, int, int]:
        found = self._db.execute("select key, low, high from session where id = ?", (session_id,)).fetchone()
        if found:
            return tuple(found)
        (key,) = self._db.execute("select coalesce(max(key), 0) + 1 from session").fetchone()
        middle = key * SESSION_ROWS + SESSION_ROWS // 2
        self._db.execute("insert into session values (?, ?, ?, ?)", (key, session_id, middle, middle))
        return key, middle, middle

    def _add(self, key: int, first: int, record: Record, passages: Sequence[Passage]) -> None:
        spoken = sum(len(entry.taken) for entry in record.entries if entry.kind == "said")
        called = any(entry.kind == "tool" for entry in record.entries)
        asked = any(passage.speaker == "person" for passage in passages)
        self._db.execute(
            "insert into message values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (first, key, record.id, record.role, record.created, packed(passages), spoken, called, asked),
        )
        self._db.execute("insert into record values (?, ?)", (first, pack(record)))
        self._db.executemany("insert into passage(rowid, terms) values (?, ?)", _rows(first, passages))
        paths = chain.from_iterable(files_written(entry) for entry in record.entries if is_written(entry))
        wrote = ((first, place, _storable(path)) for place, path in enumerate(dict.fromkeys(paths)))
        self._db.executemany("insert into wrote values (?, ?, ?)", wrote)

    def _remove(self, rows: range, session_id: str) -> int:
        removed = 0
        for first, record in self.records(rows):
            self._db.executemany(
                "insert into passage(passage, rowid, terms) values ('delete', ?, ?)", _rows(first, passages_of(record))
            )
            removed += 1
        for table, row in (("message", "first"), ("record", "first"), ("wrote", "message")):
            self._db.execute(f"delete from {table} where {row} >= ? and {row} < ?", _ends(rows))  # noqa: S608
        self._db.execute("update session set high = ? where id = ? and high = ?", (rows.start, session_id, rows.stop))
        return removed


def _ends(rows: range) -> tuple[int, int]:
    return rows.start, rows.stop


def _rows(first: int, passages: Iterable[Passage]) -> Iterator[tuple[int, str]]:
    return ((first + place, _storable(indexed(passage.text))) for place, passage in enumerate(passages))


def _storable(text: str) -> str:
    """A text without halves of characters, which a tool's output may hold and SQLite can't."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()

"""Bringing the index up to date with one session, page by page, from OpenCode's API.

Owns what is asked for, in which order (the newest first), and what that changes in the index. When it is done, and for
which sessions, is `upkeep`'s.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from handoff_sidecar.indexing.pace import PageSize
from handoff_sidecar.indexing.removal import note_removed
from handoff_sidecar.opencode.client import MessagePage, OpenCodeClient, cursor_at
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session
from handoff_sidecar.search import coverage
from handoff_sidecar.search.coverage import Coverage
from handoff_sidecar.search.index_file import Index
from handoff_sidecar.search.store import Store
from handoff_sidecar.session.transcript import Record, record_of
from handoff_sidecar.text.redaction import Redact

log = logging.getLogger(__name__)

SETTLES_AFTER_MS = 10_000
"""A person's message that nobody answers: a turn would have begun by then."""

ABANDONED_AFTER_MS = 3_600_000
"""A message that is not complete after this long never will be: OpenCode ended in the middle of it."""

FIRST_LOOK_MESSAGES = 8
"""Of a session that was up to date at its last turn; often that is enough."""

MOST_NEW_MESSAGES = 2_000
"""Where more are new, the session is read as if it never had been."""

_MORE_TO_COME = "tool-calls"
"""How a step ends after which the agent goes on; the next step may not have begun."""


class SessionSync:
    """Brings sessions up to date in an index; one for each project."""

    def __init__(self, index: Index, redact: Redact, now_ms: Callable[[], int]) -> None:
        self._index = index
        self._redact = redact
        self._now_ms = now_ms
        self.size = PageSize()

    async def steps(
        self, session: Session, client: OpenCodeClient, owner: str, *, at_least: int = 1
    ) -> AsyncGenerator[bool, None]:
        """Read what is new, then what is missing; after each page, whether all is there.

        May be left off after any page: the next time goes on from there.

        Args:
            at_least: how many messages a page has, however slow OpenCode is: more where somebody waits.

        Raises:
            OpenCodeError: it could not be read.
            IndexBusy, IndexReplaced: see `Index.write`.
        """
        there = await asyncio.to_thread(self._index.read, lambda db: coverage.coverage_of(db, session.id))
        page = await self._page(session, client, "", FIRST_LOOK_MESSAGES if there.newest_id else self._size(at_least))
        # Asked after the messages: what began in between was not under way when they were read.
        is_busy = self._is_recent(page.messages) and (await client.status(session.id)).is_busy
        new = page.messages
        while there.newest_id and page.before is not None and new and new[0].info.id > there.newest_id:
            if len(new) >= MOST_NEW_MESSAGES:
                break
            yield False
            page = await self._page(session, client, _cursor(new[0]), self._size(at_least))
            new = [*page.messages, *new]
        whole = MessagePage(new, page.before)
        there = await asyncio.to_thread(self.put, session, whole, is_busy=is_busy, owner=owner)
        yield there.is_whole
        while there.before_id:
            cursor = cursor_at(there.before_id, there.before_ms)
            page = await self._page(session, client, cursor, self._size(at_least))
            there = await asyncio.to_thread(self._put_older, session, page, there.before_id, owner)
            yield there.is_whole

    def _is_recent(self, messages: list[Message]) -> bool:
        """Whether a turn may be under way: one that has said nothing for an hour is none."""
        return bool(messages) and self._now_ms() - messages[-1].info.time.created < ABANDONED_AFTER_MS

    def _size(self, at_least: int) -> int:
        return max(self.size.messages, at_least)

    async def _page(self, session: Session, client: OpenCodeClient, before: str, limit: int) -> MessagePage:
        page = await client.messages(session.id, limit=limit, before=before or None)
        took_ms = page.took_s * 1_000
        if self.size.took(took_ms, limit):
            log.info("a single message of %s held OpenCode up for %.0f ms while it was read", session.id, took_ms)
            await asyncio.to_thread(self._index.write, coverage.count_slow_message)
        return page

    def put(self, session: Session, page: MessagePage, *, is_busy: bool, owner: str) -> Coverage:
        """What is new, all the way to what is known."""
        records = [self._safe(record_of(message)) for message in page.messages]
        now_ms = self._now_ms()

        def put(db: sqlite3.Connection) -> Coverage:
            there = replace(
                _with_newest(db, session.id, page, records),
                updated_ms=int(session.time.updated or session.time.created),
                is_settled=not is_busy and _is_settled(page.messages, now_ms),
            )
            there = replace(there, newest_id=_newest_complete(page.messages, there.newest_id, now_ms))
            coverage.save(db, there)
            self._renew_or_release(db, there, owner)
            return there

        return self._index.write(put)

    def _put_older(self, session: Session, page: MessagePage, before_id: str, owner: str) -> Coverage:
        """What is older than all that is known."""
        records = [self._safe(record_of(message)) for message in page.messages]

        def put(db: sqlite3.Connection) -> Coverage:
            there = coverage.coverage_of(db, session.id)
            if there.before_id == before_id:  # else another sidecar was faster
                Store(db).append(session.id, records, older=True)
                there = _grown(_starting_at(there, page), records)
                coverage.save(db, there)
            self._renew_or_release(db, there, owner)
            return there

        return self._index.write(put)

    def _renew_or_release(self, db: sqlite3.Connection, there: Coverage, owner: str) -> None:
        """With the last page, others may have it."""
        if there.is_whole:
            coverage.release(db, there.session_id, owner)
        else:
            coverage.lease(db, there.session_id, owner, self._now_ms())

    def _safe(self, record: Record) -> Record:
        """The record as it may be stored: without secrets of known forms."""
        redact = self._redact
        entries = tuple(
            replace(entry, head=redact(entry.head), taken=redact(entry.taken), given=redact(entry.given))
            for entry in record.entries
        )
        return replace(record, entries=entries)


def _with_newest(db: sqlite3.Connection, session_id: str, page: MessagePage, records: list[Record]) -> Coverage:
    """Make the index hold these newest messages of a session, and nothing of what they take the place of.

    Messages that were not complete when they were read are read again; those that were undone are removed by OpenCode
    at the next prompt.
    """
    store, there = Store(db), coverage.coverage_of(db, session_id)
    kept = [record.id for record in records if record.id <= there.newest_id]
    joint = next((each for each in reversed(kept) if store.first_of(session_id, each) is not None), None)
    if joint is None:
        if store.remove_session(session_id):
            note_removed(db)
        there = _starting_at(Coverage(session_id), page)
    else:
        replaced = _following(store, session_id, joint)
        if replaced:
            store.remove_from(session_id, replaced[0])
            if not set(replaced) <= {record.id for record in records}:
                note_removed(db)
        there = replace(there, messages=there.messages - len(replaced))
    new = [record for record in records if joint is None or record.id > joint]
    store.append(session_id, new)
    return _grown(there, new)


def _following(store: Store, session_id: str, message_id: str) -> list[str]:
    """The messages after this one."""
    rows, first = store.rows_of(session_id), store.first_of(session_id, message_id)
    if rows is None or first is None:
        return []
    return [layout.id for layout in store.layouts(range(first + 1, rows.stop))]


def _starting_at(there: Coverage, page: MessagePage) -> Coverage:
    if page.before is None or not page.messages:
        return replace(there, before_id="", before_ms=0)
    first = page.messages[0].info
    return replace(there, before_id=first.id, before_ms=int(first.time.created))


def _grown(there: Coverage, records: list[Record]) -> Coverage:
    size = sum(len(entry.head) + len(entry.taken) + len(entry.given) for each in records for entry in each.entries)
    return replace(there, messages=there.messages + len(records), bytes=there.bytes + size)


def _cursor(message: Message) -> str:
    return cursor_at(message.info.id, message.info.time.created)


def _newest_complete(messages: list[Message], before: str, now_ms: int) -> str:
    """Up to which message all are complete."""
    newest = before if messages else ""
    for message in messages:
        is_recent = now_ms - message.info.time.created < ABANDONED_AFTER_MS
        if message.info.role == "assistant" and not message.is_finished and is_recent:
            break
        newest = message.info.id
    return newest


def _is_settled(messages: list[Message], now_ms: int) -> bool:
    """Whether no more is to come after these: a session's `time.updated` tells of prompts alone (seen in 1.18.34)."""
    if not messages:
        return True
    last = messages[-1]
    if last.info.role == "user":
        return now_ms - last.info.time.created > SETTLES_AFTER_MS
    return last.is_finished and (last.info.error is not None or last.info.finish != _MORE_TO_COME)

"""Sessions in a database in memory, for searches.

Owns how a session gets in, and when it is read again. Each is read whole at its first search.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Message, Session, SessionID
from handoff_sidecar.search.store import Store
from handoff_sidecar.session.transcript import record_of

PAGE_MESSAGES = 500

_T = TypeVar("_T")


class TemporaryIndex:
    """One for the whole process."""

    def __init__(self) -> None:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._store = Store(connection)
        self._store.create()
        self._lock = Lock()
        self._states: dict[SessionID, object] = {}

    async def bring_up_to_date(self, session: Session, client: OpenCodeClient) -> None:
        """Have all messages of a session as they are now.

        Raises:
            OpenCodeError: it could not be read.
        """
        newest = await client.messages(session.id, limit=1)
        state = [(each.info.id, each.info.time.completed, len(each.parts)) for each in newest.messages]
        if self._states.get(session.id) == state:
            return
        messages: list[Message] = []
        page = await client.messages(session.id, limit=PAGE_MESSAGES)
        messages = page.messages
        while page.before:
            page = await client.messages(session.id, limit=PAGE_MESSAGES, before=page.before)
            messages = [*page.messages, *messages]
        await asyncio.to_thread(self._replace, session.id, messages)
        self._states[session.id] = state

    async def read(self, work: Callable[[Store], _T]) -> _T:
        """What `work` finds; it runs beside the event loop."""
        return await asyncio.to_thread(self._locked, work)

    def _locked(self, work: Callable[[Store], _T]) -> _T:
        with self._lock:
            return work(self._store)

    def _replace(self, session_id: SessionID, messages: list[Message]) -> None:
        with self._lock:
            self._store.remove_session(session_id)
            self._store.append(session_id, [record_of(message) for message in messages])

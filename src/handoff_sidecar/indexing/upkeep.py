"""Keeping the indexes up to date: what is read at once because somebody asks, and what is left to the background.

How one session is read is `sync`'s.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from handoff_sidecar.call.context import Said, Scene
from handoff_sidecar.errors import IndexBusy, IndexReplaced, OpenCodeError
from handoff_sidecar.indexing.background import Background
from handoff_sidecar.indexing.indexes import Indexes, ProjectIndex
from handoff_sidecar.indexing.pace import FIRST_MESSAGES
from handoff_sidecar.indexing.reach import Reach, is_stale, reach_of
from handoff_sidecar.indexing.removal import forget_from, forget_sessions
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import MessageID, Session, SessionID
from handoff_sidecar.search import coverage
from handoff_sidecar.search.coverage import Coverage
from handoff_sidecar.search.index_file import why_no_index
from handoff_sidecar.search.store import Store

log = logging.getLogger(__name__)

WAIT_FOR_ONE_S = 1.4
"""For a session that somebody asks about, before the answer is given from what has been read of it."""

WAIT_FOR_ALL_S = 0.9
"""For those of a project: with the list of them and the search, an answer is there within 2 s."""

MOST_SESSIONS = 100_000
"""OpenCode lists a hundred sessions unless it is told otherwise."""

INDEX_MAX_BYTES = 500_000_000
"""For each project: about 650 MB of text, two thousand sessions."""

WORDS_MAX_CHARACTERS = 60_000
"""Of what the user said, from the beginning on: about 300 messages, looked through for rules in 10 ms."""

OPENED_DELAY_S = 8.0
"""OpenCode's own start is over by then."""


class Upkeep:
    """Keeps the indexes of all projects of this process up to date."""

    def __init__(self, indexes: Indexes, *, most_bytes: int = INDEX_MAX_BYTES) -> None:
        self._indexes = indexes
        self._owner = f"{os.getpid()}-{time.monotonic_ns()}"
        self._background = Background(self._owner, most_bytes)

    async def project(self, session: Session, *, is_kept: bool) -> ProjectIndex:
        """The index of a session's project."""
        return await asyncio.to_thread(self._indexes.of, session, is_kept=is_kept)

    async def one(self, session: Session, client: OpenCodeClient, project: ProjectIndex) -> bool:
        """Bring a session up to date; False where only its newest messages are, and the others are being read.

        Raises:
            OpenCodeError: it could not be read.
            IndexBusy, IndexReplaced: see `Index.write`.
        """
        is_whole = await self._read(session, client, project, time.monotonic() + WAIT_FOR_ONE_S)
        if not is_whole and project.is_kept:
            self.later(session.id, client, project)
        return is_whole

    async def all_of(self, here: Session, client: OpenCodeClient, project: ProjectIndex, *, but: str = "") -> Reach:
        """Bring as many of a project's sessions up to date as can be within a moment, the rest in the background.

        Args:
            here: a session of the project.
            but: one that is not asked about: the one that asks is busy, and would be read again each time.

        Raises:
            OpenCodeError: they could not be listed.
            IndexBusy, IndexReplaced: see `Index.write`.
        """
        deadline = time.monotonic() + WAIT_FOR_ALL_S
        listed = [each for each in await client.sessions(limit=MOST_SESSIONS) if each.same_project_as(here)]
        known = await self._forget_deleted(listed, client, project)
        work = self._background.work_for(client, project)
        stale = deque(session for session in listed if session.id != but and is_stale(session, known.get(session.id)))
        while stale and time.monotonic() < deadline:
            try:
                if await self._read(stale[0], client, project, deadline):
                    stale.popleft()
            except OpenCodeError as error:
                work.note_failure(stale.popleft().id, error)
        work.rest = stale
        if project.is_kept:
            self._background.go_on()
        return reach_of(listed, await asyncio.to_thread(project.index.read, coverage.all_coverage), work.failed)

    def later(self, session_id: SessionID, client: OpenCodeClient, project: ProjectIndex) -> None:
        """Bring a session up to date in the background, before all others."""
        first = self._background.work_for(client, project).first
        first[session_id] = None
        first.move_to_end(session_id, last=False)
        self._background.go_on()

    async def turn_ended(self, scene: Scene) -> None:
        """A turn has ended, in a chain or nearly full, or the session was handed off: bring it up to date.

        The next one will look things up in it, and the brief wants what the user said at its beginning.
        """
        if not scene.settings.index or why_no_index():
            return
        try:
            session = await scene.client.session(scene.context.session_id)
        except OpenCodeError as error:
            log.info("the index was not brought up to date at the end of a turn: %s", error)
            return
        project = await asyncio.to_thread(self._indexes.of, session, is_kept=True)
        self.later(session.id, scene.client, project)

    async def said_in(self, session: Session) -> list[Said]:
        """What the user said in a session, from its beginning on, if there is an index; nothing is read anew."""
        project = None if why_no_index() else await asyncio.to_thread(self._indexes.if_there, session)
        if project is None:
            return []

        def look(connection: sqlite3.Connection) -> list[Said]:
            store = Store(connection)
            rows = store.rows_of(session.id)
            return list(_as_much_as(WORDS_MAX_CHARACTERS, store.said(rows))) if rows is not None else []

        try:
            return await asyncio.to_thread(project.index.read, look)
        except (IndexBusy, IndexReplaced) as error:
            log.info("what was said in %s is not taken from the index: %s", session.id, error)
            return []

    async def opened(self, client: OpenCodeClient) -> None:
        """A project was opened: a little later, catch up with what happened while nobody looked, if there is an index.

        Sessions that were deleted leave it, and those that were gone on with are read again: their undone messages are
        no more.
        """
        await asyncio.sleep(OPENED_DELAY_S)
        try:
            await self._catch_up(client)
        except (OpenCodeError, IndexBusy, IndexReplaced) as error:
            log.info("the index was not brought up to date at the start: %s", error)

    async def _catch_up(self, client: OpenCodeClient) -> None:
        if not self._indexes.are_there:
            return
        listed = await client.sessions(limit=MOST_SESSIONS)
        project = await asyncio.to_thread(self._indexes.if_there, listed[0]) if listed else None
        if project is not None:
            here = [each for each in listed if each.same_project_as(listed[0])]
            known = await self._forget_deleted(here, client, project)
            work = self._background.work_for(client, project)
            waiting = {each.id for each in work.rest}
            left = (each for each in here if each.id in known and each.id not in waiting)
            work.rest.extend(each for each in left if is_stale(each, known[each.id]))
            work.erases = True  # an erasure may have been left off
            self._background.go_on()

    async def deleted(self, session: Session, client: OpenCodeClient) -> None:
        """A session was deleted in OpenCode: remove what there is of it."""
        project = await asyncio.to_thread(self._indexes.if_there, session)
        if project is not None:
            await self._background.forget([session.id], client, project)

    async def message_removed(self, session_id: SessionID, message_id: MessageID, client: OpenCodeClient) -> None:
        """A message was removed in OpenCode: remove it, and read again what came after it."""
        session = await client.session_if_there(session_id) if self._indexes.are_there else None
        project = await asyncio.to_thread(self._indexes.if_there, session) if session else None
        if project is not None and await asyncio.to_thread(forget_from, project.index, session_id, message_id):
            self._background.work_for(client, project).erases = True
            self.later(session_id, client, project)

    async def rebuild(
        self, listed: list[Session], client: OpenCodeClient, project: ProjectIndex
    ) -> AsyncGenerator[Session, None]:
        """Read all these sessions anew, without rests; each as soon as it is in the index.

        Raises:
            OpenCodeError: one could not be read.
            IndexBusy, IndexReplaced: see `Index.write`.
        """
        known = await asyncio.to_thread(project.index.read, coverage.all_coverage)
        await asyncio.to_thread(forget_sessions, project.index, [SessionID(each) for each in known])
        for session in listed:
            await self._read(session, client, project, float("inf"))
            yield session
        await self._background.erase(client, project)

    async def done(self) -> None:
        """Wait until nothing is left to do in the background."""
        await self._background.done()

    async def aclose(self) -> None:
        """Stop; what was not done is gone on with another time."""
        await self._background.stop()
        self._indexes.close()

    async def _read(self, session: Session, client: OpenCodeClient, project: ProjectIndex, deadline: float) -> bool:
        """Read what is new and what is missing of a session, until then; whether that was all."""
        is_whole = False
        steps = project.sync.steps(session, client, self._owner, at_least=FIRST_MESSAGES)
        async with aclosing(steps):
            async for is_all_there in steps:
                is_whole = is_all_there
                if time.monotonic() >= deadline:
                    break
        return is_whole

    async def _forget_deleted(
        self, listed: list[Session], client: OpenCodeClient, project: ProjectIndex
    ) -> dict[str, Coverage]:
        """What is in the index and not listed: deleted, or only hidden from lists. What it had before of all."""
        known = await asyncio.to_thread(project.index.read, coverage.all_coverage)
        ids = {session.id for session in listed}
        gone = [SessionID(each) for each in known.keys() - ids]
        deleted = [each for each in gone if await client.session_if_there(each) is None]
        if deleted:
            await self._background.forget(deleted, client, project)
        return known


def _as_much_as(characters: int, said: Iterable[tuple[str, str]]) -> Iterator[Said]:
    for message_id, text in said:
        characters -= len(text)
        if characters < 0:
            return
        yield MessageID(message_id), text

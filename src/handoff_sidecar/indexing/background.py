"""The work on indexes that nobody waits for: in which order it is done, and the time that it may take from others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from contextlib import aclosing
from dataclasses import dataclass, field

from handoff_sidecar.errors import IndexBusy, IndexReplaced, OpenCodeError, OpenCodeRefused, OpenCodeUnreachable
from handoff_sidecar.indexing.indexes import ProjectIndex, now_ms
from handoff_sidecar.indexing.pace import rest_s
from handoff_sidecar.indexing.removal import finish_erasing, forget_sessions, has_no_room_for, make_room, must_erase
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.opencode.requests import NOT_FOUND
from handoff_sidecar.search import coverage

log = logging.getLogger(__name__)

STATUS_KEPT_S = 2.0
"""How long to believe what OpenCode said of turns under way."""


@dataclass
class Work:
    """What is to be done for a project in the background: the sessions that were named first, then the rest."""

    client: OpenCodeClient
    first: OrderedDict[SessionID, None] = field(default_factory=OrderedDict)
    rest: deque[Session] = field(default_factory=deque)
    failed: set[SessionID] = field(default_factory=set)
    erases: bool = False

    @property
    def is_reading(self) -> bool:
        """Whether there is something to read."""
        return bool(self.first or self.rest)

    def give_up(self) -> None:
        """Leave the rest until somebody asks again."""
        self.first.clear()
        self.rest.clear()
        self.erases = False

    def note_failure(self, session_id: SessionID, error: OpenCodeError) -> None:
        """Remember that a session could not be read; one that was deleted meanwhile is found out of the next time."""
        if not (isinstance(error, OpenCodeRefused) and error.status == NOT_FOUND):
            self.failed.add(session_id)
        log.warning("%s was not read for the index: %s", session_id, error)


class Background:
    """Reads sessions into indexes and lets what was removed leave them, a little at a time."""

    def __init__(self, owner: str, most_bytes: int) -> None:
        self._owner = owner
        self._most_bytes = most_bytes
        self._work: dict[ProjectIndex, Work] = {}
        self._worker: asyncio.Task[None] | None = None
        self._turns: tuple[float, bool] = (-STATUS_KEPT_S, True)

    def work_for(self, client: OpenCodeClient, project: ProjectIndex) -> Work:
        """What is to be done for a project; to be followed by `go_on` where something was added."""
        work = self._work.setdefault(project, Work(client))
        work.client = client  # of the latest window: an earlier one may be closed
        return work

    def go_on(self) -> None:
        """Go on with it, if that is not under way."""
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._go_through())

    async def done(self) -> None:
        """Wait until nothing is left to do."""
        while self._worker is not None and not self._worker.done():
            await asyncio.wait([self._worker])

    async def stop(self) -> None:
        """Leave it off; it is gone on with another time."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    async def forget(self, session_ids: list[SessionID], client: OpenCodeClient, project: ProjectIndex) -> None:
        """Remove sessions now, and let them leave the file after that."""
        await asyncio.to_thread(forget_sessions, project.index, session_ids)
        self.work_for(client, project).erases = True
        self.go_on()

    async def erase(self, client: OpenCodeClient, project: ProjectIndex) -> None:
        """Let what was removed leave the file; what is left off is gone on with another time."""
        if not await asyncio.to_thread(must_erase, project.index):
            return
        is_first, worked = True, time.process_time()
        while await asyncio.to_thread(project.index.erase_step, is_first=is_first):
            is_first = False
            await self._rest(time.process_time() - worked, client, project)
            worked = time.process_time()
        await asyncio.to_thread(finish_erasing, project.index)

    async def _go_through(self) -> None:
        """All that is to be done in the background, a page at a time, with rests."""
        while waiting := [each for each in self._work.items() if each[1].is_reading or each[1].erases]:
            project, work = waiting[0]
            try:
                while work.is_reading:
                    session = await self._next(work, project)
                    if session is not None:
                        await self._read_in_background(session, work, project)
                work.erases = False
                await self.erase(work.client, project)
            except OpenCodeUnreachable as error:
                log.info("the index is not brought up to date now: %s", error)
                work.give_up()
            except (OpenCodeError, IndexBusy, IndexReplaced) as error:
                log.warning("the index is not brought up to date now: %s", error)
                work.give_up()

    async def _next(self, work: Work, project: ProjectIndex) -> Session | None:
        """The next session, if it is still there, there is room for it, and nobody else is at work on it."""
        if work.first:
            session_id, _ = work.first.popitem(last=False)
            session = await work.client.session_if_there(session_id)
            if session is None:
                await self.forget([session_id], work.client, project)
                return None
        else:
            session = work.rest.popleft()
            if await asyncio.to_thread(has_no_room_for, session, project.index, self._most_bytes):
                return None
        taken = await asyncio.to_thread(
            project.index.write, lambda db: coverage.lease(db, session.id, self._owner, now_ms())
        )
        return session if taken else None

    async def _read_in_background(self, session: Session, work: Work, project: ProjectIndex) -> None:
        is_from_rest = not work.first
        worked = time.process_time()
        try:
            async with aclosing(project.sync.steps(session, work.client, self._owner)) as steps:
                async for _ in steps:
                    await self._rest(time.process_time() - worked, work.client, project)
                    worked = time.process_time()
                    if work.first and is_from_rest:
                        work.rest.appendleft(session)  # gone on with after what is asked for now
                        break
        except OpenCodeUnreachable:
            raise
        except OpenCodeError as error:
            work.note_failure(session.id, error)
        finally:
            await asyncio.to_thread(project.index.write, lambda db: coverage.release(db, session.id, self._owner))
        if await asyncio.to_thread(make_room, project.index, self._most_bytes):
            work.erases = True

    async def _rest(self, worked_s: float, client: OpenCodeClient, project: ProjectIndex) -> None:
        asked_at, runs = self._turns
        if time.monotonic() - asked_at > STATUS_KEPT_S:
            started = time.monotonic()
            runs = await client.is_any_busy()
            project.sync.size.way_ms = (time.monotonic() - started) * 1_000
            self._turns = (time.monotonic(), runs)
        await asyncio.sleep(rest_s(worked_s, beside_turns=runs))

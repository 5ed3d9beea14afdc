"""Keeping the indexes up to date: what is read at once because somebody asks, and what in the background, and when.

Owns the order of that work and the time that it may take from others. How one session is read is `sync`'s.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field

from handoff_sidecar.call.context import Scene
from handoff_sidecar.errors import IndexBusy, IndexReplaced, OpenCodeError, OpenCodeRefused, OpenCodeUnreachable
from handoff_sidecar.opencode.client import NOT_FOUND, OpenCodeClient
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.reading.indexes import Indexes, ProjectIndex
from handoff_sidecar.reading.pace import rest_s
from handoff_sidecar.search import coverage
from handoff_sidecar.search.coverage import Coverage
from handoff_sidecar.search.index_file import why_no_index
from handoff_sidecar.search.store import Store

log = logging.getLogger(__name__)

WAIT_FOR_ONE_S = 1.8
"""For a session that somebody asks about, before the answer is given from what has been read of it."""

WAIT_FOR_ALL_S = 1.2
"""For those of a project: with the list of them and the search, an answer is there within 2 s."""

MOST_SESSIONS = 100_000
"""OpenCode lists a hundred sessions unless it is told otherwise."""

STATUS_KEPT_S = 2.0
"""How long to believe what OpenCode said of turns under way."""

INDEX_MAX_BYTES = 500_000_000
"""For each project: about 650 MB of text, two thousand sessions."""

FULL_SHARE = 0.9
"""How full it is after sessions had to be left out, so that this is not done again and again."""

OPENED_DELAY_S = 8.0
"""OpenCode's own start is over by then."""

_TO_ERASE = "to erase"
"""The fact that something was removed and has not left the file yet."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of a project can be searched now.

    Attributes:
        listed: all of its sessions, the newest first.
        partial: those of which only the newest messages are in the index.
        missing: those of which nothing is, yet.
        left_out: those that it has no room for.
        failed: those that OpenCode could not read.
    """

    listed: list[Session]
    partial: frozenset[SessionID]
    missing: frozenset[SessionID]
    left_out: frozenset[SessionID]
    failed: frozenset[SessionID]


@dataclass
class _Work:
    """What is to be done for a project in the background: the sessions that were named first, then the rest."""

    client: OpenCodeClient
    first: OrderedDict[SessionID, None] = field(default_factory=OrderedDict)
    rest: deque[Session] = field(default_factory=deque)
    failed: set[SessionID] = field(default_factory=set)
    erases: bool = False

    @property
    def is_reading(self) -> bool:
        return bool(self.first or self.rest)

    def give_up(self) -> None:
        """Leave the rest until somebody asks again."""
        self.first.clear()
        self.rest.clear()
        self.erases = False


class Upkeep:
    """Keeps the indexes of all projects of this process up to date."""

    def __init__(self, indexes: Indexes, *, most_bytes: int = INDEX_MAX_BYTES) -> None:
        self._indexes = indexes
        self._most_bytes = most_bytes
        self._owner = f"{os.getpid()}-{time.monotonic_ns()}"
        self._work: dict[ProjectIndex, _Work] = {}
        self._worker: asyncio.Task[None] | None = None
        self._turns: tuple[float, bool] = (-STATUS_KEPT_S, True)

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
        await self._forget_deleted(listed, client, project)
        work = self._work_for(client, project)
        known = await asyncio.to_thread(project.index.read, coverage.all_coverage)
        stale = deque(session for session in listed if session.id != but and _is_stale(session, known.get(session.id)))
        while stale and time.monotonic() < deadline:
            try:
                if await self._read(stale[0], client, project, deadline):
                    stale.popleft()
            except OpenCodeError as error:
                self._note_failure(stale.popleft().id, error, work)
        work.rest = stale
        if project.is_kept:
            self._go_on()
        return _reach(listed, await asyncio.to_thread(project.index.read, coverage.all_coverage), work.failed)

    def later(self, session_id: SessionID, client: OpenCodeClient, project: ProjectIndex) -> None:
        """Bring a session up to date in the background, before all others."""
        first = self._work_for(client, project).first
        first[session_id] = None
        first.move_to_end(session_id, last=False)
        self._go_on()

    async def turn_ended(self, scene: Scene) -> None:
        """A turn has ended, or the session was handed off: if it is part of a chain, bring it up to date."""
        if not scene.settings.index or why_no_index():
            return
        try:
            session = await scene.client.session(scene.context.session_id)
        except OpenCodeError as error:
            log.info("the index was not brought up to date at the end of a turn: %s", error)
            return
        if session.handoff:
            project = await asyncio.to_thread(self._indexes.of, session, is_kept=True)
            self.later(session.id, scene.client, project)

    async def opened(self, client: OpenCodeClient) -> None:
        """A project was opened: a little later, remove what was deleted while nobody looked, if there is an index."""
        await asyncio.sleep(OPENED_DELAY_S)
        try:
            await self._look_for_deleted(client)
        except (OpenCodeError, IndexBusy, IndexReplaced) as error:
            log.info("deleted sessions were not looked for in the index: %s", error)

    async def _look_for_deleted(self, client: OpenCodeClient) -> None:
        if not self._indexes.are_there:
            return
        listed = await client.sessions(limit=MOST_SESSIONS)
        project = await asyncio.to_thread(self._indexes.if_there, listed[0]) if listed else None
        if project is not None:
            await self._forget_deleted([each for each in listed if each.same_project_as(listed[0])], client, project)
            self._work_for(client, project).erases = True  # an erasure may have been left off
            self._go_on()

    async def deleted(self, session: Session, client: OpenCodeClient) -> None:
        """A session was deleted in OpenCode: remove what there is of it."""
        project = await asyncio.to_thread(self._indexes.if_there, session)
        if project is not None:
            await self._forget([session.id], client, project)

    async def rebuild(
        self, listed: list[Session], client: OpenCodeClient, project: ProjectIndex
    ) -> AsyncGenerator[Session, None]:
        """Read all these sessions anew, without rests; each as soon as it is in the index.

        Raises:
            OpenCodeError: one could not be read.
            IndexBusy, IndexReplaced: see `Index.write`.
        """
        known = await asyncio.to_thread(project.index.read, coverage.all_coverage)
        await asyncio.to_thread(_forget, project, [SessionID(each) for each in known])
        for session in listed:
            await self._read(session, client, project, float("inf"))
            yield session
        await self._erase(self._work_for(client, project), project)

    async def done(self) -> None:
        """Wait until nothing is left to do in the background."""
        while self._worker is not None and not self._worker.done():
            await asyncio.wait([self._worker])

    async def aclose(self) -> None:
        """Stop; what was not done is gone on with another time."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        self._indexes.close()

    def _work_for(self, client: OpenCodeClient, project: ProjectIndex) -> _Work:
        work = self._work.setdefault(project, _Work(client))
        work.client = client  # of the latest window: an earlier one may be closed
        return work

    def _go_on(self) -> None:
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._go_through())

    async def _read(self, session: Session, client: OpenCodeClient, project: ProjectIndex, deadline: float) -> bool:
        """Read what is new and what is missing of a session, until then; whether that was all."""
        is_whole = False
        async with aclosing(project.sync.steps(session, client, self._owner)) as steps:
            async for is_all_there in steps:
                is_whole = is_all_there
                if time.monotonic() >= deadline:
                    break
        return is_whole

    async def _forget_deleted(self, listed: list[Session], client: OpenCodeClient, project: ProjectIndex) -> None:
        """What is in the index and not listed: deleted, or only hidden from lists."""
        known = await asyncio.to_thread(project.index.read, coverage.all_coverage)
        ids = {session.id for session in listed}
        gone = [SessionID(each) for each in known.keys() - ids]
        deleted = [each for each in gone if await client.session_if_there(each) is None]
        if deleted:
            await self._forget(deleted, client, project)

    async def _forget(self, session_ids: list[SessionID], client: OpenCodeClient, project: ProjectIndex) -> None:
        await asyncio.to_thread(_forget, project, session_ids)
        self._work_for(client, project).erases = True
        self._go_on()

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
                await self._erase(work, project)
            except OpenCodeUnreachable as error:
                log.info("the index is not brought up to date now: %s", error)
                work.give_up()
            except (OpenCodeError, IndexBusy, IndexReplaced) as error:
                log.warning("the index is not brought up to date now: %s", error)
                work.give_up()

    async def _next(self, work: _Work, project: ProjectIndex) -> Session | None:
        """The next session, if it is still there, there is room for it, and nobody else is at work on it."""
        if work.first:
            session_id, _ = work.first.popitem(last=False)
            session = await work.client.session_if_there(session_id)
            if session is None:
                await self._forget([session_id], work.client, project)
                return None
        else:
            session = work.rest.popleft()
            if await asyncio.to_thread(self._has_no_room_for, session, project):
                return None
        taken = await asyncio.to_thread(
            project.index.write, lambda db: coverage.lease(db, session.id, self._owner, _now_ms())
        )
        return session if taken else None

    async def _read_in_background(self, session: Session, work: _Work, project: ProjectIndex) -> None:
        is_from_rest = not work.first
        worked = time.process_time()
        try:
            async with aclosing(project.sync.steps(session, work.client, self._owner)) as steps:
                async for _ in steps:
                    await self._rest(time.process_time() - worked, work.client)
                    worked = time.process_time()
                    if work.first and is_from_rest:
                        work.rest.appendleft(session)  # gone on with after what is asked for now
                        break
        except OpenCodeUnreachable:
            raise
        except OpenCodeError as error:
            self._note_failure(session.id, error, work)
        finally:
            await asyncio.to_thread(project.index.write, lambda db: coverage.release(db, session.id, self._owner))
        if await asyncio.to_thread(self._make_room, project):
            work.erases = True

    def _note_failure(self, session_id: SessionID, error: OpenCodeError, work: _Work) -> None:
        """One that was deleted meanwhile is found out of the next time."""
        if not (isinstance(error, OpenCodeRefused) and error.status == NOT_FOUND):
            work.failed.add(session_id)
        log.warning("%s was not read for the index: %s", session_id, error)

    async def _rest(self, worked_s: float, client: OpenCodeClient) -> None:
        asked_at, runs = self._turns
        if time.monotonic() - asked_at > STATUS_KEPT_S:
            runs = await client.is_any_busy()
            self._turns = (time.monotonic(), runs)
        await asyncio.sleep(rest_s(worked_s, beside_turns=runs))

    async def _erase(self, work: _Work, project: ProjectIndex) -> None:
        """Let what was removed leave the file; what is left off is gone on with another time."""
        index = project.index
        if not await asyncio.to_thread(index.read, lambda db: coverage.fact(db, _TO_ERASE)):
            return
        is_first, worked = True, time.process_time()
        while await asyncio.to_thread(index.erase_step, is_first=is_first):
            is_first = False
            await self._rest(time.process_time() - worked, work.client)
            worked = time.process_time()
        await asyncio.to_thread(index.write, lambda db: coverage.note_fact(db, _TO_ERASE, ""))
        if not await asyncio.to_thread(index.truncate_log):
            await asyncio.to_thread(index.write, lambda db: coverage.note_fact(db, _TO_ERASE, "yes"))

    def _has_no_room_for(self, session: Session, project: ProjectIndex) -> bool:
        """Whether the index is full of newer sessions; if so this one is left out."""
        if project.index.size_bytes < self._most_bytes * FULL_SHARE:
            return False

        def leave_out(db: sqlite3.Connection) -> bool:
            oldest = min((each.updated_ms for each in coverage.all_coverage(db).values() if each.bytes), default=0)
            if _updated_ms(session) >= oldest:
                return False
            coverage.save(db, Coverage(session.id, _updated_ms(session), is_left_out=True))
            return True

        return project.index.write(leave_out)

    def _make_room(self, project: ProjectIndex) -> bool:
        """Leave out the oldest sessions of an index that has become too large; whether it had."""
        was_too_large = False
        while (size := project.index.size_bytes) > self._most_bytes:
            known = project.index.read(coverage.all_coverage)
            oldest = sorted((each for each in known.values() if each.bytes), key=lambda each: each.updated_ms)
            if len(oldest) <= 1:
                break
            share = (size - self._most_bytes * FULL_SHARE) / size * sum(each.bytes for each in oldest)
            _leave_out_oldest(project, oldest[:-1], share)
            was_too_large = True
        return was_too_large


def _leave_out_oldest(project: ProjectIndex, oldest: list[Coverage], most_bytes: float) -> None:
    """Each in a transaction of its own, until so much text is gone."""
    left_out = 0
    for each in oldest:
        if left_out >= most_bytes:
            break

        def leave_out(db: sqlite3.Connection, each: Coverage = each) -> None:
            Store(db).remove_session(each.session_id)
            coverage.save(db, Coverage(each.session_id, each.updated_ms, is_left_out=True))
            coverage.note_fact(db, _TO_ERASE, "yes")

        project.index.write(leave_out)
        left_out += each.bytes


def _forget(project: ProjectIndex, session_ids: Iterable[SessionID]) -> None:
    def forget(db: sqlite3.Connection) -> None:
        for session_id in session_ids:
            Store(db).remove_session(session_id)
            coverage.forget(db, session_id)
        coverage.note_fact(db, _TO_ERASE, "yes")

    project.index.write(forget)


def _is_stale(session: Session, there: Coverage | None) -> bool:
    if there is None or there.updated_ms < _updated_ms(session):
        return True
    return not there.is_left_out and not (there.is_settled and there.is_whole)


def _reach(listed: list[Session], known: dict[str, Coverage], failed: set[SessionID]) -> Reach:
    there = {session.id: known[session.id] for session in listed if session.id in known}
    return Reach(
        listed,
        partial=frozenset(each for each in there if there[each].before_id),
        missing=frozenset(session.id for session in listed if session.id not in there),
        left_out=frozenset(each for each in there if there[each].is_left_out),
        failed=frozenset(failed),
    )


def _updated_ms(session: Session) -> int:
    return int(session.time.updated or session.time.created)


def _now_ms() -> int:
    return int(time.time() * 1_000)

"""What searches look into: the index of a project, brought up to date first, as the person has set it.

Owns what is done where the index gives out in the middle. What is looked for is the caller's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from handoff_sidecar.errors import IndexBusy, IndexReplaced
from handoff_sidecar.indexing.indexes import ProjectIndex
from handoff_sidecar.indexing.reach import Reach
from handoff_sidecar.indexing.upkeep import Upkeep
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Session
from handoff_sidecar.search.store import Store

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class SearchIndex:
    """The indexes, for one call.

    Attributes:
        is_kept: whether an index is kept; else what is read is forgotten with the process.
    """

    def __init__(self, upkeep: Upkeep, *, is_kept: bool) -> None:
        self._upkeep = upkeep
        self.is_kept = is_kept

    async def in_session(self, session: Session, client: OpenCodeClient, look: Callable[[Store, bool], _T]) -> _T:
        """What `look` finds; it is told whether all messages of the session are there, or only the newest.

        Raises:
            OpenCodeError: the session could not be read.
            IndexReplaced: the index gave out, and so did what took its place.
        """

        async def attempt(project: ProjectIndex) -> _T:
            try:
                is_whole = await self._upkeep.one(session, client, project)
            except IndexBusy as error:
                log.warning("%s is searched as far as it was read before: %s", session.id, error)
                is_whole = False
            return await asyncio.to_thread(project.index.read, lambda db: look(Store(db), is_whole))

        return await self._twice(session, attempt)

    async def in_project(
        self, here: Session, client: OpenCodeClient, look: Callable[[Store, Reach], _T], *, but: str = ""
    ) -> _T:
        """What `look` finds in the sessions of a project but that one; it is told which are there.

        Raises:
            OpenCodeError: the sessions could not be listed.
            IndexBusy, IndexReplaced: they could not be searched.
        """

        async def attempt(project: ProjectIndex) -> _T:
            reach = await self._upkeep.all_of(here, client, project, but=but)
            return await asyncio.to_thread(project.index.read, lambda db: look(Store(db), reach))

        return await self._twice(here, attempt)

    async def _twice(self, session: Session, attempt: Callable[[ProjectIndex], Coroutine[Any, Any, _T]]) -> _T:
        try:
            return await attempt(await self._upkeep.project(session, is_kept=self.is_kept))
        except IndexReplaced as error:
            log.warning("the search begins again in a temporary index: %s", error)
            return await attempt(await self._upkeep.project(session, is_kept=self.is_kept))

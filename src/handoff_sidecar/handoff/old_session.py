"""The person's way out of the old session: it is marked as handed off, and the screen moves to the new one.

Owns what is done beside the sending of the prompt, and how it is taken back if OpenCode doesn't store it. (Done after
it, it would take a quarter as long again: by then OpenCode is busy with the new session's first turn.)
"""

from __future__ import annotations

import asyncio
import logging

from handoff_sidecar.call.background import wait_for_at_most
from handoff_sidecar.call.context import Scene
from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.handoff.new_session import mark_handed_off
from handoff_sidecar.handoff.screen import move_screen, opening
from handoff_sidecar.opencode.models import Session, SessionID

log = logging.getLogger(__name__)

RETURN_TIMEOUT_S = 1.0
"""The handoff has failed already, and the person waits to hear of it; what takes longer ends in the background."""


class Departure:
    """Out of one session, once.

    Args:
        old: the session that is handed off; None if it is gone.
        turn: its user message whose turn the handoff belongs to.
    """

    def __init__(self, scene: Scene, old: Session | None, turn: str | None) -> None:
        self._scene = scene
        self._old = old
        self._turn = turn
        self._marking: asyncio.Future[str] | None = None
        self._moving: asyncio.Future[str] | None = None

    def prompted(self, made: SessionID) -> None:
        """The new session is there, and its prompt on its way: the mark can be taken back unseen."""
        self._marked(made)

    def stored(self, made: SessionID) -> None:
        """The prompt is there: in a session without it, nobody should type."""
        self._moved(made)

    async def end(self, made: SessionID) -> tuple[str, str]:
        """A sentence if the old session could not be marked, and one if the screen could not be moved."""
        return await asyncio.gather(self._marked(made), self._moved(made))

    async def take_back(self) -> None:
        """There is no new session after all: the old one is as it was, and the person is there again."""
        begun = [step for step in (self._marking, self._moving) if step is not None]
        if begun:
            await wait_for_at_most(RETURN_TIMEOUT_S, self._undo(begun))

    async def _undo(self, begun: list[asyncio.Future[str]]) -> None:
        # What OpenCode has been asked for it does, and the opposite must come after it.
        await asyncio.wait(begun)
        for outcome in await asyncio.gather(self._unmark(), self._return(), return_exceptions=True):
            if isinstance(outcome, OpenCodeError):
                log.warning("the way back into the old session failed: %r", outcome)
            elif isinstance(outcome, BaseException):
                raise outcome

    def _marked(self, made: SessionID) -> asyncio.Future[str]:
        self._marking = self._marking or asyncio.ensure_future(self._mark(made))
        return self._marking

    def _moved(self, made: SessionID) -> asyncio.Future[str]:
        self._moving = self._moving or asyncio.ensure_future(move_screen(made, self._scene))
        return self._moving

    async def _mark(self, made: SessionID) -> str:
        return await mark_handed_off(self._scene.client, self._old, made, self._turn) if self._old else ""

    async def _unmark(self) -> None:
        if self._old:
            await self._scene.client.set_metadata(self._old.id, self._old.metadata)

    async def _return(self) -> None:
        if self._moving is not None and self._old and opening(self._scene) == "switch":
            await self._scene.client.select_session(self._old.id)

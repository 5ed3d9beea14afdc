"""Leaving the old session: it is marked as handed off, and the screen moves to the new one.

This happens while the prompt is sent, and is taken back if OpenCode doesn't store it. (Doing it afterwards would take
a quarter longer: by then OpenCode is busy with the new session's first turn.)
"""

from __future__ import annotations

import asyncio
import logging

from handoff_sidecar.call.background import wait_for_at_most
from handoff_sidecar.call.context import Scene
from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.handoff.delivery.new_session import mark_handed_off, take_mark_back
from handoff_sidecar.handoff.delivery.screen import move_screen, opening
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Session, SessionID

log = logging.getLogger(__name__)

RETURN_TIMEOUT_S = 1.0
"""The handoff has failed and the user waits to hear of it. After that, it ends in the background."""


async def end_turn(client: OpenCodeClient, session_id: SessionID) -> str:
    """End a session's running turn: two agents must not work in one folder.

    Returns what the provider said, if the turn was waiting for it to recover.
    """
    try:
        status = await client.status(session_id)
        if status.is_busy:
            await client.abort(session_id)
    except OpenCodeError as error:
        log.warning("the running turn of %s may not have ended: %s", session_id, error)
        return ""
    return status.message


class Leaving:
    """Leaves one session, once.

    Args:
        old: the session that is handed off; None if it is gone.
        turn: the user message whose turn the handoff belongs to.
        earlier: the session that the same brief made before, whose work goes on in the new one too.
    """

    def __init__(self, scene: Scene, old: Session | None, turn: str | None, earlier: Session | None = None) -> None:
        self._scene = scene
        self._old = old
        self._turn = turn
        self._earlier = earlier
        self._marking: asyncio.Future[str] | None = None
        self._moving: asyncio.Future[str] | None = None
        self._shown: SessionID | None = None

    def prompted(self, made: SessionID) -> None:
        """The session exists and its prompt is being sent: mark the old one, which can be undone unseen."""
        self._marked(made)

    def stored(self, made: SessionID) -> None:
        """The prompt is stored: now the screen may move there."""
        self._moved(made)

    async def end(self, made: SessionID) -> tuple[str, str]:
        """Wait for both steps; a sentence for each that failed."""
        return await asyncio.gather(self._marked(made), self._moved(made))

    async def take_back(self) -> None:
        """There is no new session after all: unmark the old one and bring the screen back."""
        begun = [step for step in (self._marking, self._moving) if step is not None]
        if begun:
            await wait_for_at_most(RETURN_TIMEOUT_S, self._undo(begun))

    async def _undo(self, begun: list[asyncio.Future[str]]) -> None:
        # OpenCode carries out what it was asked for; the opposite must come after that.
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
        self._shown = made
        self._moving = self._moving or asyncio.ensure_future(move_screen(made, self._scene))
        return self._moving

    async def _mark(self, made: SessionID) -> str:
        client = self._scene.client
        turns = [(self._old, self._turn), (self._earlier, None)]
        said = await asyncio.gather(*(mark_handed_off(client, left, made, turn) for left, turn in turns if left))
        return next(filter(None, said), "")

    async def _unmark(self) -> None:
        for left in filter(None, (self._old, self._earlier)):
            await take_mark_back(self._scene.client, left)

    async def _return(self) -> None:
        if self._shown is not None and self._old and opening(self._scene) == "switch":
            await self._scene.client.select_session(self._old.id, leaving=self._shown)

"""Leaving the old session: it is marked as handed off, and the screen moves to the new one.

This happens while the prompt is sent, and is taken back if OpenCode doesn't store it. (Doing it afterwards would take
a quarter longer: by then OpenCode is busy with the new session's first turn.)
"""

from __future__ import annotations

import asyncio
import logging
import time

from handoff_sidecar.call.background import wait_for_at_most
from handoff_sidecar.call.context import Scene
from handoff_sidecar.errors import OpenCodeError
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


async def mark_handed_off(client: OpenCodeClient, old: Session, made: SessionID, turn: str | None) -> str:
    """Mark the old session as handed off, keeping its other metadata. Returns a sentence if that failed."""
    mark = old.handoff.left(old.id, to=made, turn=turn, at=time.time_ns() // 1_000_000)
    try:
        await client.set_metadata(old.id, {**old.metadata, "handoff": mark.written()})
    except OpenCodeError as error:
        log.warning("the old session was not marked: %s", error)
        return "The old session could not be marked as handed off."
    return ""


async def take_mark_back(client: OpenCodeClient, old: Session) -> None:
    """Remove the mark from the old session, keeping its other metadata.

    Raises:
        OpenCodeError: it stays marked.
    """
    await client.set_metadata(old.id, {**old.metadata, "handoff": old.handoff.not_left()})


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

    def mark(self, made: SessionID) -> asyncio.Future[str]:
        """Mark the old session as handed off to this one, which can be undone unseen; a sentence if that failed."""
        self._marking = self._marking or asyncio.ensure_future(self._mark(made))
        return self._marking

    def move(self, made: SessionID) -> asyncio.Future[str]:
        """Move the screen there: its prompt is stored; a sentence if that failed."""
        self._shown = made
        self._moving = self._moving or asyncio.ensure_future(move_screen(made, self._scene))
        return self._moving

    async def end(self, made: SessionID) -> tuple[str, str]:
        """Wait for both steps; a sentence for each that failed."""
        return await asyncio.gather(self.mark(made), self.move(made))

    async def take_back(self) -> None:
        """There is no new session after all: unmark the old one and bring the screen back."""
        begun = [step for step in (self._marking, self._moving) if step is not None]
        if begun:
            await wait_for_at_most(RETURN_TIMEOUT_S, self._undo(begun))

    async def _undo(self, begun: list[asyncio.Future[str]]) -> None:
        # OpenCode carries out what it was asked for; the opposite must come after that.
        await asyncio.wait(begun)
        client = self._scene.client
        back = [take_mark_back(client, left) for left in (self._old, self._earlier) if left]
        if self._shown is not None and self._old and opening(self._scene) == "switch":
            back.append(client.select_session(self._old.id, leaving=self._shown))
        for outcome in await asyncio.gather(*back, return_exceptions=True):
            if isinstance(outcome, OpenCodeError):
                log.warning("the way back into the old session failed: %r", outcome)
            elif isinstance(outcome, BaseException):
                raise outcome

    async def _mark(self, made: SessionID) -> str:
        client = self._scene.client
        turns = [(self._old, self._turn), (self._earlier, None)]
        said = await asyncio.gather(*(mark_handed_off(client, left, made, turn) for left, turn in turns if left))
        return next(filter(None, said), "")

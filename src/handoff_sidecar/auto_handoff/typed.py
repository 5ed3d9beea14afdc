"""Typed handoffs: each ends in a handoff, or in a word about why there is none.

Owns which of the person's messages asked for one, from the moment it came until its turn is over, and what is done
then. How a handoff is made is `session_handoff`'s.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from handoff_sidecar.brief.computed import requests_of
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.call.background import go_on
from handoff_sidecar.call.context import Scene
from handoff_sidecar.call.recent import Recent
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.errors import HandoffFailed, OpenCodeError, kind_of
from handoff_sidecar.handoff.commands.now import computed
from handoff_sidecar.handoff.delivery.old_session import end_turn
from handoff_sidecar.handoff.gathering.gather import Gathered
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import MessageID, SessionID
from handoff_sidecar.session.trigger import Trigger, tell_agent
from handoff_sidecar.text.plain_text import one_line

log = logging.getLogger(__name__)

LOOKED_AT_MESSAGES = 40
REMEMBERED = 200
REASON_MAX_CHARACTERS = 120

UNDER_WAY = "Handing off: the agent is writing the brief. Press esc twice to stay."
NOTHING = "There is nothing to hand off: nobody has said anything in this session yet."
TELL_OF_NOTHING = (
    "The user typed the handoff command, but there is nothing in this session to hand off. Say so in one short "
    "sentence, and do nothing else."
)
ONLY_TALKED = "No handoff was made: the agent answered instead. `/handoff-now` makes it."
NOT_MADE = "The agent didn't hand off, so the handoff was made without its summary"
TOO_FULL = "The context was too full for the agent to answer, so the handoff was made without it"
PROVIDER_FAILED = "The provider failed ({reason}), so the handoff was made without the agent"


@dataclass(frozen=True, slots=True)
class _Typed:
    turn: MessageID
    trigger: Trigger
    failure: str = ""
    is_overflow: bool = False


class TypedHandoffs:
    """Those of the whole process that are under way."""

    def __init__(self, session_handoff: SessionHandoff) -> None:
        self._session_handoff = session_handoff
        self._typed: Recent[SessionID, _Typed] = Recent(REMEMBERED)
        self._locks: WeakValueDictionary[SessionID, asyncio.Lock] = WeakValueDictionary()

    async def received(self, trigger: Trigger, turn: MessageID, scene: Scene) -> str:
        """What the agent is told of a message that asks for a handoff; the person is told that one is under way."""
        session_id = scene.context.session_id
        if scene.mode != "run" and trigger.goal is None and trigger.certain and await _is_empty(scene, turn):
            go_on(notify(scene.client, NOTHING, "warning"))
            return TELL_OF_NOTHING
        if scene.mode != "run" and turn and not trigger.is_question:
            self._typed[session_id] = _Typed(turn, trigger)
            go_on(notify(scene.client, UNDER_WAY))
        return tell_agent(trigger)

    def failed(self, session_id: SessionID, reason: str, *, is_overflow: bool = False) -> None:
        """Take note of an error: a turn may end without a single message of the agent's."""
        if (typed := self._typed.get(session_id)) is not None:
            self._typed[session_id] = replace(typed, failure=reason or "it did not say why", is_overflow=is_overflow)

    def stopped(self, session_id: SessionID) -> None:
        """Take note of an escape: the person stays."""
        self._typed.pop(session_id, None)

    async def waits(self, reason: str, scene: Scene) -> None:
        """OpenCode retries, or compacts a session that is too long: nobody who types `handoff` waits for that.

        Args:
            reason: what has failed, if that was not told of before.
        """
        if (typed := self._typed.get(scene.context.session_id)) is not None and not typed.failure:
            self.failed(scene.context.session_id, reason)
        await self.ended(scene, is_waiting=True)

    async def ended(self, scene: Scene, *, is_waiting: bool = False) -> None:
        """Do what is to be done at the end of a turn in which a handoff was typed; errors are told to the person.

        Args:
            is_waiting: the turn goes on, but not with what the person asked for.
        """
        session_id = scene.context.session_id
        async with self._locks.setdefault(session_id, asyncio.Lock()):
            typed = self._typed.get(session_id)
            if typed is None:
                return
            try:
                await self._conclude(typed, scene, is_waiting=is_waiting)
            except HandoffFailed as error:
                self._typed.pop(session_id, None)
                log.warning("%s: a typed handoff failed: %s", session_id, kind_of(error))
                await notify(scene.client, str(error), "error")
            except OpenCodeError as error:
                log.warning("%s: it could not be seen what came of a typed handoff: %s", session_id, error)

    async def _conclude(self, typed: _Typed, scene: Scene, *, is_waiting: bool) -> None:
        client, session_id = scene.client, scene.context.session_id
        session, page = await asyncio.gather(
            client.session(session_id), client.messages(session_id, limit=LOOKED_AT_MESSAGES)
        )
        ids = [message.info.id for message in page.messages]
        since = page.messages[ids.index(typed.turn) + 1 :] if typed.turn in ids else page.messages
        if session.handoff.turn == typed.turn or session.revert is not None or requests_of(since):
            self._typed.pop(session_id, None)  # made, or the person has gone on
            return
        if not is_waiting:
            if (await client.status(session_id)).is_busy or not (since or typed.failure):
                return
            if since and not since[-1].is_finished:
                return
        self._typed.pop(session_id, None)
        if since and since[-1].was_aborted and not is_waiting:
            return  # the person pressed escape
        failure = typed.failure or next((message.error_text for message in reversed(since) if message.error_text), "")
        if failure or typed.trigger.certain:
            await self._hand_off(typed, scene, failure, since)
        else:
            await notify(client, ONLY_TALKED, "warning")

    async def _hand_off(self, typed: _Typed, scene: Scene, failure: str, since: list[Message]) -> None:
        """Hand off with the computed brief; where the provider failed before a word was said, nobody asks it again."""
        said_nothing = not any(message.text or any(part.tool for part in message.parts) for message in since)
        is_too_full = typed.is_overflow or any(message.has_overflowed for message in since)
        await end_turn(scene.client, scene.context.session_id)
        reason = one_line(failure, REASON_MAX_CHARACTERS).rstrip(".")
        without_a_word = PROVIDER_FAILED.format(reason=reason) if failure else NOT_MADE

        def plan(gathered: Gathered) -> tuple[Notes, Handoff]:
            notes, handoff = computed(gathered, error="" if is_too_full else failure)
            wanted = {
                "turn": typed.turn,
                "typed": typed.trigger.goal or "",
                "reply": is_too_full or not (failure and said_nothing),
                "announcement": TOO_FULL if is_too_full else without_a_word,
                "name": "The handoff that you typed",
                "retry": "type `/handoff-now`",
            }
            return notes, handoff.model_copy(update=wanted)

        await self._session_handoff.hand_off(plan, scene)


async def _is_empty(scene: Scene, turn: MessageID) -> bool:
    """Whether the session holds nothing but the message that has just come."""
    try:
        page = await scene.client.messages(scene.context.session_id, limit=2)
    except OpenCodeError as error:
        log.info("it could not be seen whether there is something to hand off: %s", error)
        return False
    return all(message.info.id == turn for message in page.messages)

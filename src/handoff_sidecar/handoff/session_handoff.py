"""The tool `session_handoff`: from one session to a fresh one.

Owns the order of the steps (design, section 4): validate, compose, save the brief, deliver, show, answer. Each step's
how is elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from handoff_sidecar.brief.computed import computed_notes
from handoff_sidecar.brief.handoff import Cause, Handoff
from handoff_sidecar.brief.notes import Notes, read_notes
from handoff_sidecar.call.context import Scene, ToolResult
from handoff_sidecar.call.recent import Recent
from handoff_sidecar.errors import HandoffFailed, InvalidArguments, JournalUnavailable, OpenCodeError
from handoff_sidecar.handoff.answers import failed, made, made_already, remarks_on
from handoff_sidecar.handoff.compose import Composed, Plan, compose
from handoff_sidecar.handoff.delivery.interrupted import Interrupted
from handoff_sidecar.handoff.delivery.new_session import Delivered, deliver
from handoff_sidecar.handoff.delivery.old_session import Leaving, end_turn
from handoff_sidecar.handoff.delivery.screen import tell
from handoff_sidecar.handoff.delivery.stored_prompts import StoredPrompts
from handoff_sidecar.handoff.gathering.gather import Gathered
from handoff_sidecar.journal.journal import Journal, UnderWay
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import MessageID, SessionID
from handoff_sidecar.session.facts import Facts
from handoff_sidecar.session.trigger import Trigger
from handoff_sidecar.text.tokens import Tokenizer

log = logging.getLogger(__name__)

NEWEST_TITLES = 100
"""Among which the new session's is to stand out."""

REMEMBERED_SESSIONS = 500


class SessionHandoff:
    """The tool, with what all handoffs of the process share.

    Attributes:
        causes: why agents were told to hand off, by session.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        tokenizer: Tokenizer,
        now: Callable[[], datetime],
        is_heard: Callable[[], bool] = lambda: True,
    ) -> None:
        """Hand off with these; `is_heard` tells whether anybody is left to hear how a handoff ended."""
        self.journal = journal
        self.now = now
        self.interrupted = Interrupted(journal)
        self.stored_prompts = StoredPrompts()
        self.causes: Recent[SessionID, Cause] = Recent(REMEMBERED_SESSIONS)
        self.is_heard = is_heard
        self._tokenizer = tokenizer
        self._refused: Recent[SessionID, MessageID | None] = Recent(REMEMBERED_SESSIONS)
        self._turns: WeakValueDictionary[SessionID, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, arguments: dict[str, Any], scene: Scene) -> ToolResult:
        """Hand the scene's session off, at its agent's request.

        Raises:
            InvalidArguments: nothing was done.
            HandoffFailed: says what was left behind and where the brief is.
        """
        try:
            return await self._as_asked(arguments, scene)
        except InvalidArguments as error:
            if not await self._is_refused_again(scene):
                raise
            log.warning("%s: refused twice in one turn, so it is made without the agent", scene.context.session_id)
            result = await self.hand_off(_without_the_agent, scene)
            return result.and_also(f"It was made without your arguments, which were refused twice: {error}")

    async def _is_refused_again(self, scene: Scene) -> bool:
        """Whether a call of this turn was refused before: a stubborn model goes on for dozens of calls."""
        try:
            message = await scene.client.message(scene.context.session_id, scene.context.message_id)
        except OpenCodeError as error:
            log.info("it is unknown which turn a refused call belongs to: %s", error)
            return False
        turn = message.info.parent_id
        is_again = turn is not None and self._refused.get(scene.context.session_id) == turn
        self._refused[scene.context.session_id] = turn
        return is_again

    async def _as_asked(self, arguments: dict[str, Any], scene: Scene) -> ToolResult:
        notes, left_out = read_notes(arguments)

        def plan(gathered: Gathered) -> tuple[Notes, Handoff]:
            cause = self.causes.get(scene.context.session_id)
            if cause is not None and cause.turn == gathered.facts.turn:
                return notes, cause.of(gathered.handoff)
            if (typed := gathered.facts.typed) is None:
                return notes, gathered.handoff
            return _as_typed(notes, typed), gathered.handoff.model_copy(update={"typed": typed.goal or ""})

        result = await self.hand_off(plan, scene)
        return result.and_also(left_out)

    async def hand_off(self, plan: Plan, scene: Scene) -> ToolResult:
        """Hand the scene's session off according to the plan.

        Raises:
            HandoffFailed: says what was left behind and where the brief is.
        """
        # A model may call twice in one step: the second call waits, then finds what the first has recorded.
        lock = self._turns.setdefault(scene.context.session_id, asyncio.Lock())
        async with lock:
            context = scene.context
            try:  # one that died in the middle may have made the session all the same, or half of it
                await self.interrupted.look(scene.client, context.root, from_session=context.session_id)
            except OpenCodeError as error:
                log.warning("what an interrupted handoff has left could not be looked at: %s", error)
            composed = await compose(plan, scene, self._tokenizer)
            facts = composed.gathered.facts
            if not composed.handoff.again and (made_before := await _made_in_this_turn(facts, scene.client)):
                return made_already(made_before)
            return await self._make(composed, scene)

    async def _make(self, composed: Composed, scene: Scene) -> ToolResult:
        facts = composed.gathered.facts
        handoff = await self._addressed(composed, scene)
        saved, unsaved = self._save(handoff)
        leaving = Leaving(scene, facts.session, facts.turn)
        delivered, unmarked, unshown = await self.carry_out(handoff, saved, leaving, scene)
        remarks = [unshown or composed.how, *remarks_on(composed), unsaved, unmarked]
        return made(delivered, handoff, saved.path if saved else None, remarks, is_waiting=scene.mode == "run")

    async def carry_out(
        self,
        handoff: Handoff,
        saved: UnderWay | None,
        leaving: Leaving,
        scene: Scene,
        *,
        ends: Iterable[SessionID] = (),
    ) -> tuple[Delivered, str, str]:
        """Make the new session and show it; a sentence if the old one was not marked, and if the new one was not shown.

        Args:
            saved: the handoff's brief on disk, which ends with it.
            ends: sessions whose turns end first.

        Raises:
            HandoffFailed: says what was left behind and where the brief is.
        """
        try:
            await asyncio.gather(*(end_turn(scene.client, each) for each in ends))
            delivered = await deliver(scene.client, handoff, leaving, self.stored_prompts)
            log.info("%s: %s made %s", handoff.from_session, handoff.name, delivered.session.id)
            if saved is not None:
                saved.finish(delivered.session.id)
            unmarked, unmoved = await leaving.end(delivered.session.id)
            draft = handoff.prompt if handoff.delivery == "draft" else None
            unshown = await tell(delivered, scene, unmoved=unmoved, draft=draft, announcement=handoff.announcement)
        except (OpenCodeError, HandoffFailed) as error:
            path = saved.path if saved else None
            raise HandoffFailed(failed(handoff.name, error, path, retry=handoff.retry), brief=path) from error
        finally:
            if saved is not None:
                saved.close(is_heard=self.is_heard())
        return delivered, unmarked, unshown

    async def _addressed(self, composed: Composed, scene: Scene) -> Handoff:
        """The handoff as it is delivered: to whom, and with which title."""
        handoff = composed.handoff
        now = self.now()
        taken = await _titles_taken(composed.gathered.facts, scene.client)
        addressed = {
            "title": f"{handoff.title}, {now.astimezone():%H:%M}" if handoff.title in taken else handoff.title,
            # `opencode run` leaves when this turn is over and would cut the new session's first one.
            "reply": handoff.delivery == "send" and scene.mode != "run",
            "created": now.isoformat(timespec="microseconds"),
        }
        return handoff.model_copy(update=addressed)

    def _save(self, handoff: Handoff) -> tuple[UnderWay | None, str]:
        """Save the brief. If that fails, None and a sentence: a full disk must not keep a user in a full session."""
        try:
            return self.journal.begin(handoff), ""
        except JournalUnavailable as error:
            log.warning("%s", error)
            return None, f"There is no copy on disk: {error}."


def _without_the_agent(gathered: Gathered) -> tuple[Notes, Handoff]:
    typed = gathered.facts.typed
    notes = computed_notes(gathered.messages)
    return notes, gathered.handoff.model_copy(update={"typed": typed.goal or ""} if typed else {})


def _as_typed(notes: Notes, typed: Trigger) -> Notes:
    """The notes with the goal that the user typed, and with nobody that the agent only guessed from it.

    A goal that the agent made up is a next step.
    """
    made_up = [notes.goal] if notes.goal and typed.goal is None and notes.goal not in notes.next_steps else []
    next_steps = [*made_up, *notes.next_steps]
    return notes.model_copy(update={"goal": typed.goal, "agent": None, "model": None, "next_steps": next_steps})


async def _titles_taken(facts: Facts, client: OpenCodeClient) -> frozenset[str]:
    """The titles of the project's newest sessions, for a session that was handed off before; else nobody's is alike."""
    if facts.session.handoff.to is None:
        return frozenset()
    try:
        return frozenset(session.title for session in await client.sessions(limit=NEWEST_TITLES))
    except OpenCodeError as error:
        log.info("the new session may have the title of another: %s", error)
        return frozenset()


async def _made_in_this_turn(facts: Facts, client: OpenCodeClient) -> SessionID | None:
    """The session that this turn was already handed off to, if it exists: a mark may outlive a failed handoff.

    Raises:
        HandoffFailed: it can't be seen whether it is there.
    """
    mark = facts.session.handoff
    if facts.turn is None or mark.turn != facts.turn or mark.to is None:
        return None
    try:
        session = await client.session_if_there(SessionID(mark.to))
    except OpenCodeError as error:
        raise HandoffFailed(
            f"session_handoff: this turn may have been handed off already, but OpenCode could not be asked ({error}). "
            "Nothing was made. Try again."
        ) from error
    return session.id if session is not None else None

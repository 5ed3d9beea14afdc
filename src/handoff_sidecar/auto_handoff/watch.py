"""Automatic handoffs: what is done about a session whose context fills up.

Owns the stage of each session and what the user is told. What is to be done is decided in `decision`, where the points
lie in `threshold`; how a handoff is made is `session_handoff`'s. Nothing here waits for a toast while a request to the
model waits for us.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import Field

from handoff_sidecar.auto_handoff.decision import (
    Action,
    Decision,
    Look,
    Stage,
    at_the_end_of_a_turn,
    in_a_turn,
    question_in,
)
from handoff_sidecar.auto_handoff.model_limits import Capacity
from handoff_sidecar.auto_handoff.sentences import ANNOUNCEMENT, ASK, NUDGE, UNDER_WAY, notice, unknown_limit
from handoff_sidecar.auto_handoff.threshold import Points, used
from handoff_sidecar.brief.handoff import Cause, Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import Start
from handoff_sidecar.call.background import go_on
from handoff_sidecar.call.context import Scene
from handoff_sidecar.call.recent import Recent
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.errors import HandoffFailed, OpenCodeError, OpenCodeRefused, kind_of
from handoff_sidecar.handoff.commands.now import computed
from handoff_sidecar.handoff.gathering.gather import Gathered
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.opencode.client import PromptPart
from handoff_sidecar.opencode.limits import Tokens
from handoff_sidecar.opencode.models import MessageID, SessionID
from handoff_sidecar.opencode.requests import NOT_FOUND
from handoff_sidecar.opencode.wire import Wire
from handoff_sidecar.session.facts import facts_of

log = logging.getLogger(__name__)

LOOKED_AT_MESSAGES = 40
"""Enough to see how a turn ended. A request to the model waits for these."""

REMEMBERED_SESSIONS = 500

Decide = Callable[[Stage, Points | None, int, Look | None], Decision]


class Sighting(Wire):
    """A session above its floor, as the plugin saw it: the tokens so far, and the model it uses.

    Attributes:
        turn: the newest user message.
    """

    session_id: SessionID = Field(alias="sessionID")
    provider_id: str = Field(default="", alias="providerID")
    model_id: str = Field(default="", alias="modelID")
    tokens: Tokens = Tokens()
    turn: MessageID | None = None

    @property
    def model(self) -> tuple[str, str]:
        """The model's key."""
        return self.provider_id, self.model_id


@dataclass
class _Watched:
    stage: Stage = Stage.WATCHED
    noticed: bool = False
    failed: bool = False
    is_provider_down: bool = False
    cause: Cause | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Watch:
    """Watches every session of the process."""

    def __init__(self, session_handoff: SessionHandoff, capacity: Capacity) -> None:
        self._session_handoff = session_handoff
        self._capacity = capacity
        self._sessions: Recent[SessionID, _Watched] = Recent(REMEMBERED_SESSIONS)
        self._said: set[str] = set()

    async def step(self, sighting: Sighting, scene: Scene) -> str | None:
        """The text to add to the next request of a running turn; usually None.

        Raises:
            OpenCodeError: OpenCode could not be asked.
        """
        watched, tokens = self._of(sighting.session_id), used(sighting.tokens)
        async with watched.lock:
            points = await self._points(sighting, scene)
            action, look = await self._decide(in_a_turn, watched, points, tokens, scene)
            if action is not Action.TELL or look is None or points is None:
                return None
            watched.stage = Stage.TOLD
            percent = points.percent(tokens)
            self._remember(watched, sighting.turn, Start.GO_ON, percent, look)
            log.info("%s: told to hand off at %d tokens", sighting.session_id, tokens)
            go_on(notify(scene.client, UNDER_WAY.format(percent=percent)))
            return NUDGE.format(percent=percent)

    async def idle(self, sighting: Sighting, scene: Scene) -> None:
        """Do what a finished turn calls for. The user is told of failures."""
        watched, tokens = self._of(sighting.session_id), used(sighting.tokens)
        async with watched.lock:
            try:
                await self._idle(watched, sighting, tokens, scene)
            except HandoffFailed as error:
                watched.stage = Stage.OVER
                log.warning("%s: the automatic handoff failed: %s", sighting.session_id, kind_of(error))
                log.debug("%s", error)
                go_on(notify(scene.client, str(error), "error"))
            except OpenCodeError as error:
                if isinstance(error, OpenCodeRefused) and error.status == NOT_FOUND:
                    watched.stage = Stage.OVER
                log.warning("%s: no automatic handoff now: %s", sighting.session_id, error)

    async def _idle(self, watched: _Watched, sighting: Sighting, tokens: int, scene: Scene) -> None:
        asked = watched.stage is Stage.ASKED
        points = None if asked else await self._points(sighting, scene)
        action, look = await self._decide(at_the_end_of_a_turn, watched, points, tokens, scene)
        if look is None:
            return
        percent = points.percent(tokens) if points else 0
        if action is Action.ASK:
            await self._ask(watched, percent, look, scene)
        elif action is Action.HAND_OFF:
            if not asked:
                self._remember(watched, None, Start.WAIT, percent, look)
            await self._hand_off(watched, scene)

    def failed(self, session_id: SessionID, *, is_overflow: bool = False) -> None:
        """Note an error in a session: a turn may end without any message from the agent.

        Args:
            is_overflow: the session has become too long; the next one is not.
        """
        if (watched := self._sessions.get(session_id)) is not None:
            watched.failed = True
            watched.is_provider_down |= not is_overflow

    def _of(self, session_id: SessionID) -> _Watched:
        self._sessions[session_id] = watched = self._sessions.get(session_id) or _Watched()
        return watched

    async def _points(self, sighting: Sighting, scene: Scene) -> Points | None:
        """Where something happens in sessions with this model; where nothing can, the user is told once."""
        room = await self._capacity.room(scene.client)
        if not room.knows_limit_of(sighting.model) and scene.settings.auto_handoff_threshold:
            message = unknown_limit("/".join(sighting.model))
            if message not in self._said and len(self._said) < REMEMBERED_SESSIONS:
                self._said.add(message)
                go_on(notify(scene.client, message, "warning"))
        return room.points(sighting.model, scene.settings)

    async def _decide(
        self, decide: Decide, watched: _Watched, points: Points | None, tokens: int, scene: Scene
    ) -> tuple[Action, Look | None]:
        """What is to be done, after a look at the session if that takes one; the user is told what they are to know."""
        look = None
        decision = decide(watched.stage, points, tokens, look)
        if decision.action is Action.LOOK:
            look = await self._look(watched, scene, with_status=decide is at_the_end_of_a_turn)
            decision = decide(watched.stage, points, tokens, look)
        if decision.action is Action.GIVE_UP:
            watched.stage = Stage.OVER
        if decision.why:
            go_on(notify(scene.client, decision.why, "warning"))
        if decision.action is Action.NOTICE and points is not None and not watched.noticed:
            watched.noticed = True
            go_on(self._notice(notice(points, tokens), scene))
        return decision.action, look

    async def _look(self, watched: _Watched, scene: Scene, *, with_status: bool) -> Look:
        session_id = scene.context.session_id
        session, page = await asyncio.gather(
            scene.client.session(session_id), scene.client.messages(session_id, limit=LOOKED_AT_MESSAGES)
        )
        is_busy = with_status and (await scene.client.status(session_id)).is_busy
        return Look(session, page.messages, page.before is None, is_busy=is_busy, has_failed=watched.failed)

    async def _ask(self, watched: _Watched, percent: int, look: Look, scene: Scene) -> None:
        session = look.session
        facts = facts_of(session, look.messages, [], root=scene.context.root)
        watched.failed = watched.is_provider_down = False
        go_on(notify(scene.client, UNDER_WAY.format(percent=percent)))
        part = PromptPart(ASK.format(percent=percent), synthetic=True)
        await scene.client.prompt(session.id, [part], agent=facts.agent, model=facts.model, reply=True)
        watched.stage = Stage.ASKED
        asked = question_in((await scene.client.messages(session.id, limit=5)).messages)
        self._remember(watched, asked, Start.WAIT, percent, look)
        log.info("%s: asked to hand off", session.id)

    async def _hand_off(self, watched: _Watched, scene: Scene) -> None:
        """Hand off with the computed brief."""
        watched.stage, cause = Stage.OVER, watched.cause

        def plan(gathered: Gathered) -> tuple[Notes, Handoff]:
            notes, handoff = computed(gathered)
            wanted = {
                "name": "The automatic handoff",
                "retry": "type `handoff`",
                "start": Start.WAIT,
                "reply": handoff.reply and not watched.is_provider_down,
            }
            return notes, (cause.of(handoff) if cause else handoff).model_copy(update=wanted)

        await self._session_handoff.hand_off(plan, scene)

    @staticmethod
    async def _notice(sentence: str, scene: Scene) -> None:
        try:
            session = await scene.client.session(scene.context.session_id)
        except OpenCodeError as error:
            log.info("no notice: %s", error)
            return
        if session.parent_id is None and not session.is_left:
            await notify(scene.client, sentence)

    def _remember(self, watched: _Watched, turn: MessageID | None, start: Start, percent: int, look: Look) -> None:
        watched.cause = Cause(turn, start, ANNOUNCEMENT.format(percent=percent), look.in_a_row + 1)
        self._session_handoff.causes[look.session.id] = watched.cause

"""Automatic handoffs: what is done about a session whose context fills up, and what is not.

Owns the state of each session on this way: watched, told in the middle of a turn, asked at the end of one, over.
Where the points lie is `handoff.threshold`'s, how a handoff is made `session_handoff`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto

from pydantic import Field

from handoff_sidecar.auto_handoff.model_limits import Capacity
from handoff_sidecar.auto_handoff.sentences import (
    ANNOUNCEMENT,
    ASK,
    FULL_FROM_THE_START,
    NUDGE,
    chain_too_long,
    notice,
    unknown_limit,
)
from handoff_sidecar.auto_handoff.threshold import Points, used
from handoff_sidecar.brief.computed import requests_of
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import Start
from handoff_sidecar.call.background import go_on
from handoff_sidecar.call.context import Scene
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.errors import HandoffFailed, OpenCodeError, OpenCodeRefused, kind_of
from handoff_sidecar.handoff.gather import Gathered
from handoff_sidecar.handoff.handoff_now import computed
from handoff_sidecar.handoff.session_handoff import Cause, SessionHandoff
from handoff_sidecar.opencode.client import NOT_FOUND, PromptPart
from handoff_sidecar.opencode.limits import Tokens
from handoff_sidecar.opencode.models import Message, MessageID, Session, SessionID
from handoff_sidecar.opencode.wire import Wire
from handoff_sidecar.session.facts import facts_of
from handoff_sidecar.session.persons import writer_of

log = logging.getLogger(__name__)

MOST_IN_A_CHAIN = 2
"""Automatic handoffs in a row without a word of the person; where more are needed, something goes in circles."""

LOOKED_AT_MESSAGES = 40
"""Enough to see how a turn has ended; a request to the model waits for them."""

REMEMBERED_SESSIONS = 500


class Sighting(Wire):
    """A session that the plugin saw above its floor: after which step, and with which model it goes on.

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


class _Stage(Enum):
    WATCHED = auto()
    TOLD = auto()
    ASKED = auto()
    OVER = auto()


@dataclass
class _Watched:
    stage: _Stage = _Stage.WATCHED
    noticed: bool = False
    failed: bool = False
    cause: Cause | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Look:
    """A session that may be handed off, its newest messages, and which in a chain this handoff would be."""

    session: Session
    messages: list[Message]
    chain: int


class Watch:
    """Watches every session of the process."""

    def __init__(self, session_handoff: SessionHandoff, capacity: Capacity) -> None:
        self._session_handoff = session_handoff
        self._capacity = capacity
        self._sessions: OrderedDict[SessionID, _Watched] = OrderedDict()
        self._said: set[str] = set()

    async def step(self, sighting: Sighting, scene: Scene) -> str | None:
        """What the agent is told in the request that comes now, in the middle of its turn; mostly nothing.

        Raises:
            OpenCodeError: OpenCode could not be asked.
        """
        watched, tokens = self._of(sighting.session_id), used(sighting.tokens)
        async with watched.lock:
            points = await self._points(sighting, scene)
            if points is None or watched.stage is not _Stage.WATCHED:
                return None
            if points.handoff is None or tokens < points.handoff:
                # The request must not wait for a toast.
                go_on(self._notice(watched, points, tokens, scene))
                return None
            look = await self._look(watched, points, scene)
            if look is None:
                return None
            watched.stage = _Stage.TOLD
            self._blame(watched, sighting.turn, Start.GO_ON, points.percent(tokens), look)
            log.info("%s: told to hand off at %d tokens", sighting.session_id, tokens)
            return NUDGE.format(percent=points.percent(tokens))

    async def idle(self, sighting: Sighting, scene: Scene) -> None:
        """Do what is to be done at the end of a turn; what goes wrong is told to the person."""
        watched, tokens = self._of(sighting.session_id), used(sighting.tokens)
        async with watched.lock:
            try:
                if watched.stage is _Stage.ASKED:
                    await self._conclude(watched, scene)
                    return
                points = await self._points(sighting, scene)
                if points is None or watched.stage is _Stage.OVER:
                    return
                if points.handoff is not None and tokens >= points.handoff:
                    await self._end_of_turn(watched, points, tokens, scene)
                else:
                    await self._notice(watched, points, tokens, scene)
            except HandoffFailed as error:
                watched.stage = _Stage.OVER
                log.warning("%s: the automatic handoff failed: %s", sighting.session_id, kind_of(error))
                log.debug("%s", error)
                await notify(scene.client, str(error), "error")
            except OpenCodeError as error:
                if isinstance(error, OpenCodeRefused) and error.status == NOT_FOUND:
                    watched.stage = _Stage.OVER
                log.warning("%s: no automatic handoff now: %s", sighting.session_id, error)

    def failed(self, session_id: SessionID) -> None:
        """Take note of an error in a session: a turn may end without a single message of the agent's."""
        if session_id in self._sessions:
            self._sessions[session_id].failed = True

    def _of(self, session_id: SessionID) -> _Watched:
        watched = self._sessions.setdefault(session_id, _Watched())
        self._sessions.move_to_end(session_id)
        if len(self._sessions) > REMEMBERED_SESSIONS:
            forgotten, _ = self._sessions.popitem(last=False)
            self._session_handoff.causes.pop(forgotten, None)
        return watched

    async def _points(self, sighting: Sighting, scene: Scene) -> Points | None:
        """The points of this session, if it has reached the first of them."""
        room = await self._capacity.room(scene.client)
        if not room.knows_limit_of(sighting.model) and scene.settings.auto_handoff_threshold:
            message = unknown_limit("/".join(sighting.model))
            if message not in self._said and len(self._said) < REMEMBERED_SESSIONS:
                self._said.add(message)
                await notify(scene.client, message, "warning")
        points = room.points(sighting.model, scene.settings)
        if points is None or points.first is None or used(sighting.tokens) < points.first:
            return None
        return points

    async def _look(self, watched: _Watched, points: Points, scene: Scene) -> _Look | None:
        """The session, if it may be handed off by itself; else that is over, and said where a person should know."""
        session, page = await asyncio.gather(
            scene.client.session(scene.context.session_id),
            scene.client.messages(scene.context.session_id, limit=LOOKED_AT_MESSAGES),
        )
        if session.parent_id is not None or session.is_left:
            watched.stage = _Stage.OVER
            return None
        if session.revert is not None:
            return None  # a person is about to write there, and could not take it back once the agent was asked
        chain = 0 if requests_of(session, page.messages) else session.handoff.auto or 0
        first = next((used(message.info.tokens) for message in page.messages if message.is_work), 0)
        why_not = ""
        if chain >= MOST_IN_A_CHAIN:
            why_not = chain_too_long(chain)
        elif page.before is None and points.handoff is not None and first >= points.handoff:
            why_not = FULL_FROM_THE_START
        if why_not:
            watched.stage = _Stage.OVER
            await notify(scene.client, why_not, "warning")
            return None
        return _Look(session, page.messages, chain + 1)

    async def _end_of_turn(self, watched: _Watched, points: Points, tokens: int, scene: Scene) -> None:
        look = await self._look(watched, points, scene)
        last = look.messages[-1] if look is not None and look.messages else None
        if look is None or last is None or last.info.role != "assistant" or not last.is_finished:
            return
        if last.was_aborted and watched.stage is _Stage.TOLD:
            watched.stage = _Stage.OVER  # a person has said no
        if last.was_aborted or (await scene.client.status(look.session.id)).is_busy:
            return
        percent = points.percent(tokens)
        # Beyond its own point OpenCode would compact before the agent is even asked.
        too_late = points.compaction is not None and tokens >= points.compaction
        if too_late or last.provider_failed:
            self._blame(watched, None, Start.WAIT, percent, look)
            await self._hand_off(watched, scene)
        else:
            await self._ask(watched, percent, look, scene)

    async def _ask(self, watched: _Watched, percent: int, look: _Look, scene: Scene) -> None:
        facts = facts_of(look.session, look.messages, [], worktree=scene.context.root)
        watched.failed = False
        part = PromptPart(ASK.format(percent=percent), synthetic=True)
        await scene.client.prompt(look.session.id, [part], agent=facts.agent, model=facts.model, reply=True)
        watched.stage = _Stage.ASKED
        asked = _question_in((await scene.client.messages(look.session.id, limit=5)).messages)
        self._blame(watched, asked, Start.WAIT, percent, look)
        log.info("%s: asked to hand off", look.session.id)

    async def _conclude(self, watched: _Watched, scene: Scene) -> None:
        """The turn in which the agent was to hand off has ended, or another that came between."""
        session, page = await asyncio.gather(
            scene.client.session(scene.context.session_id),
            scene.client.messages(scene.context.session_id, limit=LOOKED_AT_MESSAGES),
        )
        ids = [message.info.id for message in page.messages]
        asked = _question_in(page.messages)
        since = page.messages[ids.index(asked) + 1 :] if asked else page.messages
        # Undone, as it can only be by a person, the question is answered.
        has_said_no = session.revert is not None or bool(requests_of(session, since))
        if has_said_no or session.is_left:
            watched.stage = _Stage.OVER
            return
        if (await scene.client.status(session.id)).is_busy or not (since or watched.failed):
            return
        if since and not since[-1].is_finished:
            return
        if since and since[-1].was_aborted:
            watched.stage = _Stage.OVER
            return
        await self._hand_off(watched, scene)

    async def _hand_off(self, watched: _Watched, scene: Scene) -> None:
        """Hand off with the computed brief."""
        watched.stage, cause = _Stage.OVER, watched.cause

        def plan(gathered: Gathered) -> tuple[Notes, Handoff]:
            notes, handoff = computed(gathered)
            wanted = {
                "name": "The automatic handoff",
                "retry": "type `handoff`",
                "reply": handoff.reply and not watched.failed,
            }
            handoff = (cause.of(handoff) if cause else handoff).model_copy(update=wanted)
            return notes, handoff.model_copy(update={"start": Start.WAIT})

        await self._session_handoff.hand_off(plan, scene)

    async def _notice(self, watched: _Watched, points: Points, tokens: int, scene: Scene) -> None:
        if watched.noticed:
            return
        watched.noticed = True
        try:
            session = await scene.client.session(scene.context.session_id)
            if session.parent_id is not None or session.is_left:
                return
        except OpenCodeError as error:
            log.info("no notice: %s", error)
            return
        await notify(scene.client, notice(points, tokens))

    def _blame(self, watched: _Watched, turn: MessageID | None, start: Start, percent: int, look: _Look) -> None:
        watched.cause = Cause(turn, start, ANNOUNCEMENT.format(percent=percent), look.chain)
        self._session_handoff.causes[look.session.id] = watched.cause


def _question_in(messages: list[Message]) -> MessageID | None:
    """Our question to the agent, among the newest messages."""
    return next((message.info.id for message in reversed(messages) if writer_of(message) == "us"), None)

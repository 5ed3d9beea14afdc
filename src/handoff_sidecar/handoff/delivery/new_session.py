"""Makes a new session with its prompt, or none at all.

Knows the steps that change something in OpenCode, their order, and how to undo them. Does not know how the prompt
was written.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.call.background import wait_for_at_most
from handoff_sidecar.errors import HandoffFailed, OpenCodeError, OpenCodeGarbled, OpenCodeUnreachable
from handoff_sidecar.handoff.delivery.stored_prompts import StoredPrompts
from handoff_sidecar.opencode.client import OpenCodeClient, PromptPart
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Model, Session, SessionID

log = logging.getLogger(__name__)

READ_BACK_PAUSES_S = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Between looks for a prompt of which nothing was told. 1.18.33 has stored it when it answers, and has told of it some
milliseconds before; older versions store it a moment later."""

NEWEST_SESSIONS = 10
"""Where to look for a session that was just made; a few others may have been made meanwhile."""

REMOVAL_TIMEOUT_S = 1.5
"""The user waits for this although the handoff has failed. A cancelled call is abandoned after 2 s."""

CANCELLED_WAIT_S = 0.15
"""The user who pressed escape waits for this: ten times what OpenCode takes. After that it ends in the background."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The new session as it is. Agent and model may differ from what was requested."""

    session: Session
    agent: str | None
    model: Model | None


class Beside(Protocol):
    """What is done alongside the delivery. Each step may be called more than once."""

    def mark(self, made: SessionID, /) -> object:
        """Mark the old session: the prompt is on its way, and this can be undone unseen."""

    def move(self, made: SessionID, /) -> object:
        """Move the screen: the prompt is stored."""

    async def take_back(self) -> None:
        """Undo it, if it has begun."""


async def deliver(client: OpenCodeClient, handoff: Handoff, beside: Beside, stored_prompts: StoredPrompts) -> Delivered:
    """Make the new session and store its prompt.

    If the prompt can't be placed or the caller is cancelled, the session is removed again. A cancelled caller does not
    wait long for that.

    Raises:
        HandoffFailed: says at which step, and whether anything was left behind.
        OpenCodeError: the session could not be made; nothing was left behind.
    """
    session = await _create(client, handoff)
    try:
        stored = await _place(client, session.id, handoff, beside, stored_prompts)
        if stored is None:
            log.warning("%s took no prompt for agent %s: trying the default one", session.id, handoff.agent)
            stored = await _place(
                client, session.id, handoff.model_copy(update={"agent": None}), beside, stored_prompts
            )
    except OpenCodeError as error:
        raise HandoffFailed(f"{error}. {await _undo(client, session.id, beside)}") from error
    except BaseException:
        await wait_for_at_most(CANCELLED_WAIT_S, _undo(client, session.id, beside))
        raise
    if stored is None:
        left_over = await _undo(client, session.id, beside)
        raise HandoffFailed(f"OpenCode accepted the prompt but never stored it. {left_over}")
    return Delivered(session, stored.agent, stored.model)


async def prompt_in(client: OpenCodeClient, session_id: SessionID) -> Message | None:
    """The message that a new session begins with, or None if the session is half made."""
    page = await client.messages(session_id, limit=5)
    return next((message for message in page.messages if message.info.role == "user" and message.parts), None)


async def _create(client: OpenCodeClient, handoff: Handoff) -> Session:
    """Create the session, still empty. If cancelled meanwhile, it is removed as soon as its id is known."""
    creation = asyncio.ensure_future(
        client.create_session(
            title=handoff.title,
            agent=handoff.agent,
            model=handoff.model,
            permission=handoff.permission,
            metadata=handoff.metadata,
        )
    )
    try:
        return await asyncio.shield(creation)
    except (OpenCodeUnreachable, OpenCodeGarbled) as error:
        made = await _made_all_the_same(client, handoff)
        if made is None:
            raise
        log.warning("the answer to a new session was lost, but %s is there: %s", made.id, error)
        return made
    except asyncio.CancelledError:
        await wait_for_at_most(CANCELLED_WAIT_S, _remove_when_made(client, handoff, creation))
        raise


async def _remove_when_made(client: OpenCodeClient, handoff: Handoff, creation: asyncio.Future[Session]) -> None:
    try:
        session: Session | None = await creation
    except OpenCodeError as error:
        log.info("cancelled while a session was made: %s", error)
        session = await _made_all_the_same(client, handoff)
    if session is not None:
        await _remove(client, session.id)


async def _place(
    client: OpenCodeClient, session_id: SessionID, handoff: Handoff, beside: Beside, stored_prompts: StoredPrompts
) -> Message | None:
    """The stored user message, or None: OpenCode answers 204 even if it stores nothing (for an unknown agent)."""
    parts = _parts(handoff)
    with stored_prompts.expecting(session_id, len(parts), lambda: beside.move(session_id)) as expected:
        sending = asyncio.create_task(
            client.prompt(
                session_id,
                parts,
                agent=handoff.agent,
                model=handoff.model,
                reply=handoff.reply,
                attached_to=(handoff.from_session, handoff.turn) if handoff.attached and handoff.turn else None,
            )
        )
        beside.mark(session_id)
        try:
            await sending
        except OpenCodeUnreachable as error:
            log.warning("the answer to the prompt of %s was lost: looking whether it is there: %s", session_id, error)
            stored = expected.message or await prompt_in(client, session_id)
            if stored is None:
                raise
            return stored
        for pause in READ_BACK_PAUSES_S:
            await asyncio.sleep(pause)
            stored = expected.message or await prompt_in(client, session_id)
            if stored is not None:
                return stored
    return None


def _parts(handoff: Handoff) -> list[PromptPart]:
    """The prompt (except a draft, which the user sends) and the parts that the TUI does not show."""
    prompt = [PromptPart(handoff.prompt)] if handoff.delivery != "draft" else []
    beside = [PromptPart(text, synthetic=True) for text in (handoff.goal, handoff.plan) if text]
    beginning = handoff.beginning.model_dump(exclude_defaults=True)
    return [*prompt, *beside, PromptPart(handoff.instructions, synthetic=True, beginning=beginning)]


async def _made_all_the_same(client: OpenCodeClient, handoff: Handoff) -> Session | None:
    """The session that OpenCode made although its answer did not arrive, found by the handoff's id."""
    try:
        newest = await client.sessions(limit=NEWEST_SESSIONS)
    except OpenCodeError as error:
        log.warning("could not look whether a session was made: %s", error)
        return None
    return next((session for session in newest if session.handoff.id == handoff.id), None)


async def _undo(client: OpenCodeClient, session_id: SessionID, beside: Beside) -> str:
    """Undo the handoff; returns what was left behind, as a sentence."""
    left_over = await _remove(client, session_id)
    await beside.take_back()
    return left_over


async def _remove(client: OpenCodeClient, session_id: SessionID) -> str:
    """Remove a half-made session even while being cancelled; returns what was left behind, as a sentence."""
    removal = asyncio.ensure_future(client.delete_session(session_id))
    try:
        async with asyncio.timeout(REMOVAL_TIMEOUT_S):
            await asyncio.shield(removal)
    except (OpenCodeError, TimeoutError) as error:
        log.warning("could not remove the half-made session %s: %s", session_id, error)
        return f"The new session {session_id} has no prompt and could not be removed: delete it in the session list"
    return "The new session was removed"

"""Gathers everything that is known of a session when it is handed off.

Decides what is read, how much of it, and what may be missing. Only reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from handoff_sidecar.brief.brief import Surroundings, files_to_look_for
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.call.context import Said, Scene
from handoff_sidecar.errors import HandoffFailed, OpenCodeError, OpenCodeUnreachable
from handoff_sidecar.handoff.gathering.inherited import with_inheritance
from handoff_sidecar.handoff.gathering.worktree import files_present, git_state, house_rules
from handoff_sidecar.opencode.client import MessagePage, OpenCodeClient
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.opencode.undone import without_undone
from handoff_sidecar.session.facts import Facts, facts_of
from handoff_sidecar.session.trigger import TRIGGER_WORDS

log = logging.getLogger(__name__)

GATHERED_MESSAGES = 100
"""The newest messages, which the facts come from: several turns, however long the session is."""

FEWER_MESSAGES = (GATHERED_MESSAGES, 10)
"""Tried in this order: a hundred messages with pictures can be too large for one answer."""

OLDER_WORDS_TIMEOUT_S = 0.25
"""Of older messages only what the user said counts, for their rules; a long session's handoff must not take longer."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts, the messages they come from, the git state, and a sentence for each thing that is missing.

    Attributes:
        root: the folder that paths are given relative to.
        house_rules: what OpenCode tells every agent here anyway: AGENTS.md and the like.
    """

    root: str
    facts: Facts
    messages: list[Message]
    git: str
    house_rules: str
    missing: tuple[str, ...]

    @property
    def handoff(self) -> Handoff:
        """The handoff of this session, as far as it is known before it is composed."""
        session = self.facts.session
        return Handoff(
            from_session=session.id,
            directory=session.directory,
            agent=self.facts.agent,
            model=self.facts.model,
            chain=self.facts.chain,
            worktree=self.root,
            turn=self.facts.turn,
            permission=session.permission,
        )


async def gather(scene: Scene) -> Gathered:
    """Gather the facts of the scene's session. If messages or todos can't be read, the answer will say so.

    What the user has undone is left out.

    Raises:
        HandoffFailed: the session can't be read, or is none that is handed off.
    """
    context, client = scene.context, scene.client
    session_id, root = context.session_id, context.root
    missing: list[str] = []

    async def if_possible(what: str, reading: Awaitable[_T]) -> _T | None:
        try:
            return await reading
        except OpenCodeError as error:
            missing.append(f"The brief lacks {what}: {error}.")
            return None

    (session, said), newest, todos, running, git, house = await asyncio.gather(
        _session(scene),
        if_possible("this session's messages", _messages(client, session_id)),
        if_possible("the todo list", client.todos(session_id)),
        if_possible("the subagents that are still running", client.running_subagents(session_id)),
        git_state(root),
        house_rules(root, context.directory),
    )
    if newest is not None:
        standing = await if_possible("this session's messages", without_undone(session, newest, client))
        newest = standing.page if standing is not None else None
    page = newest or MessagePage([], None)
    facts = facts_of(
        session,
        page.messages,
        todos or (),
        root=root,
        agent=context.agent,
        calling=context.message_id or None,
        trigger_words=(*TRIGGER_WORDS, *scene.settings.trigger_words),
        more_before=page.before is not None,
        running=running or (),
    )
    if newest is not None:
        has_todos = todos is None or bool(todos)
        facts = await with_inheritance(facts, client, root=root, messages=GATHERED_MESSAGES, has_todos=has_todos)
    if page.before is not None and page.messages:
        oldest = page.messages[0].info.id
        facts = replace(facts, said=(*(text for message_id, text in said if message_id < oldest), *facts.said))
    return Gathered(root, facts, page.messages, git, house, tuple(missing))


async def look_around(notes: Notes, gathered: Gathered) -> Surroundings:
    """The project's files as they are now, as far as the brief needs them."""
    wanted = files_to_look_for(notes, gathered.facts, root=gathered.root)
    present = await files_present(wanted, gathered.root)
    return Surroundings(present=present, git=gathered.git, house_rules=gathered.house_rules)


async def _session(scene: Scene) -> tuple[Session, Sequence[Said]]:
    """The session, and what the user said in it long ago: both are there before its newest messages are.

    Raises:
        HandoffFailed: it can't be read, or is none that is handed off.
    """
    try:
        session = await scene.client.session(scene.context.session_id)
    except OpenCodeError as error:
        raise HandoffFailed(
            f"session_handoff: this session could not be read ({error}). Nothing was made. Call again, or go on here."
        ) from error
    if session.parent_id is not None:
        raise HandoffFailed(
            "session_handoff: this is a subagent's session, which can't be handed off. Nothing was made. Report to the "
            "agent that started you."
        )
    if not scene.settings.index:
        return session, ()
    # OpenCode is not asked: a page of messages more makes a long session's handoff take half as long again.
    try:
        async with asyncio.timeout(OLDER_WORDS_TIMEOUT_S):
            return session, await scene.said_in(session)
    except TimeoutError:
        log.info("what was said in %s before was not there in time", session.id)
        return session, ()


async def _messages(client: OpenCodeClient, session_id: SessionID) -> MessagePage:
    """The newest messages, or fewer if they are too large: agent and model depend on having some."""
    for limit in FEWER_MESSAGES:
        try:
            return await client.messages(session_id, limit=limit)
        except OpenCodeUnreachable as error:
            log.warning("the newest %d messages could not be had: %s", limit, error)
    return await client.messages(session_id, limit=1)

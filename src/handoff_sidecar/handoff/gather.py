"""Gathers everything that is known of a session when it is handed off.

Decides what is read, how much of it, and what may be missing. Only reads.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from handoff_sidecar.brief.brief import Surroundings, files_to_look_for
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.call.context import Scene
from handoff_sidecar.errors import HandoffFailed, HandoffSidecarError, OpenCodeError, OpenCodeUnreachable
from handoff_sidecar.handoff.git_status import GitState, describe
from handoff_sidecar.handoff.inherited import with_inheritance
from handoff_sidecar.handoff.worktree import files_present, git_state, house_rules
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


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts, the messages they come from, the git state, and a sentence for each thing that is missing.

    Attributes:
        root: the folder that paths are given relative to.
    """

    root: str
    facts: Facts
    messages: list[Message]
    git: str
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
    session, messages, todos, git, running = await asyncio.gather(
        client.session(session_id),
        _messages(client, session_id),
        client.todos(session_id),
        git_state(root),
        client.running_subagents(session_id),
        return_exceptions=True,
    )
    for outcome in (session, messages, todos, git, running):
        if isinstance(outcome, BaseException) and not isinstance(outcome, HandoffSidecarError):
            raise outcome
    if isinstance(session, BaseException):
        raise HandoffFailed(
            f"session_handoff: this session could not be read ({session}). Nothing was made. Call again, or go on here."
        ) from session
    if session.parent_id is not None:
        raise HandoffFailed(
            "session_handoff: this is a subagent's session, which can't be handed off. Nothing was made. Report to the "
            "agent that started you."
        )
    if not isinstance(messages, BaseException):
        messages = await _what_stands(session, messages, client)
    missing = []
    if isinstance(messages, BaseException):
        missing.append(f"The brief lacks this session's messages: {messages}.")
    if isinstance(todos, BaseException):
        missing.append(f"The brief lacks the todo list: {todos}.")
    if isinstance(running, BaseException):
        missing.append(f"The brief lacks the subagents that are still running: {running}.")
    page = MessagePage([], None) if isinstance(messages, BaseException) else messages
    listed = [] if isinstance(todos, BaseException) else todos
    facts = facts_of(
        session,
        page.messages,
        listed,
        root=root,
        agent=context.agent,
        calling=context.message_id or None,
        trigger_words=(*TRIGGER_WORDS, *scene.settings.trigger_words),
        more_before=page.before is not None,
        running=[] if isinstance(running, BaseException) else running,
    )
    if not isinstance(messages, BaseException):
        has_todos = bool(listed) or isinstance(todos, BaseException)
        facts = await with_inheritance(facts, client, root=root, messages=GATHERED_MESSAGES, has_todos=has_todos)
    facts = replace(facts, said=(*await _said_before(session, page, scene), *facts.said))
    said = describe(git if isinstance(git, GitState) else None)
    return Gathered(root, facts, page.messages, said, tuple(missing))


async def look_around(notes: Notes, gathered: Gathered) -> Surroundings:
    """The project's files as they are now, as far as the brief needs them."""
    wanted = files_to_look_for(notes, gathered.facts, root=gathered.root)
    directory = gathered.facts.session.directory
    present, rules = await asyncio.gather(files_present(wanted, gathered.root), house_rules(gathered.root, directory))
    return Surroundings(present=present, git=gathered.git, house_rules=rules)


async def _what_stands(session: Session, page: MessagePage, client: OpenCodeClient) -> MessagePage | OpenCodeError:
    try:
        return (await without_undone(session, page, client)).page
    except OpenCodeError as error:
        log.warning("what stands of a session in which much was undone could not be had: %s", error)
        return error


async def _said_before(session: Session, newest: MessagePage, scene: Scene) -> tuple[str, ...]:
    """What the user said in the messages before those that are gathered, as far as it is known: rules are set early.

    OpenCode is not asked now: a page of messages more makes a long session's handoff take half as long again.
    """
    if newest.before is None or not newest.messages or not scene.settings.index:
        return ()
    try:
        async with asyncio.timeout(OLDER_WORDS_TIMEOUT_S):
            return (await scene.words_before(session, newest.messages[0].info.id)).said
    except TimeoutError:
        log.info("what was said in %s before was not there in time", session.id)
        return ()


async def _messages(client: OpenCodeClient, session_id: SessionID) -> MessagePage:
    """The newest messages, or fewer if they are too large: agent and model depend on having some."""
    for limit in FEWER_MESSAGES:
        try:
            return await client.messages(session_id, limit=limit)
        except OpenCodeUnreachable as error:
            log.warning("the newest %d messages could not be had: %s", limit, error)
    return await client.messages(session_id, limit=1)

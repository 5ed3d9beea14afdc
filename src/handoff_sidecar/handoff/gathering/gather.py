"""Gathers everything that is known of a session when it is handed off.

Decides what is read, how much of it, what may be missing, and how far back is looked for what a new session lacks. Only
reads.
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
from handoff_sidecar.handoff.gathering.worktree import files_present, git_state, house_rules
from handoff_sidecar.opencode.client import MessagePage, OpenCodeClient
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session, SessionID, Todo
from handoff_sidecar.opencode.undone import without_undone
from handoff_sidecar.session.facts import Facts, facts_of
from handoff_sidecar.session.failed_command import failed_at_the_end, has_run
from handoff_sidecar.session.files import file_record
from handoff_sidecar.session.trigger import TRIGGER_WORDS

log = logging.getLogger(__name__)

GATHERED_MESSAGES = 100
"""The newest messages, which the facts come from: several turns, however long the session is."""

FEWER_MESSAGES = (GATHERED_MESSAGES, 10)
"""Tried in this order: a hundred messages with pictures can be too large for one answer."""

OLDER_WORDS_TIMEOUT_S = 1.0
"""Of older messages only what the user said counts, for their rules; a long session's handoff must not take longer."""

GENERATIONS = 5
"""Sessions are handed off one after the other without a turn between them two or three times in a row."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts, the messages they come from, and a sentence for each thing that is missing.

    Attributes:
        root: the folder that paths are given relative to.
        surroundings: what is known of them before the files are looked at.
    """

    root: str
    facts: Facts
    messages: list[Message]
    surroundings: Surroundings
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
        facts = await _with_inheritance(facts, client, root=root, has_todos=has_todos)
    if page.before is not None and page.messages:
        oldest = page.messages[0].info.id
        facts = replace(facts, said=(*(text for message_id, text in said if message_id < oldest), *facts.said))
    return Gathered(root, facts, page.messages, Surroundings(git=git, house_rules=house), tuple(missing))


async def look_around(notes: Notes, gathered: Gathered) -> Surroundings:
    """The project's files as they are now, as far as the brief needs them."""
    wanted = files_to_look_for(notes, gathered.facts, root=gathered.root)
    present = await files_present(wanted, gathered.root)
    return replace(gathered.surroundings, present=present)


async def _session(scene: Scene) -> tuple[Session, Sequence[Said]]:
    """The session, and what the user said in it long ago: both are there before its newest messages are.

    Raises:
        HandoffFailed: it can't be read, or is none that is handed off.
    """
    try:
        session = await scene.client.session(scene.context.session_id)
    except OpenCodeError as error:
        raise HandoffFailed(
            f"This session could not be read ({error}), so nothing was made. Try again, or go on here."
        ) from error
    if session.parent_id is not None:
        raise HandoffFailed(
            "This is a subagent's session, which can't be handed off. Nothing was made. "
            "A subagent reports to the agent that started it."
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


async def _with_inheritance(facts: Facts, client: OpenCodeClient, *, root: str, has_todos: bool) -> Facts:
    """The facts, with the nearest earlier todo list if the session has none, and the nearest files if it wrote none.

    Likewise the command that the work ended on, if nothing was run or written since.

    A session that is too long to be seen whole has done work of its own: what it was handed is over.

    Args:
        has_todos: whether the session has a list, or it is not known.
    """
    if facts.not_covered is not None:
        return facts
    has_worked = facts.ran_commands or bool(facts.files.edited)
    for ancestor in facts.chain[: -GENERATIONS - 1 : -1]:
        if has_todos and facts.files.edited and has_worked:
            break
        try:
            session, todos, page = await _records(ancestor, client)
        except OpenCodeError as error:
            log.info("nothing is inherited from %s: %s", ancestor, error)
            break
        if not session.same_project_as(facts.session):
            break
        if not has_todos:
            facts, has_todos = facts.with_todos(todos), bool(todos)
        if not facts.files.edited:
            facts = facts.with_files(file_record(page.messages, root))
        if not has_worked:
            facts = replace(facts, failed_command=failed_at_the_end(page.messages))
            has_worked = has_run(page.messages) or bool(facts.files.edited)
        if page.before is not None:
            break
    return facts


async def _records(session_id: SessionID, client: OpenCodeClient) -> tuple[Session, list[Todo], MessagePage]:
    session, todos, page = await asyncio.gather(
        client.session(session_id), client.todos(session_id), client.messages(session_id, limit=GATHERED_MESSAGES)
    )
    return session, todos, (await without_undone(session, page, client)).page

"""Todos, files and the failed command of the sessions before, for one that is handed off before it has its own.

Owns how far back is looked, and when a session's silence means that nothing has changed. Reads alone.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.opencode.client import MessagePage, OpenCodeClient
from handoff_sidecar.opencode.models import Session, SessionID, Todo
from handoff_sidecar.opencode.undone import without_undone
from handoff_sidecar.session.facts import Facts
from handoff_sidecar.session.failed_command import failed_at_the_end, has_run
from handoff_sidecar.session.files import file_record

log = logging.getLogger(__name__)

GENERATIONS = 5
"""Sessions are handed off one after the other without a turn between them two or three times in a row."""


async def with_inheritance(facts: Facts, client: OpenCodeClient, *, root: str, messages: int, has_todos: bool) -> Facts:
    """The facts, with the nearest earlier todo list if the session has none, and the nearest files if it wrote none.

    Likewise the command that the work ended on, if nothing was run or written since.

    A session that is too long to be seen whole has done work of its own: what it was handed is over.

    Args:
        messages: how many of a session's newest are looked at.
        has_todos: whether the session has a list, or it is not known.
    """
    if facts.not_covered is not None:
        return facts
    has_worked = facts.ran_commands or bool(facts.files.edited)
    for ancestor in facts.chain[: -GENERATIONS - 1 : -1]:
        if has_todos and facts.files.edited and has_worked:
            break
        try:
            session, todos, page = await _records(ancestor, client, messages)
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


async def _records(
    session_id: SessionID, client: OpenCodeClient, messages: int
) -> tuple[Session, list[Todo], MessagePage]:
    session, todos, page = await asyncio.gather(
        client.session(session_id), client.todos(session_id), client.messages(session_id, limit=messages)
    )
    return session, todos, (await without_undone(session, page, client)).page

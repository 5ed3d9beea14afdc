"""The whole todo list of a session, from OpenCode's records: a brief has room for some of it only."""

from __future__ import annotations

import itertools
import re

from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Session, SessionID, Todo
from handoff_sidecar.reading.answer import Answer, Block
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.text.counts import count
from handoff_sidecar.text.plain_text import one_line

TODO_MAX_CHARACTERS = 500
TOKENS_AROUND = 200
"""For what the answer says around the list, and the headings in it."""

GENERATIONS = 5
"""As far back as a handoff looks for a list that nobody has begun anew."""

_IN_ORDER = ("in_progress", "pending", "completed", "cancelled")
_ASKS = re.compile(
    r"\W*(?:(?:all|open|the|remaining|pending|list|of)\W+)*(?:todos?|to-?dos?|tasks?)(?:\W+lists?)?\W*", re.IGNORECASE
)


def asks_for_todos(query: str) -> bool:
    """Whether a query is after the list itself, and nothing in it."""
    return _ASKS.fullmatch(query) is not None


async def todo_list(answer: Answer, session: Session, client: OpenCodeClient, manner: Manner) -> Answer | None:
    """The list of the session, or the nearest before it; None if there is none.

    Raises:
        OpenCodeError: it could not be read.
    """
    chain = [entry for entry in session.handoff.chain or () if isinstance(entry, str)]
    for session_id in [session.id, *reversed(chain)][: GENERATIONS + 1]:
        todos = await client.todos(SessionID(session_id))
        if todos:
            return _written(answer, todos, session_id, manner)
    return None


def _written(answer: Answer, todos: list[Todo], session_id: str, manner: Manner) -> Answer:
    """All of it, open ones first, as far as there is room: a list is of use whole or counted, not with a hole in it."""
    ordered = sorted(todos, key=lambda todo: _IN_ORDER.index(todo.status) if todo.status in _IN_ORDER else 0)
    left = manner.room.tokens - TOKENS_AROUND
    blocks: list[Block] = []
    for status, group in itertools.groupby(ordered, key=lambda todo: todo.status):
        lines = [f"- {manner.redact(one_line(todo.content, TODO_MAX_CHARACTERS))}" for todo in group]
        kept = 0
        for line in lines:
            left -= manner.room.tokenizer.count(line) + 1
            if left < 0:
                break
            kept += 1
        more = [f"(+{len(lines) - kept} more)"] if kept < len(lines) else []
        body = "\n".join([*lines[:kept], *more])
        blocks.append(Block("", f"{status.replace('_', ' ')}: {len(lines)}", body, data={"role": "todos"}))
    said = f"The todo list of `{session_id}`, {count(len(todos), 'entry', 'entries')}, as OpenCode has it."
    return manner.room.fill(answer, (), lambda _: said, ahead=tuple(blocks))

"""What OpenCode's own records say about a session: agent, model, todos, files.

Computed, never recalled: nothing here comes from what a model says about its work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from handoff_sidecar.opencode.models import Message, MessageID, Model, Part, Session, Todo

_EDITING_TOOLS = frozenset({"edit", "write", "multiedit", "patch", "apply_patch"})
_PATCHED_FILE = re.compile(r"(?m)^\*\*\* (?:Add|Update|Delete|Move to)(?: File)?: (.+)$")
"""A file's line in the patch format of OpenCode's `apply_patch` tool (seen in 1.18.33)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a session without asking a model.

    Attributes:
        turn: the newest user message, which tells one turn from the next; None in a session without one.
        files: paths that tools wrote, newest first, relative to the worktree where they are inside it.
        open_todos: in the list's order; cancelled entries count neither as open nor as done.
    """

    session: Session
    agent: str | None
    model: Model | None
    turn: MessageID | None
    files: tuple[str, ...]
    todos_done: int
    todos_in_progress: tuple[str, ...]
    todos_pending: tuple[str, ...]


def facts_of(
    session: Session,
    messages: list[Message],
    todos: Iterable[Todo],
    *,
    worktree: str,
    agent: str | None = None,
) -> Facts:
    """The facts of a session, from its newest messages (oldest first) and its todo list.

    Args:
        agent: the agent that is at work right now, if that is known; else the records tell.
        worktree: the folder that paths are given relative to.
    """
    recorded_agent, model = _at_work(messages)
    newest_user = next((message for message in reversed(messages) if message.info.role == "user"), None)
    listed = list(todos)
    return Facts(
        session=session,
        agent=agent or recorded_agent,
        model=model,
        turn=newest_user.info.id if newest_user else None,
        files=_written_files(messages, worktree),
        todos_done=sum(todo.status == "completed" for todo in listed),
        todos_in_progress=tuple(todo.content for todo in listed if todo.status == "in_progress"),
        todos_pending=tuple(todo.content for todo in listed if todo.status == "pending"),
    )


def _at_work(messages: list[Message]) -> tuple[str | None, Model | None]:
    """Agent and model of the last real assistant message; before the first one, what the user's message asks for."""
    work = next((message for message in reversed(messages) if message.is_work), None)
    source = work or next((message for message in reversed(messages) if message.info.role == "user"), None)
    if source is None:
        return None, None
    model = source.model
    if model is not None and model.variant is None:
        asked = next(
            (
                message.info.model
                for message in reversed(messages)
                if message.info.role == "user" and message.info.model is not None
            ),
            None,
        )
        if asked is not None and (asked.provider_id, asked.model_id) == (model.provider_id, model.model_id):
            model = asked
    return source.agent, model


def _written_files(messages: list[Message], worktree: str) -> tuple[str, ...]:
    newest_first: dict[str, None] = {}
    for message in reversed(messages):
        for part in reversed(message.parts):
            for path in _paths_written_by(part):
                newest_first.setdefault(relative_to_worktree(path, worktree), None)
    return tuple(newest_first)


def _paths_written_by(part: Part) -> list[str]:
    if part.type != "tool" or part.tool not in _EDITING_TOOLS:
        return []
    if part.state is None or part.state.status != "completed":
        return []
    named = part.state.input.get("filePath")
    if isinstance(named, str) and named:
        return [named]
    patch = part.state.input.get("patchText")
    return [path.strip() for path in _PATCHED_FILE.findall(patch)] if isinstance(patch, str) else []


def relative_to_worktree(path: str, worktree: str) -> str:
    """The path as the person would write it inside the project; one outside stays as it is."""
    try:
        return PurePosixPath(PurePath(path).relative_to(worktree)).as_posix() if worktree else path
    except ValueError:
        return path.removeprefix("./")

"""What can be said of a session without asking a model: notes in place of those that an agent would write.

For a full context, a provider that is down, or haste. Everything is quoted from the session's records.
"""

from __future__ import annotations

import re

from handoff_sidecar.handoff.notes import Notes
from handoff_sidecar.handoff.plain_text import one_line, unquoted
from handoff_sidecar.handoff.prompt import HEADING
from handoff_sidecar.handoff.trigger import find_trigger
from handoff_sidecar.opencode.models import Message, Session

_GOAL_LINE = re.compile(r"(?m)^\*\*Goal:\*\* (.+)$")

OPENING = "Handed off without a model's summary."

LAST_REQUESTS = 3
REQUEST_MAX_CHARACTERS = 400
"""Verbatim up to here: three such requests and the agent's last words are about 400 tokens."""

LAST_WORDS_MAX_CHARACTERS = 300
ERROR_MAX_CHARACTERS = 300


def computed_notes(
    session: Session, messages: list[Message], goal: str | None = None, *, error: str = "", opening: str = OPENING
) -> Notes:
    """Notes from the newest messages (oldest first): the last requests word for word, last words, last error.

    Args:
        goal: what the person wants next; else the goal counts with which the session itself began.
        error: what stands in the way just now; else what ended the last turn.
        opening: the first line; nothing is said without one.
    """
    # That a handoff was asked for is no request for the next session.
    asked = (message.text for message in requests_of(session, messages))
    requests = [text for text in asked if find_trigger(text) is None][-LAST_REQUESTS:]
    said = next((message.text for message in reversed(messages) if message.is_work and message.text), "")
    error = error or next((message.error_text for message in reversed(messages) if message.is_work), "")
    lines = [opening] if opening else []
    if requests:
        lines.append("The user's last requests, word for word, oldest first:")
        lines += [f'- "{one_line(unquoted(request), REQUEST_MAX_CHARACTERS)}"' for request in requests]
    if said:
        lines.append(f'The agent\'s last words: "{one_line(said, LAST_WORDS_MAX_CHARACTERS)}"')
    return Notes(
        summary="\n".join(lines) or "Nothing has been asked yet.",
        goal=unquoted(goal or "") or _goal_at_the_start(session, messages),
        blocked=f"the last turn failed: {one_line(error, ERROR_MAX_CHARACTERS)}" if error else None,
    )


def requests_of(session: Session, messages: list[Message]) -> list[Message]:
    """What the person wrote, oldest first; without the prompt of the handoff that a session began with."""
    written = [message for message in messages if message.info.role == "user" and message.text]
    prompt = _prompt_of(session, messages)
    return [message for message in written if message is not prompt]


def _prompt_of(session: Session, messages: list[Message]) -> Message | None:
    """The handoff's prompt that the session began with, as long as it is among these messages."""
    first = messages[0] if messages else None
    if first is None or "from" not in session.handoff or first.info.role != "user":
        return None
    return first if first.text.startswith(HEADING) else None


def _goal_at_the_start(session: Session, messages: list[Message]) -> str | None:
    prompt = _prompt_of(session, messages)
    found = _GOAL_LINE.search(prompt.text) if prompt is not None else None
    return found[1] if found else None

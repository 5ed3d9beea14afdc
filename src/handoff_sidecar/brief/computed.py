"""What can be said of a session without asking a model: notes in place of those that an agent would write.

For a full context, a provider that is down, or haste. Everything is quoted from the session's records.
"""

from __future__ import annotations

from handoff_sidecar.brief.beginning import beginning_of
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.session.persons import as_it_came, own_words, writer_of
from handoff_sidecar.session.trigger import find_trigger
from handoff_sidecar.text.plain_text import one_line, unquoted

OPENING = "Handed off without a model's summary."

LAST_WORDS = "The agent's last words:"

LAST_REQUESTS = 3
REQUEST_MAX_CHARACTERS = 400
"""Verbatim up to here: three such requests and the agent's last words are about 400 tokens."""

LAST_WORDS_MAX_CHARACTERS = 300
BEFORE_MAX_CHARACTERS = 300
ERROR_MAX_CHARACTERS = 300


def computed_notes(
    messages: list[Message], goal: str | None = None, *, error: str = "", opening: str = OPENING
) -> Notes:
    """Notes from the newest messages (oldest first): the last requests word for word, last words, last error.

    What the session itself began with goes on: all of it until somebody has asked for something here, then what holds
    beyond that.

    Args:
        goal: what the person wants next; else the goal counts with which the session itself began.
        error: what stands in the way just now; else what ended the last turn.
        opening: the first line; nothing is said without one.
    """
    # That a handoff was asked for is no request for the next session.
    asked = (own_words(message) for message in requests_of(messages))
    requests = [text for text in asked if find_trigger(text) is None][-LAST_REQUESTS:]
    said = _last_words(messages)
    last = next((message for message in reversed(messages) if message.is_work), None)
    if last is not None and not last.has_overflowed:
        error = error or last.error_text
    began = beginning_of(messages)
    summary = began.summary.splitlines()
    before = [line for line in summary if line != OPENING and not (said and line.startswith(LAST_WORDS))]
    lines = [opening] if opening else []
    if not requests:
        lines += before
    else:
        if before:
            lines.append(f"What this session began with: {one_line(' '.join(before), BEFORE_MAX_CHARACTERS)}")
        lines.append("The user's last requests, word for word, oldest first:")
        lines += [f'- "{one_line(unquoted(request), REQUEST_MAX_CHARACTERS)}"' for request in requests]
    if said:
        lines.append(f'{LAST_WORDS} "{one_line(said, LAST_WORDS_MAX_CHARACTERS)}"')
    return Notes(
        summary="\n".join(lines) or "Nothing has been asked yet.",
        goal=unquoted(goal or "") or began.goal or None,
        blocked=f"the last turn failed: {one_line(error, ERROR_MAX_CHARACTERS)}" if error else None,
        key_decisions=list(began.decisions),
        tried_and_failed=list(began.tried_and_failed),
        next_steps=[] if requests else list(began.next_steps),
    )


def _last_words(messages: list[Message]) -> str:
    """What the agent said last at its work: an answer to our own question, or to a typed handoff, is not that."""
    ours = {message.info.id for message in messages if writer_of(message) == "us" or find_trigger(as_it_came(message))}
    answers = (message for message in reversed(messages) if message.is_work and message.text)
    return next((message.text for message in answers if message.info.parent_id not in ours), "")


def requests_of(messages: list[Message]) -> list[Message]:
    """The messages in which a person wrote something, oldest first."""
    return [message for message in messages if own_words(message)]

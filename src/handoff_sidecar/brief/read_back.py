"""What a session was handed when it began: the prompt of the handoff that made it, read back.

The inverse of `prompt`, for what an agent once said and OpenCode has no record of. A person may have edited the text
before it was sent: what can't be read is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from handoff_sidecar.brief.prompt import HEADING
from handoff_sidecar.opencode.models import Message, Session

FIRST_MESSAGES = 2

_HEADING = re.compile(rf"(?m)^{re.escape(HEADING)}")
_SECTION = re.compile(r"\*\*(?P<name>[\w ,]+):\*\*\s*(?P<text>.*)", re.DOTALL)
_MORE = re.compile(r" ?\(\+\d+ more\)$")
_NUMBER = re.compile(r"(?:^| )(?P<number>\d+)\. ")


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the prompt says of the work before; what changes with every turn (git, what blocks) is not read back."""

    summary: tuple[str, ...] = ()
    goal: str | None = None
    decisions: tuple[str, ...] = ()
    tried_and_failed: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()


def prompt_at_the_start(session: Session, messages: list[Message]) -> Message | None:
    """The handoff's prompt that the session began with, as long as it is among these messages (oldest first).

    A draft is sent by the person, with what they had typed above it, after a message that only holds instructions.
    """
    if session.handoff.source is None:
        return None
    first_ones = (message for message in messages[:FIRST_MESSAGES] if message.info.role == "user")
    return next((message for message in first_ones if _HEADING.search(message.text)), None)


def beginning_of(session: Session, messages: list[Message]) -> Beginning:
    """What that prompt says; nothing if there is none."""
    prompt = prompt_at_the_start(session, messages)
    return _read(prompt.text) if prompt is not None else Beginning()


def _read(prompt: str) -> Beginning:
    summary: list[str] = []
    sections: dict[str, str] = {}
    for block in _HEADING.split(prompt, maxsplit=1)[1].strip().split("\n\n"):
        section = _SECTION.match(block)
        if section is not None:
            sections[section["name"]] = _MORE.sub("", section["text"])
        elif not sections and not block.startswith("---\n"):
            summary += block.splitlines()
    return Beginning(
        summary=tuple(summary),
        goal=sections.get("Goal"),
        decisions=_list(sections.get("Decisions", "")),
        tried_and_failed=_list(sections.get("Tried, failed", "")),
        next_steps=_steps(sections.get("Next", "")),
    )


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split("; ")) if text else ()


def _steps(text: str) -> tuple[str, ...]:
    """`1. one 2. two` as two steps; only the number that follows begins a new one."""
    starts: list[re.Match[str]] = []
    for found in _NUMBER.finditer(text):
        if int(found["number"]) == len(starts) + 1:
            starts.append(found)
    if not starts:
        return (text,) if text else ()
    ends = [*(found.start() for found in starts[1:]), len(text)]
    return tuple(text[found.end() : end].strip() for found, end in zip(starts, ends, strict=True))

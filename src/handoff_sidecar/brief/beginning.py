"""What a session began with, kept in the metadata of its first prompt for a handoff that follows soon.

OpenCode has no record of what an agent once said about the work. What changes every turn (git, what blocks) is left
out.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from handoff_sidecar.brief.brief import Brief
from handoff_sidecar.opencode.messages import Message


class Beginning(BaseModel):
    """What a brief says about the earlier work."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    summary: str = ""
    goal: str = ""
    decisions: tuple[str, ...] = ()
    tried_and_failed: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()


def beginning_in(brief: Brief) -> Beginning:
    """What a session begins with that gets this brief."""
    return Beginning(
        summary=brief.summary,
        goal=brief.goal,
        decisions=brief.decisions.kept,
        tried_and_failed=brief.tried_and_failed.kept,
        next_steps=brief.next_steps.kept,
    )


def beginning_of(messages: list[Message]) -> Beginning:
    """What the session began with, as long as its first prompt is among these messages."""
    kept = (part.handoff.beginning for message in messages for part in message.parts)
    try:
        return Beginning.model_validate(next(filter(None, kept), {}))
    except ValidationError:  # another version's
        return Beginning()

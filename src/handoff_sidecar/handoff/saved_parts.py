"""What a new session gets beside its prompt, as the journal keeps it: with it a brief can be delivered again."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from handoff_sidecar.brief.prompt import Delivery


class Enclosure(BaseModel):
    """The rest of a handoff; briefs of earlier versions have none.

    Attributes:
        instructions: the part that the TUI does not show.
        goal: another such part, with all of a goal that the prompt shortens; empty where it doesn't.
        permission: the old session's rules; None where they are not known.
        handoff: the new session's own metadata.
        reply: whether the new session's agent answers.
        turn: the user message whose turn was handed off.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    instructions: str = ""
    goal: str = ""
    permission: list[dict[str, Any]] | None = None
    handoff: dict[str, Any] = Field(default_factory=dict)
    delivery: Delivery = "send"
    reply: bool = True
    turn: str | None = None

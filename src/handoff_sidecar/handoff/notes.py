"""What the agent says at a handoff: the arguments of `session_handoff`.

Owns their names, types and descriptions (the tool's JSON schema is made from them) and how much of a model's
sloppiness is forgiven. Knows nothing of OpenCode.
"""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _listed(value: object) -> object:
    """Models send a lone string, null, or a list as JSON text where a list of strings is wanted."""
    if value is None:
        return []
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                return json.loads(text)
            except ValueError:
                return [text]
        return [text] if text else []
    return value


def _said(value: object) -> object:
    """An empty or blank string says as much as none."""
    return (value.strip() or None) if isinstance(value, str) else value


Lines = Annotated[list[str], BeforeValidator(_listed)]
Line = Annotated[str | None, BeforeValidator(_said)]


class Notes(BaseModel):
    """The arguments of `session_handoff`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    summary: Annotated[str, BeforeValidator(_said)] = Field(description="Where things stand, in 1-3 sentences")
    goal: Line = Field(default=None, description="What the user wants next, in their words; omit if they gave none")
    next_steps: Lines = Field(default_factory=list, description="Concrete next actions, in order")
    blocked: Line = Field(default=None, description="What stands in the way, if anything")
    key_decisions: Lines = Field(default_factory=list, description="Decisions made, each with its reason")
    files_modified: Lines = Field(default_factory=list, description="Paths of files changed or central to the work")

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


def _decided(value: object) -> object:
    """Decisions as lines: `{decision, why}` becomes `decision (why)`."""
    listed = _listed([value] if isinstance(value, dict) else value)
    return [_decision(entry) for entry in listed] if isinstance(listed, list) else listed


def _decision(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    decision, why = entry.get("decision"), entry.get("why") or entry.get("reason")
    return f"{decision} ({why})" if decision and why else decision


def _said(value: object) -> object:
    """An empty or blank string says as much as none."""
    return (value.strip() or None) if isinstance(value, str) else value


Lines = Annotated[list[str], BeforeValidator(_listed)]
Decisions = Annotated[list[str], BeforeValidator(_decided)]
Line = Annotated[str | None, BeforeValidator(_said)]


class Notes(BaseModel):
    """The arguments of `session_handoff`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    summary: Annotated[str, BeforeValidator(_said)] = Field(description="Where things stand, 1-3 sentences")
    goal: Line = Field(default=None, description="What the user wants, verbatim")
    next_steps: Lines = Field(default_factory=list, description="In order")
    blocked: Line = Field(default=None, description="By what")
    constraints: Lines = Field(default_factory=list, description="User's standing rules, verbatim")
    key_decisions: Decisions = Field(default_factory=list, description="Decision (why)")
    tried_and_failed: Lines = Field(default_factory=list, description="What (why)")
    files_modified: Lines = Field(default_factory=list, description="Paths")
    agent: Line = Field(default=None, description="If user names one")
    model: Line = Field(default=None, description="Likewise: provider/model")

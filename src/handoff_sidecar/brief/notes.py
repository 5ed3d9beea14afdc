"""What the agent says at a handoff: the arguments of `session_handoff`.

Owns their names, types and descriptions (the tool's JSON schema is made from them) and how much of a model's
sloppiness is forgiven. Knows nothing of OpenCode.
"""

from __future__ import annotations

import json
from collections.abc import Sized
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

MAX_ENTRIES = 2_000
"""Of a list: far more than any brief shows. A hundred thousand held up everything for a second."""

MAX_CHARACTERS = 200_000
"""Of one text: a whole conversation, of which a brief shows the first sentences."""


def _listed(value: object) -> object:
    """Models send a lone string, null, or a list as JSON text where a list of strings is wanted."""
    listed = [] if value is None else _read(value.strip()) if isinstance(value, str) else value
    if isinstance(listed, list) and len(listed) > MAX_ENTRIES:
        raise PydanticCustomError("too_many", "at most {most} entries, not {count}", _of(MAX_ENTRIES, listed))
    return listed


def _read(text: str) -> object:
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return [text]
    return [text] if text else []


def _of(most: int, given: Sized) -> dict[str, str | int]:
    return {"most": f"{most:,}", "count": f"{len(given):,}"}


def _short(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise PydanticCustomError("too_long", "at most {most} characters, not {count}", _of(MAX_CHARACTERS, text))
    return text


def _decided(value: object) -> object:
    """Decisions as lines: `{decision, why}` becomes `decision (why)`."""
    listed = _listed([value] if isinstance(value, dict) else value)
    return [_decision(entry) for entry in listed] if isinstance(listed, list) else listed


def _decision(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    decision, why = entry.get("decision"), entry.get("why") or entry.get("reason")
    return f"{decision} ({why})" if decision and why else decision


_NOTHING = frozenset({"", "none", "n/a", "na", "null", "nil", "-", "undefined", "unknown", "none."})
"""How models fill in what they have nothing for."""


def _said(value: object) -> object:
    """The text; None where it says nothing."""
    if not isinstance(value, str):
        return value
    said = value.strip()
    return None if said.casefold() in _NOTHING else said


Text = Annotated[str, AfterValidator(_short)]
Lines = Annotated[list[Text], BeforeValidator(_listed)]
Decisions = Annotated[list[Text], BeforeValidator(_decided)]
Line = Annotated[Text | None, BeforeValidator(_said)]


class Notes(BaseModel):
    """The arguments of `session_handoff`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    summary: Annotated[Text, BeforeValidator(_said)] = Field(description="Where things stand, 1-3 sentences")
    goal: Line = Field(default=None, description="What the user wants, verbatim")
    next_steps: Lines = Field(default_factory=list, description="In order")
    blocked: Line = Field(default=None, description="By what")
    constraints: Lines = Field(default_factory=list, description="User's standing rules, verbatim")
    key_decisions: Decisions = Field(default_factory=list, description="Decision (why)")
    tried_and_failed: Lines = Field(default_factory=list, description="What (why)")
    files_modified: Lines = Field(default_factory=list, description="Paths")
    agent: Line = Field(default=None, description="If user names one")
    model: Line = Field(default=None, description="Likewise: provider/model")

"""`read_session`, as models see it: its description and its arguments."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handoff_sidecar.call.tool import Definition
from handoff_sidecar.session.transcript import Detail

DEFAULT_LIMIT = 20
MAX_LIMIT = 200
"""The token budget cuts an answer long before; this bounds what is fetched for it."""


def _whole(value: object) -> object:
    return DEFAULT_LIMIT if value is None else value


def _given(value: object) -> object:
    """Models send an empty string where they mean to leave an argument out."""
    return (value.strip() or None) if isinstance(value, str) else value


Text = Annotated[str | None, BeforeValidator(_given)]


class ReadSession(BaseModel):
    """The arguments of `read_session`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    session_id: Text = Field(default=None, description="Default: previous; or an id, previous:2, this, all")
    query: Text = Field(default=None, description='Search words, "phrases", /regex/')
    file: Text = Field(default=None, description="Path: what was done to it")
    limit: Annotated[int, BeforeValidator(_whole)] = Field(
        default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description=f"Default {DEFAULT_LIMIT}"
    )
    before: Text = Field(default=None, description="Message id to page back from")
    detail: Annotated[Detail | None, BeforeValidator(_given)] = Field(
        default=None, description="text, or tools with inputs and outputs"
    )


READ_SESSION = Definition(
    "read_session",
    "Read or search the session before this handoff, or others.",
    ReadSession,
)

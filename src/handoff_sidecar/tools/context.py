"""What a tool gets with its arguments and what it gives back: the shapes of `tool/call`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from handoff_sidecar.opencode.models import MessageID, SessionID

Mode = Literal["tui", "run", "serve", "other"]
"""How OpenCode was started; in `run` nobody is there, and the process leaves when its one turn is over."""


class ToolContext(BaseModel):
    """Where a tool was called from, as OpenCode tells it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    session_id: SessionID = Field(alias="sessionID")
    message_id: MessageID = Field(default=MessageID(""), alias="messageID")
    call_id: str = Field(default="", alias="callID")
    agent: str | None = None
    directory: str
    worktree: str = ""

    @property
    def root(self) -> str:
        """The folder that paths are given relative to; outside a repository OpenCode's worktree is `/`."""
        return self.worktree if self.worktree not in {"", "/"} else self.directory


class ToolResult(BaseModel):
    """What the TUI shows as the call's title, what the model reads, and data for other programs."""

    title: str
    output: str
    metadata: dict[str, Any] = Field(default_factory=dict)

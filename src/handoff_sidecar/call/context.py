"""What a tool or a command gets with its arguments, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import MessageID, SessionID
from handoff_sidecar.opencode.wire import Wire
from handoff_sidecar.settings import Settings

Mode = Literal["tui", "run", "serve", "other"]
"""How OpenCode was started; in `run` nobody is there, and the process leaves when its one turn is over."""


class ToolContext(Wire):
    """Where a tool or a command was called from, as OpenCode tells it.

    Attributes:
        active_session_id: the session of the person's newest message in this process; None if there was none.
    """

    session_id: SessionID = Field(alias="sessionID")
    message_id: MessageID = Field(default=MessageID(""), alias="messageID")
    call_id: str = Field(default="", alias="callID")
    agent: str | None = None
    directory: str
    worktree: str = ""
    active_session_id: SessionID | None = Field(default=None, alias="activeSessionID")

    @property
    def person_is_elsewhere(self) -> bool:
        """Whether the person's newest message in this process went to another session."""
        return self.active_session_id not in {None, self.session_id}

    @property
    def root(self) -> str:
        """The folder that paths are given relative to; outside a repository OpenCode's worktree is `/`."""
        return self.worktree if self.worktree not in {"", "/"} else self.directory


@dataclass(frozen=True, slots=True)
class Scene:
    """Where something is to be done: in which session, through which client, as the person has set it."""

    context: ToolContext
    client: OpenCodeClient
    settings: Settings
    mode: Mode


class ToolResult(BaseModel):
    """What the TUI shows as the call's title, what the model reads, and data for other programs."""

    title: str
    output: str
    metadata: dict[str, Any] = Field(default_factory=dict)

    def and_also(self, remark: str) -> ToolResult:
        """The same result with one more remark, after its first line: the last one says what to do next."""
        if not remark:
            return self
        first, *others = self.output.split("\n")
        return self.model_copy(update={"output": "\n".join([first, remark, *others])})

"""What a tool or command receives beside its arguments, and what it returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import MessageID, Session, SessionID
from handoff_sidecar.opencode.wire import Wire
from handoff_sidecar.settings import Settings

Mode = Literal["tui", "run", "serve", "other"]
"""How OpenCode was started. In `run` there is no user present, and the process exits after its one turn."""


class ToolContext(Wire):
    """Where a tool or command was called from, according to OpenCode.

    Attributes:
        active_session_id: the session that received the user's newest message in this process, if any.
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
        """Whether the user's newest message in this process went to another session."""
        return self.active_session_id not in {None, self.session_id}

    @property
    def root(self) -> str:
        """The folder that paths are relative to; outside a repository OpenCode reports the worktree as `/`."""
        return self.worktree if self.worktree not in {"", "/"} else self.directory


Said = tuple[MessageID, str]
"""Something that the user said, with the message that it stands in."""

SaidIn = Callable[[Session], Awaitable[Sequence[Said]]]
"""What the user said in a session, oldest first, as far as it is known without asking OpenCode."""


async def nothing_said(_session: Session) -> Sequence[Said]:
    """Where nothing is kept, nothing is known."""
    return ()


@dataclass(frozen=True, slots=True)
class Scene:
    """Where work is done: the session, the client to use, the user's settings, and what is kept of their words."""

    context: ToolContext
    client: OpenCodeClient
    settings: Settings
    mode: Mode
    said_in: SaidIn = nothing_said


class ToolResult(BaseModel):
    """The title that the TUI shows, the text that the model reads, and data for other programs."""

    title: str
    output: str
    metadata: dict[str, Any] = Field(default_factory=dict)

    def and_also(self, remark: str) -> ToolResult:
        """The same result with one more remark, after its first line: the last one says what to do next."""
        if not remark:
            return self
        first, *others = self.output.split("\n")
        return self.model_copy(update={"output": "\n".join([first, remark, *others])})

"""The params of the methods that the shim calls, as models (design, section 3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from handoff_sidecar.auto_handoff.watch import Sighting
from handoff_sidecar.call.context import Mode, ToolContext
from handoff_sidecar.opencode.messages import ABORTED, OVERFLOWED, MessageInfo, told_by
from handoff_sidecar.opencode.models import MessageID, Session, SessionID, SessionStatus
from handoff_sidecar.opencode.versions import is_older
from handoff_sidecar.opencode.wire import Wire


class Host(Wire):
    """What the shim knows of the OpenCode that it is in.

    Attributes:
        marks_prompts: whether what other plugins prompt is known as such.
        looks_new: by what OpenCode hands to a plugin, which counts where it doesn't tell its version.
    """

    looks_new: bool = Field(default=True, alias="looksNew")
    marks_prompts: bool = Field(default=True, alias="marksPrompts")

    def is_too_old(self, version: str | None) -> bool:
        """Whether it lacks what a handoff needs; a newer one than the newest tried is not."""
        return is_older(version) if version else not self.looks_new


class Initialize(Wire):
    """`initialize`."""

    protocol_version: int = Field(alias="protocolVersion")
    open_code: Host = Field(default=Host(), alias="openCode")
    mode: Mode = "other"
    directory: str = ""


class ToolCallParams(Wire):
    """`tool/call`."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    context: ToolContext

    def with_id(self, sentence: str) -> str:
        """The sentence with the call's id, under which the log has more."""
        return f"{sentence} (in the log under {self.context.call_id})" if self.context.call_id else sentence


class CommandCall(Wire):
    """`command/execute`; `arguments` is what follows the command's name."""

    name: str
    arguments: str = ""
    context: ToolContext


class ReceivedMessage(Wire):
    """`message/received`."""

    session_id: SessionID = Field(alias="sessionID")
    message_id: MessageID = Field(alias="messageID")
    text: str
    directory: str
    part_ids: list[str] = Field(default_factory=list, alias="partIDs")


class Arrival(Wire):
    """`session/arrival`: what no person wrote, in a session whose work went on elsewhere."""

    context: ToolContext
    text: str


class WrittenMark(Wire):
    """`session/mark`: what is to be written into the mark of a session that was left."""

    context: ToolContext
    mark: dict[str, Any]


class InSession(Wire):
    """`session/compacting` and `session/continue`."""

    context: ToolContext


class Step(Wire):
    """`session/step`."""

    context: ToolContext
    sighting: Sighting
    part_ids: list[str] = Field(default_factory=list, alias="partIDs")


class SessionEvent(Wire):
    """`event` of a session that was seen above its floor, or in which a handoff was typed."""

    type: Literal["session.idle", "session.error", "session.status"]
    context: ToolContext
    sighting: Sighting
    error: dict[str, Any] = Field(default_factory=dict)
    status: SessionStatus = SessionStatus()

    @property
    def is_escape(self) -> bool:
        """Whether somebody ended the turn."""
        return self.error.get("name") == ABORTED

    @property
    def is_overflow(self) -> bool:
        """Whether the session has become too long for the model."""
        return self.error.get("name") == OVERFLOWED

    @property
    def reason(self) -> str:
        """What has gone wrong, as the provider or OpenCode puts it."""
        return told_by(self.error) or self.status.message


class MessageEvent(Wire):
    """`event` of a message that the sidecar has sent, and that OpenCode has stored."""

    type: Literal["message.updated"]
    info: MessageInfo


class StoredPart(Wire):
    """Where a part is; what it holds is not told."""

    id: str
    session_id: SessionID = Field(alias="sessionID")
    message_id: MessageID = Field(alias="messageID")


class PartEvent(Wire):
    """`event` of a part of such a message."""

    type: Literal["message.part.updated"]
    part: StoredPart


class DeletedEvent(Wire):
    """`event` of a session that is gone; of what it was, only what tells its project."""

    type: Literal["session.deleted"]
    directory: str
    info: Session


class RemovedEvent(Wire):
    """`event` of a message that is gone: deleted, or undone and then overtaken by a new one."""

    type: Literal["message.removed"]
    directory: str
    session_id: SessionID = Field(alias="sessionID")
    message_id: MessageID = Field(alias="messageID")


AnyEvent = SessionEvent | MessageEvent | PartEvent | DeletedEvent | RemovedEvent


class Event(RootModel[Annotated[AnyEvent, Field(discriminator="type")]]):
    """`event`, by OpenCode's names."""

    model_config = ConfigDict(hide_input_in_errors=True)


class DirectoryOpened(Wire):
    """`directory/opened`."""

    directory: str
    worktree: str = ""

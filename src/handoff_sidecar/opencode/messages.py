"""A session's messages and their parts, cut down to the fields that are read here.

As in `models`: whatever is not an identity has a default, and unknown fields and part types pass. Seen in 1.15.13 to
1.18.33.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, ValidationError

from handoff_sidecar.opencode.limits import Tokens
from handoff_sidecar.opencode.models import MessageID, Model, SessionID, Times
from handoff_sidecar.opencode.wire import Wire

_BOOKKEEPING_AGENTS = frozenset({"compaction", "title", "summary"})
"""OpenCode's own agents: their messages say nothing of the agent or model at work."""

ABORTED = "MessageAbortedError"
OVERFLOWED = "ContextOverflowError"
_SAYS_NOTHING_OF_THE_PROVIDER = frozenset({ABORTED, OVERFLOWED, "MessageOutputLengthError"})
"""Names of errors that end a turn although the provider answers."""


class FileDiff(Wire):
    """A file that a turn changed, as OpenCode's snapshots of the worktree saw it."""

    file: str = ""
    status: str = ""


class ToolState(Wire):
    """A tool part's state; which fields are set depends on the status."""

    status: str = ""
    title: str | None = None
    input: Annotated[dict[str, Any], BeforeValidator(lambda value: value if isinstance(value, dict) else {})] = Field(
        default_factory=dict
    )
    output: str | None = None
    error: str | None = None
    metadata: Annotated[dict[str, Any], BeforeValidator(lambda value: value if isinstance(value, dict) else {})] = (
        Field(default_factory=dict)
    )
    attachments: list[Part] = Field(default_factory=list)


OURS = "handoff-sidecar"
"""In a part's `metadata.handoff.by`: a prompt of our own."""


class PartMark(Wire):
    """What we keep in a part's metadata, under `handoff`.

    Attributes:
        by: who wrote the message, if no person did: ours, or the `plugin` that prompted.
        typed: in a part that we add to a trigger, the message as it came.
        beginning: in the prompt of a handoff, what the session begins with.
    """

    by: str | None = None
    typed: str | None = None
    beginning: JsonValue = None


class Part(Wire):
    """A part of a message: text, a tool call, a file, or a type that is not looked into.

    Attributes:
        url: where a `file` part's content is; a `data:` URL holds it. Of a long one the plugin hands on all but its
            base64, with the content's size: `data:image/png;bytes=1382400;base64,`.
        files: the paths that a `patch` part says were changed on disk in its step.
    """

    id: str = ""
    type: str = ""
    text: str | None = None
    synthetic: bool = False
    ignored: bool = False
    tool: str | None = None
    state: ToolState | None = None
    filename: str | None = None
    mime: str | None = None
    url: str | None = None
    files: Annotated[list[str], BeforeValidator(lambda value: value if isinstance(value, list) else [])] = Field(
        default_factory=list
    )
    metadata: JsonValue = None

    @property
    def handoff(self) -> PartMark:
        """What we, or our plugin, noted in this part."""
        noted = self.metadata.get("handoff") if isinstance(self.metadata, dict) else None
        try:
            return PartMark.model_validate(noted or {})
        except ValidationError:
            return PartMark()


class MessageInfo(Wire):
    """Who wrote a message, when, and with which agent and model."""

    id: MessageID
    session_id: SessionID = Field(default=SessionID(""), alias="sessionID")
    role: Literal["user", "assistant"]
    agent: str | None = None
    mode: str | None = None
    provider_id: str | None = Field(default=None, alias="providerID")
    model_id: str | None = Field(default=None, alias="modelID")
    variant: str | None = None
    model: Model | None = None
    summary: JsonValue = None
    time: Times = Times()
    error: JsonValue = None
    parent_id: MessageID | None = Field(default=None, alias="parentID")
    tokens: Tokens = Tokens()
    finish: str | None = None


class Message(Wire):
    """A message with its parts, as `GET /session/{id}/message` lists them."""

    info: MessageInfo
    parts: list[Part] = Field(default_factory=list)

    @property
    def text(self) -> str:
        """What was said: the text parts that a person sees, joined by newlines."""
        shown = (part for part in self.parts if part.type == "text" and not part.synthetic and not part.ignored)
        return "\n".join(part.text for part in shown if part.text)

    @property
    def diffs(self) -> list[FileDiff]:
        """The files that the turn of this user message changed, whatever changed them; empty in other messages."""
        summary = self.info.summary
        listed = summary.get("diffs") if isinstance(summary, dict) else None
        diffs = []
        for entry in listed if isinstance(listed, list) else []:
            try:
                diffs.append(FileDiff.model_validate(entry))
            except ValidationError:
                continue  # a shape of another version's: what tools wrote is in their own parts too
        return [diff for diff in diffs if diff.file]

    @property
    def is_work(self) -> bool:
        """Whether the agent that the person chose wrote this, and not OpenCode's bookkeeping (a compaction)."""
        info = self.info
        return (
            info.role == "assistant"
            and info.summary is not True
            and info.agent not in _BOOKKEEPING_AGENTS
            and info.mode not in _BOOKKEEPING_AGENTS
        )

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come: an `idle` event may be ahead of that (seen after errors in 1.18.33)."""
        return self.info.time.completed is not None or self.info.error is not None

    @property
    def was_aborted(self) -> bool:
        """Whether a person ended this turn."""
        return _error_name(self.info.error) == ABORTED

    @property
    def has_overflowed(self) -> bool:
        """Whether the session had become too long for the model, which another session is not."""
        return _error_name(self.info.error) == OVERFLOWED

    @property
    def provider_failed(self) -> bool:
        """Whether this turn ended because the provider did not do its work."""
        name = _error_name(self.info.error)
        return name is not None and name not in _SAYS_NOTHING_OF_THE_PROVIDER

    @property
    def error_text(self) -> str:
        """What OpenCode says of the error that ended this turn; empty where none did, or a person."""
        if not isinstance(self.info.error, dict) or self.was_aborted:
            return ""
        return told_by(self.info.error) or "unknown error"

    @property
    def agent(self) -> str | None:
        """The agent at work; OpenCode calls it `mode` in old messages."""
        return self.info.agent or self.info.mode

    @property
    def model(self) -> Model | None:
        """The model at work: an assistant's own fields, or a user message's `model`."""
        info = self.info
        if info.provider_id and info.model_id:
            return Model(provider_id=info.provider_id, model_id=info.model_id, variant=info.variant)
        return info.model


def told_by(error: dict[str, Any]) -> str:
    """What has gone wrong, as the provider or OpenCode puts it: the message, else the error's name, if it has one."""
    data = error.get("data")
    said = data.get("message") if isinstance(data, dict) else None
    return str(said or error.get("name") or "")


def _error_name(error: JsonValue) -> str | None:
    if error is None:
        return None
    return str(error.get("name")) if isinstance(error, dict) else "unknown"

"""OpenCode's objects, cut down to the fields that are read here.

Field names are Python's, aliases are the wire's. Fields come and go between OpenCode's versions, so whatever is
not an identity has a default, and unknown fields and part types pass. Seen in 1.15.13 to 1.18.33.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NewType

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

SessionID = NewType("SessionID", str)
MessageID = NewType("MessageID", str)

GLOBAL_PROJECT = "global"
"""The project id that every folder without a repository shares."""

_BOOKKEEPING_AGENTS = frozenset({"compaction", "title", "summary"})
"""OpenCode's own agents: their messages say nothing of the agent or model at work."""


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Model(_Wire):
    """A model and, where the person chose one, its variant (a preset of options such as `high`)."""

    provider_id: str = Field(alias="providerID")
    model_id: str = Field(alias="modelID")
    variant: str | None = None

    def __str__(self) -> str:
        variant = f" ({self.variant})" if self.variant else ""
        return f"{self.provider_id}/{self.model_id}{variant}"


class Times(_Wire):
    """Milliseconds since the epoch."""

    created: float = 0
    updated: float | None = None
    completed: float | None = None


class Session(_Wire):
    """A session as `GET /session/{id}` answers it."""

    id: SessionID
    title: str = ""
    directory: str = ""
    project_id: str = Field(default="", alias="projectID")
    parent_id: SessionID | None = Field(default=None, alias="parentID")
    time: Times = Times()
    permission: list[dict[str, JsonValue]] = Field(default_factory=list)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def handoff(self) -> dict[str, JsonValue]:
        """What handoffs recorded in this session's metadata: `from`, `chain`, `constraints`; `to`, `turn`."""
        recorded = self.metadata.get("handoff")
        return recorded if isinstance(recorded, dict) else {}

    def same_project_as(self, other: Session) -> bool:
        """Whether both belong to one project; folders without a repository are projects of their own."""
        if self.project_id != other.project_id:
            return False
        return self.project_id != GLOBAL_PROJECT or self.directory == other.directory


class Todo(_Wire):
    """An entry of the session's todo list."""

    content: str = ""
    status: Literal["pending", "in_progress", "completed", "cancelled"] = "pending"


class FileDiff(_Wire):
    """A file that a turn changed, as OpenCode's snapshots of the worktree saw it."""

    file: str = ""
    status: str = ""


class Agent(_Wire):
    """An agent that a session can have; its model counts where the person configured one for it."""

    name: str
    mode: str = ""
    hidden: bool = False
    model: Model | None = None

    @property
    def can_lead(self) -> bool:
        """Whether a person can choose it for a session: no subagent, and none of OpenCode's own."""
        return self.mode in {"primary", "all"} and not self.hidden


class Vcs(_Wire):
    """The repository's branches; both None outside one."""

    branch: str | None = None
    default_branch: str | None = None


class Paths(_Wire):
    """The folders of an instance; the worktree is `/` outside a repository."""

    worktree: str = ""


class Provider(_Wire):
    """A provider's id and those of its models. The answer holds keys too: nothing else of it is kept."""

    id: str
    models: Annotated[list[str], BeforeValidator(lambda value: list(value) if isinstance(value, dict) else value)] = (
        Field(default_factory=list)
    )


class Providers(_Wire):
    """The providers that are configured, as `GET /config/providers` answers them."""

    providers: list[Provider] = Field(default_factory=list)


class ToolState(_Wire):
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


class Part(_Wire):
    """A part of a message: text, a tool call, a file, or a type that is not looked into.

    Attributes:
        url: where a `file` part's content is; a `data:` URL holds it.
        files: the paths that a `patch` part says were changed on disk in its step.
    """

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


class MessageInfo(_Wire):
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


class Message(_Wire):
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

"""OpenCode's objects, cut down to the fields that are read here.

Field names are Python's, aliases are the wire's. Fields come and go between OpenCode's versions, so whatever is
not an identity has a default, and unknown fields and part types pass. Seen in 1.15.13 to 1.18.33.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, NewType

from pydantic import BeforeValidator, Field, JsonValue, RootModel, ValidationError

from handoff_sidecar.opencode.handoff_metadata import HandoffMetadata
from handoff_sidecar.opencode.limits import Tokens
from handoff_sidecar.opencode.wire import Wire

SessionID = NewType("SessionID", str)
MessageID = NewType("MessageID", str)

SESSION_ID = r"ses_[0-9A-Za-z]{1,64}"
MESSAGE_ID = r"msg_[0-9A-Za-z]{1,64}"
"""The forms of ids, the same in the plugin's list of endpoints: nothing in them means something in a path."""

GLOBAL_PROJECT = "global"
"""The project id that every folder without a repository shares."""

_BOOKKEEPING_AGENTS = frozenset({"compaction", "title", "summary"})
"""OpenCode's own agents: their messages say nothing of the agent or model at work."""

_MODEL_NAME = re.compile(r"([^/]+)/(.+?)(?: \(([^()]+)\))?")

LAST_MOMENT_MS = 253_402_300_799_000
"""The end of the year 9999, which is the last one that Python's calendar has."""

ABORTED = "MessageAbortedError"
OVERFLOWED = "ContextOverflowError"
_SAYS_NOTHING_OF_THE_PROVIDER = frozenset({ABORTED, OVERFLOWED, "MessageOutputLengthError"})
"""Names of errors that end a turn although the provider answers."""


class Model(Wire):
    """A model and, where the person chose one, its variant (a preset of options such as `high`)."""

    provider_id: str = Field(alias="providerID")
    model_id: str = Field(alias="modelID")
    variant: str | None = None

    @classmethod
    def named(cls, name: str) -> Model | None:
        """The model with this name (see `__str__`), or None if it is not the name of a model."""
        found = _MODEL_NAME.fullmatch(name)
        return cls(provider_id=found[1], model_id=found[2], variant=found[3]) if found else None

    def __str__(self) -> str:
        variant = f" ({self.variant})" if self.variant else ""
        return f"{self.provider_id}/{self.model_id}{variant}"


def _moment(value: object) -> float | None:
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LAST_MOMENT_MS
    return float(value) if isinstance(value, int | float) and is_one else None


Moment = Annotated[float | None, BeforeValidator(_moment)]


class Times(Wire):
    """Milliseconds since the epoch; anything that is not a valid time counts as missing."""

    created: Annotated[float, BeforeValidator(lambda value: _moment(value) or 0.0)] = 0
    updated: Moment = None
    completed: Moment = None


class Revert(Wire):
    """What a person has undone (`/undo`): it is kept until the next prompt removes it, and `/redo` brings it back.

    Attributes:
        message_id: the first message of it; those with greater ids are undone too (so 1.18.34 compares them).
        part_id: where that message was not undone whole, its first part that was.
    """

    message_id: MessageID = Field(alias="messageID")
    part_id: str | None = Field(default=None, alias="partID")


def _revert(value: object) -> object:
    """What has another shape is another version's: nothing is known to be undone then."""
    if not isinstance(value, dict) or not isinstance(value.get("messageID"), str):
        return None
    part_id = value.get("partID")
    return {"messageID": value["messageID"], "partID": part_id if isinstance(part_id, str) else None}


class Session(Wire):
    """A session as `GET /session/{id}` answers it."""

    id: Annotated[SessionID, Field(pattern=rf"^{SESSION_ID}$")]
    title: str = ""
    directory: str = ""
    project_id: str = Field(default="", alias="projectID")
    parent_id: SessionID | None = Field(default=None, alias="parentID")
    time: Times = Times()
    permission: list[dict[str, JsonValue]] = Field(default_factory=list)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    revert: Annotated[Revert | None, BeforeValidator(_revert)] = None

    @property
    def handoff(self) -> HandoffMetadata:
        """What handoffs recorded in this session's metadata."""
        recorded = self.metadata.get("handoff")
        return HandoffMetadata.model_validate(recorded if isinstance(recorded, dict) else {})

    @property
    def is_left(self) -> bool:
        """Whether this very session's work goes on in another, and no person has written here since.

        The plugin decides the same of the same answer (`plugin-shim/lib/lock.js`). A handoff whose turn has been undone
        is undone too.
        """
        mark = self.handoff
        return (
            bool(mark.to)
            and mark.of in {None, self.id}
            and mark.lifted is None
            and not (mark.turn and self.has_undone(mark.turn))
        )

    def has_undone(self, message_id: str) -> bool:
        """Whether the person has undone the whole of this message."""
        revert = self.revert
        if revert is None:
            return False
        return message_id > revert.message_id or (message_id == revert.message_id and revert.part_id is None)

    def same_project_as(self, other: Session) -> bool:
        """Whether both belong to one project; folders without a repository are projects of their own."""
        if self.project_id != other.project_id:
            return False
        return self.project_id != GLOBAL_PROJECT or self.directory == other.directory


class SessionStatus(Wire):
    """What a session is doing: `idle`, `busy`, or `retry`, which waits for a provider that has failed.

    Attributes:
        message: in `retry`, what the provider said.
    """

    type: str = "idle"
    message: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether a turn is under way."""
        return self.type != "idle"


class Statuses(RootModel[dict[str, SessionStatus]]):
    """The answer of `GET /session/status`, by session id."""


class Health(Wire):
    """The answer of `GET /global/health`."""

    version: str | None = None


class Todo(Wire):
    """An entry of the session's todo list."""

    content: str = ""
    status: Literal["pending", "in_progress", "completed", "cancelled"] = "pending"


class FileDiff(Wire):
    """A file that a turn changed, as OpenCode's snapshots of the worktree saw it."""

    file: str = ""
    status: str = ""


class Agent(Wire):
    """An agent that a session can have; its model counts where the person configured one for it."""

    name: str
    mode: str = ""
    hidden: bool = False
    model: Model | None = None
    permission: list[JsonValue] | dict[str, JsonValue] = Field(default_factory=list)

    @property
    def may_edit(self) -> bool:
        """Whether it may change files of the project: the last rule for all of them decides.

        (1.18.34 lists an agent's rules; before, `permission` was an object.)
        """
        if isinstance(self.permission, dict):
            return self.permission.get("edit") != "deny"
        rules = [rule for rule in self.permission if isinstance(rule, dict)]
        for rule in reversed(rules):
            if rule.get("permission") in {"*", "edit"} and rule.get("pattern", "*") == "*":
                return rule.get("action") != "deny"
        return True

    @property
    def can_lead(self) -> bool:
        """Whether a person can choose it for a session: no subagent, and none of OpenCode's own."""
        return self.mode in {"primary", "all"} and not self.hidden


class Paths(Wire):
    """The folders of an instance; the worktree is `/` outside a repository."""

    worktree: str = ""


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
        data = self.info.error.get("data")
        said = data.get("message") if isinstance(data, dict) else None
        return str(said or self.info.error.get("name") or "unknown error")

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


def _error_name(error: JsonValue) -> str | None:
    if error is None:
        return None
    return str(error.get("name")) if isinstance(error, dict) else "unknown"

"""OpenCode's sessions, agents and what else is no message, cut down to the fields that are read here.

Field names are Python's, aliases are the wire's. Fields come and go between OpenCode's versions, so whatever is
not an identity has a default, and unknown fields and part types pass. Seen in 1.15.13 to 1.18.33.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, NewType

from pydantic import BeforeValidator, Field, JsonValue, RootModel

from handoff_sidecar.opencode.handoff_metadata import HandoffMetadata
from handoff_sidecar.opencode.wire import Wire

SessionID = NewType("SessionID", str)
MessageID = NewType("MessageID", str)

SESSION_ID = r"ses_[0-9A-Za-z]{1,64}"
MESSAGE_ID = r"msg_[0-9A-Za-z]{1,64}"
"""The forms of ids, the same in the plugin's list of endpoints: nothing in them means something in a path."""

GLOBAL_PROJECT = "global"
"""The project id that every folder without a repository shares."""

_MODEL_NAME = re.compile(r"([^/]+)/(.+?)(?: \(([^()]+)\))?")

LAST_MOMENT_MS = 253_402_300_799_000
"""The end of the year 9999, which is the last one that Python's calendar has."""


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

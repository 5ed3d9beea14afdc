"""A handoff: as requested, as delivered to a new session, and as kept in the brief's file.

One model for all three. What only concerns the request is not kept. Unknown fields of another version's file are
ignored, and missing ones have a default.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, PlainSerializer

from handoff_sidecar.brief.beginning import Beginning
from handoff_sidecar.brief.prompt import Delivery, Start
from handoff_sidecar.opencode.handoff_metadata import HandoffMetadata
from handoff_sidecar.opencode.models import MessageID, Model, SessionID
from handoff_sidecar.session.facts import MAX_CHAIN

ModelByName = Annotated[
    Model | None,
    BeforeValidator(lambda value: Model.named(value) if isinstance(value, str) else value),
    PlainSerializer(lambda model: str(model) if model else None),
]
"""Written the way people write it: `provider/model (variant)`."""


class Handoff(BaseModel):
    """A handoff from one session to a new one.

    Attributes:
        from_title: the old session's title.
        created: ISO 8601, UTC.
        tokens: the prompt's length.
        chain: the sessions before the old one, oldest first.
        to_session: the session that was made; None until it has its prompt.
        worktree: the top folder of the project.
        id: in the new session's metadata, by which it is known.
        turn: the user message whose turn was handed off.
        automatic: how many automatic handoffs there are in a row without a message from the user; 0 for one that the
            user asked for.
        constraints: the rules, as the new session's metadata has them.
        said: likewise, what the user plainly said as rules.
        base: what of the title stays down the chain.
        permission: the old session's rules.
        reply: whether the new session's agent answers.
        instructions: the part of the prompt that the TUI does not show.
        beginning: what a handoff that follows at once hands on, kept with that part.
        beside: how many tokens go along beside the prompt and its instructions.
        goal: another such part, with all of a goal that the prompt shortens; empty where it doesn't.
        plan: another such part, with the plan that is to be implemented; empty where there is none.
        attached: how many files hang on the message `turn`, which go along with the prompt.
        prompt: the brief itself, the body of its file.
        topic: a title for a session that has none, if the goal doesn't give one.
        typed: what the person typed after the trigger, in which an agent and a model may be named.
        again: a turn that was handed off already is handed off anew, as a person asks for it.
        announcement: what the person is told, without a full stop; empty where they see it anyway.
        name: what has failed if it fails.
        retry: what the reader of an error can do.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    from_session: SessionID
    from_title: str = ""
    title: str = ""
    directory: str
    agent: str | None = None
    model: ModelByName = None
    created: str = ""
    tokens: int = 0
    chain: tuple[SessionID, ...] = ()
    to_session: SessionID | None = None

    worktree: str = ""
    id: str = Field(default_factory=lambda: secrets.token_hex(8))
    turn: str | None = None
    automatic: int = 0
    constraints: list[dict[str, JsonValue]] = Field(default_factory=list)
    said: list[dict[str, JsonValue]] = Field(default_factory=list)
    base: str = ""
    permission: list[dict[str, Any]] = Field(default_factory=list)
    delivery: Delivery = "send"
    reply: bool = True
    instructions: str = ""
    beginning: Beginning = Beginning()
    goal: str = ""
    plan: str = ""
    attached: int = 0

    prompt: str = Field(default="", exclude=True)
    beside: int = Field(default=0, exclude=True)
    topic: str = Field(default="", exclude=True)
    typed: str = Field(default="", exclude=True)
    start: Start = Field(default=Start.AS_ASKED, exclude=True)
    again: bool = Field(default=False, exclude=True)
    announcement: str = Field(default="", exclude=True)
    name: str = Field(default="session_handoff", exclude=True)
    retry: str = Field(default="call session_handoff again, or type `handoff`", exclude=True)

    @property
    def root(self) -> str:
        """The folder that stands for the project."""
        return self.worktree or self.directory

    @property
    def metadata(self) -> dict[str, Any]:
        """What the new session's metadata say of where it comes from."""
        recorded = HandoffMetadata(
            source=self.from_session,
            id=self.id,
            chain=[*self.chain, self.from_session][-MAX_CHAIN:],
            constraints=self.constraints or None,
            said=self.said or None,
            base=self.base or None,
            auto=self.automatic or None,
        )
        return {"handoff": recorded.written()}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a session is handed off automatically, and how the next one begins.

    Attributes:
        turn: the user message whose turn the handoff belongs to.
        announcement: what the user is told, without a full stop.
        automatic: how many such handoffs there are in a row, without a message from the user.
    """

    turn: MessageID | None
    start: Start
    announcement: str
    automatic: int

    def of(self, handoff: Handoff) -> Handoff:
        """The handoff for this cause."""
        return handoff.model_copy(
            update={"start": self.start, "announcement": self.announcement, "automatic": self.automatic}
        )

"""What is to be done about a session whose context fills up: pure decisions from what is known of it.

Who asks keeps the stage, looks at the session where a decision needs it, and carries out what was decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from handoff_sidecar.auto_handoff.sentences import FULL_FROM_THE_START, chain_too_long
from handoff_sidecar.auto_handoff.threshold import Points, used
from handoff_sidecar.brief.computed import requests_of
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import MessageID, Session
from handoff_sidecar.session.persons import writer_of

MOST_IN_A_ROW = 2
"""Automatic handoffs without a word of the user's between them; where more are needed, something goes in circles."""


class Stage(Enum):
    """How far a session is on its way to an automatic handoff."""

    WATCHED = auto()
    TOLD = auto()
    """In the middle of a turn, the agent was told to hand off."""

    ASKED = auto()
    """At the end of a turn, the agent was asked to."""

    OVER = auto()
    """Nothing more happens by itself."""


class Action(Enum):
    """What is to be done."""

    NOTHING = auto()
    LOOK = auto()
    """Look at the session, and ask again."""

    NOTICE = auto()
    """Tell the user how full the context is, once."""

    TELL = auto()
    """Tell the agent, in the request that comes now."""

    ASK = auto()
    """Ask the agent, in a turn of its own."""

    HAND_OFF = auto()
    """Hand off without the agent."""

    GIVE_UP = auto()
    """The session is OVER."""


@dataclass(frozen=True, slots=True)
class Look:
    """A session as it was seen.

    Attributes:
        messages: its newest ones, oldest first.
        is_whole: whether those are all.
        is_busy: whether a turn is under way.
        has_failed: whether OpenCode has told of an error since the agent was asked.
    """

    session: Session
    messages: list[Message]
    is_whole: bool
    is_busy: bool = False
    has_failed: bool = False

    @property
    def in_a_row(self) -> int:
        """How many automatic handoffs led here without a word of the user's."""
        return 0 if requests_of(self.messages) else self.session.handoff.auto or 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, and what the user is told of it; mostly nothing."""

    action: Action
    why: str = ""


def in_a_turn(stage: Stage, points: Points | None, tokens: int, look: Look | None = None) -> Decision:
    """What is to be done before the next request to the model."""
    if stage is not Stage.WATCHED:
        return Decision(Action.NOTHING)
    return _before_a_handoff(points, tokens, look) or Decision(Action.TELL)


def at_the_end_of_a_turn(stage: Stage, points: Points | None, tokens: int, look: Look | None = None) -> Decision:
    """What is to be done when OpenCode says that a session is idle, which may be a little early."""
    if stage is Stage.OVER:
        return Decision(Action.NOTHING)
    if stage is Stage.ASKED:
        return _after_the_question(look) if look else Decision(Action.LOOK)
    return _before_a_handoff(points, tokens, look) or _after_a_full_turn(stage, points, tokens, look)


def _before_a_handoff(points: Points | None, tokens: int, look: Look | None) -> Decision | None:
    """What is to be done in place of a handoff, or before it."""
    if points is None or not points.is_near(tokens):
        return Decision(Action.NOTHING)
    if not points.is_full(tokens):
        return Decision(Action.NOTICE)
    return Decision(Action.LOOK) if look is None else _obstacle(points, look)


def _obstacle(points: Points, look: Look) -> Decision | None:
    """Why the session is not handed off by itself, if there is a reason."""
    session = look.session
    if session.parent_id is not None or session.is_left:
        return Decision(Action.GIVE_UP)
    if session.revert is not None:
        # The user is about to write there, and could not take it back once the agent was asked.
        return Decision(Action.NOTHING)
    if look.in_a_row >= MOST_IN_A_ROW:
        return Decision(Action.GIVE_UP, chain_too_long(look.in_a_row))
    first = next((used(message.info.tokens) for message in look.messages if message.is_work), 0)
    return Decision(Action.GIVE_UP, FULL_FROM_THE_START) if look.is_whole and points.is_full(first) else None


def _after_a_full_turn(stage: Stage, points: Points | None, tokens: int, look: Look | None) -> Decision:
    last = look.messages[-1] if look and look.messages else None
    if look is None or last is None or last.info.role != "assistant" or not last.is_finished:
        return Decision(Action.NOTHING)
    if last.was_aborted:  # by a user who has said no, if the agent was told
        return Decision(Action.GIVE_UP if stage is Stage.TOLD else Action.NOTHING)
    if look.is_busy:
        return Decision(Action.NOTHING)
    # Beyond its own point OpenCode would compact before the agent is even asked.
    too_late = points is not None and points.compaction is not None and tokens >= points.compaction
    return Decision(Action.HAND_OFF if too_late or last.provider_failed else Action.ASK)


def _after_the_question(look: Look) -> Decision:
    """The turn in which the agent was to hand off has ended, or another that came between."""
    asked = question_in(look.messages)
    ids = [message.info.id for message in look.messages]
    since = look.messages[ids.index(asked) + 1 :] if asked else look.messages
    # Undone, as it can only be by a person, the question is answered.
    has_said_no = look.session.revert is not None or bool(requests_of(since))
    if has_said_no or look.session.is_left:
        return Decision(Action.GIVE_UP)
    if look.is_busy or not (since or look.has_failed) or (since and not since[-1].is_finished):
        return Decision(Action.NOTHING)
    return Decision(Action.GIVE_UP if since and since[-1].was_aborted else Action.HAND_OFF)


def question_in(messages: list[Message]) -> MessageID | None:
    """Our question to the agent, among the newest messages."""
    return next((message.info.id for message in reversed(messages) if writer_of(message) == "us"), None)

"""A handoff as it is wanted, by an agent, a person or a full context.

Knows nothing of how it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import Start
from handoff_sidecar.handoff.definition import SESSION_HANDOFF
from handoff_sidecar.handoff.gather import Gathered
from handoff_sidecar.opencode.models import MessageID


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a session is handed off without a person having asked for it, and how the next one begins.

    Attributes:
        turn: the user message whose turn the handoff belongs to.
        announcement: what the person is told, without a full stop.
        chain: how many such handoffs follow each other now without a word of the person.
    """

    turn: MessageID | None
    start: Start
    announcement: str
    chain: int


@dataclass(frozen=True, slots=True)
class Order:
    """A handoff as it is wanted.

    Attributes:
        notes: what the agent says, or what was computed in its place.
        topic: a title for a session that has none, if the goal doesn't give one.
        reply: whether the new session's agent answers the prompt.
        again: a turn that was handed off already is handed off anew, as a person asks for it.
        announcement: what the person is told, without a full stop; empty where they see it anyway.
        chain: see `Cause`; 0 for a handoff that a person asked for.
        name: what has failed if it fails.
        retry: what the reader of a failure can do.
    """

    notes: Notes
    topic: str = ""
    start: Start = Start.AS_ASKED
    reply: bool = True
    again: bool = False
    announcement: str = ""
    chain: int = 0
    name: str = SESSION_HANDOFF.name
    retry: str = f"call {SESSION_HANDOFF.name} again"


Plan = Callable[[Gathered], Order]
"""Decides on a handoff when it is known what the session holds; may raise HandoffFailed."""

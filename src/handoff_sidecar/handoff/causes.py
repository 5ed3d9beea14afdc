"""Why agents were told to hand off without a person having asked for it.

Owned by whoever makes the process's objects, written by the watch, and read when an agent's handoff is made.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.prompt import Start
from handoff_sidecar.opencode.models import MessageID, SessionID

REMEMBERED_CAUSES = 500


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a session is handed off without a person having asked for it, and how the next one begins.

    Attributes:
        turn: the user message whose turn the handoff belongs to.
        announcement: what the user is told, without a full stop.
        automatic: how many such handoffs follow each other now without a word of the user's.
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


class Causes:
    """The newest cause of each session."""

    def __init__(self) -> None:
        self._by_session: OrderedDict[SessionID, Cause] = OrderedDict()

    def remember(self, session_id: SessionID, cause: Cause) -> None:
        """The session's agent is told to hand off, for this cause."""
        self._by_session[session_id] = cause
        self._by_session.move_to_end(session_id)
        if len(self._by_session) > REMEMBERED_CAUSES:
            self._by_session.popitem(last=False)

    def of_turn(self, session_id: SessionID, turn: MessageID | None) -> Cause | None:
        """The cause, if it belongs to this turn of the session."""
        cause = self._by_session.get(session_id)
        return cause if cause is not None and cause.turn == turn else None

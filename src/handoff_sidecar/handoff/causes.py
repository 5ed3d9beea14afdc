"""Why agents were told to hand off although no user asked for it.

One object for the process: the watch writes to it, and the tool reads it when an agent hands off.
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


class Causes:
    """The newest cause of each session."""

    def __init__(self) -> None:
        self._by_session: OrderedDict[SessionID, Cause] = OrderedDict()

    def remember(self, session_id: SessionID, cause: Cause) -> None:
        """Remember why the session's agent was told to hand off."""
        self._by_session[session_id] = cause
        self._by_session.move_to_end(session_id)
        if len(self._by_session) > REMEMBERED_CAUSES:
            self._by_session.popitem(last=False)

    def of_turn(self, session_id: SessionID, turn: MessageID | None) -> Cause | None:
        """The session's cause, if it belongs to this turn."""
        cause = self._by_session.get(session_id)
        return cause if cause is not None and cause.turn == turn else None

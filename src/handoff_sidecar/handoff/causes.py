"""Why an agent was told to hand off although no user asked for it: the watch says so, and the tool reads it."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.prompt import Start
from handoff_sidecar.opencode.models import MessageID


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

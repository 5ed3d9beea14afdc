"""Old sessions that are the same for every handoff: what one leaves behind is removed before the next.

A handoff adds messages to the session that it is called in, marks it, and makes another one. Left there, a session
of 10 turns would be one of a hundred when it was handed off for the thirtieth time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.errors import MeasuringFailed
from benchmarks.stage import POLL_INTERVAL_S, OpenCode

NEWEST_MESSAGES = 100
"""That are compared each time: as many as a handoff reads, and more than it adds."""

PUT_BACK_TIMEOUT_S = 20.0
"""OpenCode sums a turn up after its end and stores its first message once more, a moment after it was deleted."""


@dataclass(frozen=True, slots=True)
class OldSession:
    """A session as it was before anything was measured.

    Attributes:
        messages: ids of all of them, oldest first.
        others: ids of all sessions that were there.
    """

    opencode: OpenCode
    session_id: str
    messages: tuple[str, ...]
    metadata: dict[str, Any]
    others: frozenset[str]

    @classmethod
    def seen(cls, opencode: OpenCode, session_id: str) -> Self:
        """The session as it is now."""
        messages = tuple(opencode.message_ids(session_id))
        metadata = opencode.session(session_id).get("metadata") or {}
        sessions = frozenset(opencode.session_ids())
        return cls(opencode, session_id, messages, metadata, sessions)

    def put_back(self) -> None:
        """Remove what came since then: messages, the mark, and new sessions.

        Raises:
            MeasuringFailed: it is not as it was.
        """
        deadline = time.monotonic() + PUT_BACK_TIMEOUT_S
        while not self._is_as_it_was():
            if time.monotonic() > deadline:
                raise MeasuringFailed(f"{self.session_id} could not be made what it was before a handoff")
            for made in set(self.opencode.session_ids()) - self.others:
                self.opencode.delete(f"/session/{made}")
            for message in set(self.opencode.message_ids(self.session_id, NEWEST_MESSAGES)) - set(self.messages):
                self.opencode.delete(f"/session/{self.session_id}/message/{message}")
            if self._metadata() != self.metadata:
                self.opencode.set_metadata(self.session_id, self.metadata)
            time.sleep(POLL_INTERVAL_S)

    def check(self) -> None:
        """Count all messages, which takes seconds for a long session.

        Raises:
            MeasuringFailed: there are more or fewer than there were.
        """
        count = len(self.opencode.message_ids(self.session_id))
        if count != len(self.messages):
            raise MeasuringFailed(
                f"{self.session_id} had {len(self.messages)} messages at first, and {count} at the end"
            )

    def _is_as_it_was(self) -> bool:
        newest = tuple(self.opencode.message_ids(self.session_id, NEWEST_MESSAGES))
        if newest != self.messages[-NEWEST_MESSAGES:] or self._metadata() != self.metadata:
            return False
        return self.others.issuperset(self.opencode.session_ids())

    def _metadata(self) -> dict[str, Any]:
        return self.opencode.session(self.session_id).get("metadata") or {}

"""What OpenCode tells, unasked, of the prompts that it stores: proof that one is there, without a question.

Owns which prompt is waited for. Does not know how it is told: over plain HTTP it is not, and who waits has to look.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from handoff_sidecar.opencode.models import Message, MessageID, MessageInfo, SessionID


@dataclass
class Receipt:
    """A prompt of so many parts that is on its way into a session."""

    parts: int
    _infos: dict[MessageID, MessageInfo] = field(default_factory=dict)
    _stored: dict[MessageID, set[str]] = field(default_factory=dict)

    @property
    def message(self) -> Message | None:
        """The user message that was stored with all its parts, which are left out here; None as long as it isn't."""
        complete = (info for name, info in self._infos.items() if len(self._stored.get(name, ())) >= self.parts)
        return next((Message(info=info) for info in complete), None)

    def message_stored(self, info: MessageInfo) -> None:
        """A message is there, as yet without parts."""
        if info.role == "user":
            self._infos.setdefault(info.id, info)

    def part_stored(self, message_id: MessageID, part_id: str) -> None:
        """A part of a message is there; may be told more than once."""
        self._stored.setdefault(message_id, set()).add(part_id)


class Receipts:
    """Those that are waited for, by session."""

    def __init__(self) -> None:
        self._expected: dict[SessionID, Receipt] = {}

    @contextmanager
    def expecting(self, session_id: SessionID, parts: int) -> Iterator[Receipt]:
        """The receipt of a prompt that is sent meanwhile; a session gets one at a time."""
        receipt = self._expected[session_id] = Receipt(parts)
        try:
            yield receipt
        finally:
            del self._expected[session_id]

    def message_stored(self, info: MessageInfo) -> None:
        """OpenCode has stored a message; one that nobody waits for is nothing to us."""
        if (receipt := self._expected.get(info.session_id)) is not None:
            receipt.message_stored(info)

    def part_stored(self, session_id: SessionID, message_id: MessageID, part_id: str) -> None:
        """OpenCode has stored a part of a message."""
        if (receipt := self._expected.get(session_id)) is not None:
            receipt.part_stored(message_id, part_id)

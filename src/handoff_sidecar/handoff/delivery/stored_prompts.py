"""Events about stored prompts: they prove that a prompt is stored, without asking.

Owns which prompt is waited for. Does not know how it is told: over plain HTTP it is not, and who waits has to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from handoff_sidecar.opencode.messages import Message, MessageInfo
from handoff_sidecar.opencode.models import MessageID, SessionID


@dataclass
class ExpectedPrompt:
    """A prompt of a number of parts that is being sent to a session.

    Attributes:
        then: called once, when it is stored.
        message: the user message that was stored with all its parts, which are left out here; None until then.
    """

    parts: int
    then: Callable[[], None]
    message: Message | None = None
    _infos: dict[MessageID, MessageInfo] = field(default_factory=dict)
    _stored: dict[MessageID, set[str]] = field(default_factory=dict)

    def message_stored(self, info: MessageInfo) -> None:
        """A message was stored, still without parts."""
        if info.role == "user":
            self._infos.setdefault(info.id, info)
            self._look(info.id)

    def part_stored(self, message_id: MessageID, part_id: str) -> None:
        """A part of a message was stored; may be reported more than once."""
        self._stored.setdefault(message_id, set()).add(part_id)
        self._look(message_id)

    def _look(self, message_id: MessageID) -> None:
        info, stored = self._infos.get(message_id), self._stored.get(message_id, ())
        if self.message is None and info is not None and len(stored) >= self.parts:
            self.message = Message(info=info)
            self.then()


class StoredPrompts:
    """The prompts that are being waited for, by session."""

    def __init__(self) -> None:
        self._expected: dict[SessionID, ExpectedPrompt] = {}

    @contextmanager
    def expecting(self, session_id: SessionID, parts: int, then: Callable[[], None]) -> Iterator[ExpectedPrompt]:
        """Wait for a prompt that is sent meanwhile; one per session at a time."""
        expected = self._expected[session_id] = ExpectedPrompt(parts, then)
        try:
            yield expected
        finally:
            del self._expected[session_id]

    def message_stored(self, info: MessageInfo) -> None:
        """OpenCode has stored a message; ignored if nobody waits for it."""
        if (expected := self._expected.get(info.session_id)) is not None:
            expected.message_stored(info)

    def part_stored(self, session_id: SessionID, message_id: MessageID, part_id: str) -> None:
        """OpenCode has stored a part of a message."""
        if (expected := self._expected.get(session_id)) is not None:
            expected.part_stored(message_id, part_id)

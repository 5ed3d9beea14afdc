"""Events about stored prompts: they prove that a prompt is stored, without asking.

Owns which prompt is waited for. Does not know how it is told: over plain HTTP it is not, and who waits has to look.
"""

from __future__ import annotations

from collections import defaultdict
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
    then: Callable[[], object]
    message: Message | None = None
    infos: dict[MessageID, MessageInfo] = field(default_factory=dict)
    stored: defaultdict[MessageID, set[str]] = field(default_factory=lambda: defaultdict(set))

    def look(self, message_id: MessageID) -> None:
        """See whether this message is there with all its parts."""
        info = self.infos.get(message_id)
        if self.message is None and info is not None and len(self.stored[message_id]) >= self.parts:
            self.message = Message(info=info)
            self.then()


class StoredPrompts:
    """The prompts that are being waited for, by session."""

    def __init__(self) -> None:
        self._expected: dict[SessionID, ExpectedPrompt] = {}

    @contextmanager
    def expecting(self, session_id: SessionID, parts: int, then: Callable[[], object]) -> Iterator[ExpectedPrompt]:
        """Wait for a prompt that is sent meanwhile; one per session at a time."""
        expected = self._expected[session_id] = ExpectedPrompt(parts, then)
        try:
            yield expected
        finally:
            del self._expected[session_id]

    def message_stored(self, info: MessageInfo) -> None:
        """OpenCode has stored a message, still without parts; ignored if nobody waits for it."""
        if info.role == "user" and (expected := self._expected.get(info.session_id)) is not None:
            expected.infos.setdefault(info.id, info)
            expected.look(info.id)

    def part_stored(self, session_id: SessionID, message_id: MessageID, part_id: str) -> None:
        """OpenCode has stored a part of a message; may be reported more than once."""
        if (expected := self._expected.get(session_id)) is not None:
            expected.stored[message_id].add(part_id)
            expected.look(message_id)

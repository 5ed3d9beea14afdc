"""A watch, and an OpenCode whose session fills up."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fake_opencode import FakeOpenCode, assistant_message, user_message

from handoff_sidecar.auto_handoff.model_limits import Capacity
from handoff_sidecar.auto_handoff.threshold import OUTPUT_TOKENS_MAX
from handoff_sidecar.auto_handoff.watch import Sighting, Watch
from handoff_sidecar.call import background
from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
DIRECTORY = "/home/ada/dashboard"
NOTICE, POINT, COMPACTION = 140_000, 160_000, 192_000


def tokens(total: int) -> dict[str, Any]:
    return {"tokens": {"total": total}, "time": {"created": 1, "completed": 2}}


class Rig:
    """A watch with an OpenCode in which one session has had a first step and is in its second turn."""

    def __init__(self, folder: Path) -> None:
        self.opencode = FakeOpenCode()
        self.session_handoff = SessionHandoff(
            journal=Journal(folder), tokenizer=TOKENIZER, now=lambda: datetime.now(UTC)
        )
        self.capacity = Capacity(OUTPUT_TOKENS_MAX)
        self.watch = Watch(self.session_handoff, self.capacity)
        self.settings: dict[str, Any] = {"auto_handoff_threshold": 80}
        self._numbers = itertools.count(1)
        self.add()

    def add(self, session_id: str = "ses_old", **fields: Any) -> None:
        self.opencode.add_session(session_id, **fields)
        self.says(user_message, "fix the login", session_id)
        self.says(assistant_message, "done", session_id, **tokens(20_000))
        self.says(user_message, "fix the logout", session_id)

    def says(self, who: Any, text: str, session_id: str = "ses_old", **info: Any) -> None:
        self.opencode.messages[session_id].append(who(next(self._numbers), text, **info))

    def ends(self, total: int, **info: Any) -> None:
        self.says(assistant_message, "so far", **{**tokens(total), **info})

    def scene(self, session_id: str = "ses_old") -> Scene:
        context = ToolContext.model_validate({"sessionID": session_id, "directory": DIRECTORY})
        return Scene(context, self.opencode.client(), Settings(**self.settings), "tui")

    async def step(self, total: Any, session_id: str = "ses_old") -> str | None:
        told = await self.watch.step(self._sighting(total, session_id), self.scene(session_id))
        await all_told()
        return told

    async def idle(self, total: Any = POINT, session_id: str = "ses_old") -> None:
        await self.watch.idle(self._sighting(total, session_id), self.scene(session_id))
        await all_told()

    def _sighting(self, total: Any, session_id: str) -> Sighting:
        turn = self.opencode.messages[session_id][-1]["info"]["id"] if session_id in self.opencode.messages else None
        figures = total if isinstance(total, dict) else {"total": total}
        return Sighting.model_validate(
            {"sessionID": session_id, "providerID": "scripted", "modelID": "m1", "tokens": figures, "turn": turn}
        )

    @property
    def toasts(self) -> list[str]:
        return [toast["message"] for toast in self.opencode.toasts]

    @property
    def asked(self) -> list[str]:
        """The questions that stand in the old session."""
        return [
            part["text"]
            for message in self.opencode.messages["ses_old"]
            for part in message["parts"]
            if part.get("synthetic")
        ]


async def all_told() -> None:
    """Toasts are shown in the background."""
    while background._under_way:  # noqa: SLF001  # nothing else tells when the last one is shown
        await asyncio.wait(background._under_way)  # noqa: SLF001  # as above
        await asyncio.sleep(0)

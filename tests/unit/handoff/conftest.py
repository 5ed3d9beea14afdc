"""A session that an agent hands off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fake_opencode import SCRIPTED, FakeOpenCode, assistant_message, tool_part, user_message
from handoff_support import CONTEXT, SUMMARY, TOKENIZER, HandOff

from handoff_sidecar.call.context import Mode, Scene, ToolResult
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.settings import Settings


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(
        permission=[{"permission": "edit", "pattern": "*", "action": "deny"}],
        metadata={"someone": {"else": 1}},
    )
    fake.messages["ses_old"] = [
        user_message(1, "fix the login", agent="plan", model={**SCRIPTED, "variant": "high"}),
        assistant_message(
            2, "done", tool_part("write", input={"filePath": "/home/ada/dashboard/src/a.ts"}), agent="plan"
        ),
    ]
    return fake


@pytest.fixture
def hand_off(opencode: FakeOpenCode, journal: Journal) -> HandOff:
    tool = SessionHandoff(journal=journal, tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))

    async def call(arguments: dict[str, Any] | None = None, *, mode: Mode = "tui", **settings: Any) -> ToolResult:
        scene = Scene(CONTEXT, opencode.client(), Settings(**settings), mode)
        return await tool(SUMMARY if arguments is None else arguments, scene)

    return call

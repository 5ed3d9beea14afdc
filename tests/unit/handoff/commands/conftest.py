from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import SCRIPTED, FakeOpenCode, assistant_message, user_message
from resume_support import DENIED, Resume, scene, session_handoff

from handoff_sidecar.call.context import ToolResult
from handoff_sidecar.handoff.commands.resume import HandoffResume
from handoff_sidecar.handoff.delivery import interrupted
from handoff_sidecar.journal.journal import Journal


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupted, "OFFER_DELAY_S", 0.0)


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(permission=DENIED)
    fake.add_session("ses_here", title="here")
    fake.messages["ses_old"] = [
        user_message(1, "fix the login", agent="plan", model={**SCRIPTED, "variant": "high"}),
        assistant_message(2, "done", agent="plan", variant="high"),
    ]
    return fake


@pytest.fixture
def resume(opencode: FakeOpenCode, journal: Journal) -> Resume:
    command = HandoffResume(session_handoff(journal))

    async def call(name: str = "", **how: Any) -> ToolResult:
        return await command(name, scene(opencode, **how))

    return call

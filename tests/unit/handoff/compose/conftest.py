"""A session in a folder that is there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, user_message
from project_support import RULE, HandOff

from handoff_sidecar.call.context import Mode, SaidIn, Scene, ToolContext, ToolResult, nothing_said
from handoff_sidecar.handoff.delivery import screen
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "src" / "a.ts").write_text("x")
    return tmp_path / "project"


@pytest.fixture
def opencode(project: Path) -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(directory=str(project))
    fake.messages["ses_old"] = [user_message(1, f"Fix the login. {RULE}"), assistant_message(2, "done")]
    return fake


@pytest.fixture
def hand_off(opencode: FakeOpenCode, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandOff:
    monkeypatch.setattr(screen, "INPUT_BOX_PAUSE_S", 0)
    tool = SessionHandoff(journal=Journal(tmp_path / "briefs"), tokenizer=Tokenizer(), now=lambda: datetime.now(UTC))

    async def call(
        session: str = "ses_old",
        *,
        mode: Mode = "tui",
        settings: dict[str, Any] | None = None,
        said_in: SaidIn = nothing_said,
        **arguments: Any,
    ) -> ToolResult:
        context = {"sessionID": session, "agent": "plan", "directory": str(project), "worktree": str(project)}
        place = ToolContext.model_validate(context)
        scene = Scene(place, opencode.client(str(project)), Settings(**(settings or {})), mode, said_in)
        return await tool({"summary": "Login works.", **arguments}, scene)

    return call

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_opencode import FakeOpenCode, user_message

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.cli.remote import preview_from_outside
from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.opencode import server_connection
from handoff_sidecar.opencode.server import ServerAddress

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def opencode(monkeypatch: pytest.MonkeyPatch) -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(metadata={"handoff": {"from": "ses_first", "constraints": [{"text": "no ORM", "verbatim": True}]}})
    fake.messages["ses_old"] = [user_message(1, "fix the login"), user_message(2, "handoff")]

    monkeypatch.setattr(server_connection, "over_http", lambda _url, **_: fake.http())
    return fake


async def look(session_id: str, config: Path) -> Handoff:
    return await preview_from_outside(session_id, ServerAddress("http://fake"), config=config, now=NOW)


async def test_a_preview_is_the_brief_that_would_be_kept_and_changes_nothing(
    opencode: FakeOpenCode, tmp_path: Path
) -> None:
    handoff = await look("ses_old", tmp_path)
    printed = handoff.prompt

    assert (handoff.from_session, handoff.title, handoff.to_session) == ("ses_old", "Handoff: Auth flow", None)
    assert '- "fix the login"\n' in printed
    assert '- "handoff"' not in printed
    assert '**Constraints:**\n- "no ORM"\n' in printed
    assert {method for method, _, _ in opencode.requests} == {"GET"}
    assert [path for _, path, _ in opencode.requests][:2] == ["/global/health", "/session/ses_old"]


async def test_an_unknown_session_and_a_subagents_are_named(opencode: FakeOpenCode, tmp_path: Path) -> None:
    opencode.add_session("ses_sub", parentID="ses_old")

    with pytest.raises(HandoffSidecarError, match="there is no session `ses_gone`"):
        await look("ses_gone", tmp_path)
    with pytest.raises(HandoffSidecarError, match=r"ses_sub is a subagent's session.*Pass its parent: ses_old"):
        await look("ses_sub", tmp_path)

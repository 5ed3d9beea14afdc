from __future__ import annotations

from pathlib import Path

import pytest
from fake_opencode import FakeOpenCode, user_message

from handoff_sidecar.cli import index as command
from handoff_sidecar.cli.index import rebuild, state_of
from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.opencode import server_connection
from handoff_sidecar.opencode.server import SERVE_URL, ServerAddress

DIRECTORY = "/home/ada/dashboard"


@pytest.fixture(autouse=True)
def opencode(monkeypatch: pytest.MonkeyPatch) -> FakeOpenCode:
    fake = FakeOpenCode()
    for name in ("ses_one", "ses_two"):
        fake.add_session(name)
        fake.messages[name] = [user_message(number, f"port {number}") for number in range(30)]
    monkeypatch.setattr(server_connection, "over_http", lambda _url, **_: fake.http())
    return fake


async def test_what_an_index_holds_is_shown_and_that_there_is_none(tmp_path: Path) -> None:
    (none,) = state_of(tmp_path)
    assert none.startswith(f"There is no index in {tmp_path / 'index'} yet.")
    made = await rebuild(ServerAddress(SERVE_URL), DIRECTORY, tmp_path)
    (line,) = state_of(tmp_path)
    assert line.startswith(f"{DIRECTORY}: 2 sessions, 60 messages, 0.0 MB of text (")
    assert made.split(" (")[0] == line.split(" (")[0]


async def test_an_index_is_made_anew_with_a_bar_where_a_person_looks_on(
    tmp_path: Path, opencode: FakeOpenCode, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    del opencode.sessions["ses_two"]
    line = await rebuild(ServerAddress(SERVE_URL), DIRECTORY, tmp_path)
    assert "1 session, 30 messages" in line
    assert capsys.readouterr().err.endswith(f"[{'#' * command.BAR_COLUMNS}] 1 of 1\n")


async def test_a_python_without_fts5_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "why_no_index", lambda: "its SQLite 3.40 was built without FTS5")
    assert "without FTS5" in next(state_of(tmp_path))
    with pytest.raises(HandoffSidecarError, match="without FTS5"):
        await rebuild(ServerAddress(SERVE_URL), DIRECTORY, tmp_path)

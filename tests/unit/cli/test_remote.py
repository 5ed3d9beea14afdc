from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, user_message

from handoff_sidecar.cli import main
from handoff_sidecar.cli.remote import on_the_command_line, read_from_outside
from handoff_sidecar.errors import ToolFailed
from handoff_sidecar.opencode import server_connection
from handoff_sidecar.opencode.server import SERVE_URL, ServerAddress
from handoff_sidecar.reading.definition import ReadSession


@pytest.fixture(autouse=True)
def _opencode(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeOpenCode()
    fake.add_session("ses_old")
    fake.messages["ses_old"] = [user_message(number, f"port {number}") for number in range(30)]
    monkeypatch.setattr(server_connection, "over_http", lambda _url, **_: fake.http())


async def read(config: Path, url: str = SERVE_URL, **arguments: Any) -> str:
    asked = ReadSession.model_validate(arguments)
    answer = await read_from_outside(
        asked, ServerAddress(url), config=config, cache=config, directory="/home/ada/dashboard"
    )
    return f"{answer.about} {answer.said}"


async def test_the_next_call_goes_to_the_same_server(tmp_path: Path) -> None:
    elsewhere = await read(tmp_path, "http://127.0.0.1:7777", session_id="ses_old", limit=1)

    assert "`handoff-sidecar read ses_old --before msg_0028 --limit 1 --url http://127.0.0.1:7777`" in elsewhere
    assert "--before msg_0028 --limit 1`" in await read(tmp_path, session_id="ses_old", limit=1)


def test_a_call_that_is_copied_means_what_it_says() -> None:
    call = on_the_command_line(ServerAddress("http://h:1")).call(
        {"session_id": "ses_a", "query": "it's $HOME", "file": "-x"}
    )

    parsed = main.parser().parse_args(shlex.split(call.strip("`"))[1:])

    assert (parsed.session, parsed.query, parsed.file, parsed.url) == ("ses_a", "it's $HOME", "-x", "http://h:1")


async def test_the_command_line_speaks_of_its_own_options(tmp_path: Path) -> None:
    assert "1 is listed. Give a --query to search them." in await read(tmp_path, session_id="all")
    found = await read(tmp_path, session_id="all", query="port")
    assert "To read one: `handoff-sidecar read ID --query port`; add --before to read up to" in found
    for others in ({}, {"query": "port"}):
        with pytest.raises(ToolFailed, match=r"^--before must be the id of a message in session `ses_old`"):
            await read(tmp_path, session_id="ses_old", before="msg_x", **others)

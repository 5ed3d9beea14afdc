"""The sidecar's methods but the calls of tools and commands: its greeting, events, and what it says of itself."""

from __future__ import annotations

import asyncio
import json
import os
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_opencode import SCRIPTED, FakeOpenCode, assistant_message, user_message
from unit.sidecar.conftest import CONTEXT, DIRECTORY, PLACE, call, hello

from handoff_sidecar.call import toasts
from handoff_sidecar.rpc.connection import Connection
from handoff_sidecar.rpc.errors import RpcError
from handoff_sidecar.search import coverage
from handoff_sidecar.search.index_file import Index
from handoff_sidecar.sidecar import app
from handoff_sidecar.sidecar.app import _output_tokens_max
from handoff_sidecar.sidecar.trigger_file import TRIGGER_FILE


async def test_a_prompt_that_the_shim_has_told_of_is_not_read_back(shim: Connection, opencode: FakeOpenCode) -> None:
    await hello(shim)

    async def tell(request: httpx.Request) -> None:
        if request.url.path.endswith("prompt_async"):
            place = {"sessionID": request.url.path.split("/")[2]}
            info = {"id": "msg_1", **place, "role": "user", "agent": "build", "model": SCRIPTED}
            shim.notify("event", {"type": "message.updated", "info": info})
            for name in ("prt_1", "prt_2"):
                part = {"id": name, **place, "messageID": "msg_1"}
                shim.notify("event", {"type": "message.part.updated", "part": part})

    opencode.intercept = tell

    await call(shim, "session_handoff", {"summary": "Login works."})

    (new,) = opencode.made()
    assert [path for method, path, _ in opencode.requests if method == "GET" and new["id"] in path] == []


async def test_initialize_answers_with_version_and_trigger_pattern(shim: Connection) -> None:
    answer = await hello(shim)

    assert answer["server"]["name"] == "handoff-sidecar"
    assert re.search(answer["triggerPattern"]["source"], "Handoff: x", re.IGNORECASE)


async def test_another_protocol_is_refused_with_both_numbers(shim: Connection) -> None:
    with pytest.raises(RpcError, match=r"protocol 2 .* protocol 1: run `handoff-sidecar install` again") as caught:
        await hello(shim, protocolVersion=2)
    assert caught.value.code == -32001


async def test_a_typed_trigger_is_answered_with_what_the_agent_is_to_do(shim: Connection) -> None:
    message = {"sessionID": "ses_old", "messageID": "msg_9", "directory": DIRECTORY, "partIDs": [PART]}

    told: Any = await shim.request("message/received", {**message, "text": '"handoff fix the tests"'}, timeout_s=20)
    ordinary = await shim.request("message/received", {**message, "text": "handoff is broken"}, timeout_s=20)

    part = told["part"]
    assert "fix the tests" in part.pop("text")
    assert part.pop("id") > PART
    assert part.pop("metadata") == {"handoff": {"typed": '"handoff fix the tests"'}}
    assert part == {"sessionID": "ses_old", "messageID": "msg_9", "type": "text", "synthetic": True}
    assert ordinary == {"part": None}


async def test_a_screen_that_is_slow_to_show_a_bad_setting_does_not_hold_up_a_request_to_the_model(
    shim: Connection, opencode: FakeOpenCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toasts, "TOAST_TIMEOUT_S", 60)
    asked_for, shown = asyncio.Event(), asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/tui/show-toast":
            asked_for.set()
            await shown.wait()
        return None

    opencode.intercept = slow
    (tmp_path / "config").mkdir()
    settings = {"open": "sideways", "auto_handoff_threshold": 80}
    (tmp_path / "config" / "handoff.json").write_text(json.dumps(settings))
    await hello(shim)

    told: Any = await shim.request("session/step", {"context": PLACE, "sighting": SIGHTING}, timeout_s=20)

    assert "80 % full" in told["part"]["text"]
    async with asyncio.timeout(20):
        await asked_for.wait()
    assert opencode.toasts == []
    shown.set()


@pytest.mark.parametrize(("version", "noted"), [("1.18.33", 0), ("1.15.13", 0), ("1.99.0", 1), ("local", 1)])
async def test_an_opencode_that_was_not_tried_is_noted_in_the_log(
    shim: Connection, opencode: FakeOpenCode, caplog: pytest.LogCaptureFixture, version: str, noted: int
) -> None:
    opencode.version = version

    await hello(shim)

    assert caplog.text.count(f"OpenCode {version} was not tried") == noted


async def test_an_opencode_that_never_tells_its_version_holds_nothing_up(
    shim: Connection, opencode: FakeOpenCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "VERSION_TIMEOUT_S", 0.01)

    async def silent(request: httpx.Request) -> None:
        if request.url.path == "/global/health":
            await asyncio.Event().wait()

    opencode.intercept = silent

    assert "triggerPattern" in await hello(shim)


async def test_what_a_person_does_to_a_mark_is_written_into_it(shim: Connection, opencode: FakeOpenCode) -> None:
    await hello(shim)
    opencode.sessions["ses_old"]["metadata"] = {"handoff": {"to": "ses_gone", "of": "ses_old", "at": 1_000}}

    await shim.request("session/mark", {"context": PLACE, "mark": {"lifted": 2_000}}, timeout_s=20)

    assert opencode.sessions["ses_old"]["metadata"]["handoff"]["lifted"] == 2_000


async def test_shutdown_ends_the_sidecar(shim: Connection) -> None:
    assert await shim.request("shutdown", {}, timeout_s=20) is None


SIGHTING = {
    "sessionID": "ses_old",
    "turn": "msg_1",
    "providerID": "scripted",
    "modelID": "m1",
    "tokens": {"total": 160_000},
}
PART = "prt_2074d800b001JIr75A9yjVMUx4"


@pytest.mark.parametrize(("mode", "is_watched"), [("tui", True), ("serve", True), ("run", False), ("other", False)])
async def test_sessions_are_watched_only_where_a_person_can_be(
    shim: Connection, mode: str, *, is_watched: bool
) -> None:
    assert (await hello(shim, mode=mode))["watches"] is is_watched


async def test_a_directory_that_is_opened_gets_the_floors_of_its_models(shim: Connection) -> None:
    await hello(shim)

    answer = await shim.request("directory/opened", {"directory": DIRECTORY, "worktree": "/"}, timeout_s=20)

    assert answer == {"floors": {"scripted/m1": 160_000}, "points": {"scripted/m1": [192_000, None]}}


async def test_the_agent_of_a_full_session_is_told_and_the_end_of_its_turn_is_heard(
    shim: Connection, opencode: FakeOpenCode, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handoff.json").write_text('{"auto_handoff_threshold": 80}')
    opencode.messages["ses_old"][-1]["info"]["tokens"] = {"total": 20_000}
    opencode.messages["ses_old"] += [user_message(3, "go on"), assistant_message(4, "", tokens={"total": 192_000})]
    opencode.messages["ses_old"][-1]["info"]["time"]["completed"] = 2
    moved = asyncio.Event()

    async def intercept(request: httpx.Request) -> None:
        if request.url.path == "/tui/select-session":
            moved.set()

    opencode.intercept = intercept
    await hello(shim)
    place = {"context": PLACE, "sighting": SIGHTING}

    told: Any = await shim.request("session/step", place, timeout_s=20)
    seen = {"context": PLACE, "sighting": {**SIGHTING, "tokens": {"total": 192_000}}}
    for kind in ("session.error", "session.idle"):
        shim.notify("event", {"type": kind, **seen})

    assert "80 % full" in told["part"]["text"]
    assert told["part"]["messageID"] == SIGHTING["turn"]
    async with asyncio.timeout(20):
        await moved.wait()
    assert [new["metadata"]["handoff"]["from"] for new in opencode.made()] == ["ses_old"]


async def test_a_compaction_is_told_what_to_keep_and_whether_to_go_on(shim: Connection, opencode: FakeOpenCode) -> None:
    await hello(shim)

    keep: Any = await shim.request("session/compacting", {"context": PLACE}, timeout_s=20)
    goes_on = await shim.request("session/continue", {"context": PLACE}, timeout_s=20)
    opencode.sessions["ses_old"]["metadata"] = {"handoff": {"to": "ses_new", "turn": "msg_0001"}}
    stays = await shim.request("session/continue", {"context": PLACE}, timeout_s=20)

    assert '- "fix the login"' in keep["context"][0]
    assert (goes_on, stays) == ({"enabled": True}, {"enabled": False})


async def test_a_persons_own_words_trigger_too(shim: Connection, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handoff.json").write_text('{"trigger_words": ["übergabe"]}')

    pattern = (await hello(shim))["triggerPattern"]["source"]
    message = {
        "sessionID": "ses_old",
        "messageID": "msg_9",
        "text": "Übergabe: die Tests",
        "directory": DIRECTORY,
    }
    told: Any = await shim.request("message/received", message, timeout_s=20)

    assert re.search(pattern, "Übergabe: die Tests", re.IGNORECASE)
    assert re.search(pattern, "handoff", re.IGNORECASE)
    assert "die Tests" in told["part"]["text"]


async def test_a_persons_own_words_are_left_for_the_shim_and_nothing_where_there_are_none(
    shim: Connection, tmp_path: Path
) -> None:
    await hello(shim)
    assert not (tmp_path / "state" / TRIGGER_FILE).exists()
    settings = tmp_path / "config" / "handoff.json"
    settings.parent.mkdir()
    settings.write_text('{"trigger_words": ["übergabe"]}')

    answer = await hello(shim)

    file = tmp_path / "state" / TRIGGER_FILE
    left = json.loads(file.read_text())
    assert left == {
        **answer["triggerPattern"],
        "path": str(settings),
        "bytes": settings.stat().st_size,
        "time": settings.stat().st_mtime_ns // 1_000_000,
    }
    assert os.name == "nt" or file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("version", "looks_new", "said"),
    [
        ("1.14.48", True, "OpenCode 1.14.48 is too old for handoff-sidecar, which needs 1.15.13"),
        (None, False, "This OpenCode is too old"),
        (None, True, None),
        ("1.99.0", False, None),
        ("0.0.0-dev-202611230000", True, None),
    ],
)
async def test_an_opencode_that_is_too_old_is_told_so_in_place_of_all_else(
    shim: Connection, opencode: FakeOpenCode, version: str | None, looks_new: object, said: str | None
) -> None:
    opencode.version = version

    answer = await hello(shim, openCode={"looksNew": looks_new})

    assert ("triggerPattern" in answer) is (said is None)
    assert answer.get("refusal", "").startswith(said or "")


def test_the_longest_answer_is_opencodes_own_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCODE_EXPERIMENTAL_OUTPUT_TOKEN_MAX", "64000")
    assert _output_tokens_max() == 64_000
    monkeypatch.setenv("OPENCODE_EXPERIMENTAL_OUTPUT_TOKEN_MAX", "many")
    assert _output_tokens_max() == 32_000


async def test_a_session_of_a_chain_is_indexed_at_the_end_of_its_turn_and_goes_when_it_is_deleted(
    shim: Connection, opencode: FakeOpenCode, tmp_path: Path
) -> None:
    await hello(shim)
    opencode.sessions["ses_old"]["metadata"] = {"handoff": {"from": "ses_older"}}
    shim.notify("event", {"type": "session.idle", "context": CONTEXT, "sighting": {"sessionID": "ses_old"}})
    index = await until_held(tmp_path, "ses_old", holds=True)
    info = opencode.sessions.pop("ses_old")
    shim.notify("event", {"type": "session.deleted", "directory": DIRECTORY, "info": info})
    assert index == await until_held(tmp_path, "ses_old", holds=False)


async def test_no_index_is_made_where_the_person_does_not_want_one(
    shim: Connection, opencode: FakeOpenCode, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handoff.json").write_text('{"index": false}')
    await hello(shim)
    opencode.sessions["ses_old"]["metadata"] = {"handoff": {"from": "ses_older"}}
    shim.notify("event", {"type": "session.idle", "context": CONTEXT, "sighting": {"sessionID": "ses_old"}})
    assert (await call(shim, "read_session", {"session_id": "ses_old", "query": "login"}))["output"]
    assert not (tmp_path / "cache").exists()


async def until_held(folder: Path, session_id: str, *, holds: bool) -> Path:
    """Wait until an index holds a session, or no longer does; the index's file."""
    async with asyncio.timeout(20):
        while True:
            for file in (folder / "cache" / "index").glob("*.db"):
                with closing(Index(file)) as index:
                    if bool(index.read(lambda db: coverage.coverage_of(db, session_id).messages)) == holds:
                        return file
            await asyncio.sleep(0.01)

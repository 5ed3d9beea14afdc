"""Tools and commands through the sidecar: what they come to, what is told, and what is logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_opencode import FakeOpenCode
from unit.sidecar.conftest import PLACE, call, command, hello

from handoff_sidecar.rpc.connection import Connection
from handoff_sidecar.rpc.errors import RpcError


async def test_a_handoff_and_a_read_of_what_was_handed_off(shim: Connection, opencode: FakeOpenCode) -> None:
    await hello(shim)

    made = await call(shim, "session_handoff", {"summary": "Login works."})
    read = await call(shim, "read_session", {}, sessionID=made["metadata"]["sessionID"])

    (new,) = opencode.made()
    assert opencode.selected == [new["id"]]
    assert read["metadata"]["sessionID"] == "ses_old"
    assert "fix the login" in read["output"]


async def test_a_failed_tool_tells_the_model_and_the_person_the_same(shim: Connection, opencode: FakeOpenCode) -> None:
    await hello(shim)
    del opencode.sessions["ses_old"]

    with pytest.raises(RpcError) as caught:
        await call(shim, "session_handoff", {"summary": "Login works."})

    assert caught.value.code == -32020
    assert caught.value.message.endswith(" (in the log under call_1)")
    assert [(toast["variant"], toast["message"]) for toast in opencode.toasts] == [("error", caught.value.message)]


async def test_what_a_model_can_correct_by_itself_is_not_shown_to_the_person(
    shim: Connection, opencode: FakeOpenCode
) -> None:
    await hello(shim)

    with pytest.raises(RpcError, match="`summary`"):
        await call(shim, "session_handoff", {})

    assert opencode.toasts == []


async def test_a_bad_setting_is_told_once_and_the_handoff_is_made(
    shim: Connection, opencode: FakeOpenCode, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handoff.json").write_text(json.dumps({"open": "sideways"}))
    await hello(shim)

    await call(shim, "session_handoff", {"summary": "x"})
    await call(shim, "read_session", {"session_id": "ses_old"})

    (toast,) = opencode.toasts
    assert '`open` can\'t be "sideways"' in toast["message"]
    assert len(opencode.made()) == 1


@pytest.mark.parametrize("params", [{}, {"name": "session_handoff", "context": {}}, {"name": 5}])
async def test_a_call_without_what_it_needs_is_refused_by_name(shim: Connection, params: dict[str, Any]) -> None:
    with pytest.raises(RpcError) as caught:
        await shim.request("tool/call", params, timeout_s=20)
    assert caught.value.code == -32602


async def test_a_failed_call_is_found_in_the_log_by_the_id_that_was_told(
    shim: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await hello(shim)

    with pytest.raises(RpcError, match=r"\(in the log under call_42\)"):
        await call(shim, "read_session", {}, callID="call_42")

    lines = [record.getMessage() for record in caplog.records if "call_42" in record.getMessage()]
    assert lines[0] == "read_session: call call_42 in ses_old"
    assert lines[1].startswith("read_session: call call_42 failed: ")


async def test_a_command_is_in_the_log_with_what_it_made_and_without_what_was_typed(
    shim: Connection, opencode: FakeOpenCode, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await hello(shim)

    await command(shim, "handoff-now", "the secret plan")
    await command(shim, "handoff-resume", "the secret plan")

    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("/")]
    assert lines == [
        "/handoff-now in ses_old",
        f"/handoff-now in ses_old made {opencode.made()[0]['id']}",
        "/handoff-resume in ses_old",
        "/handoff-resume in ses_old failed: HandoffFailed",
    ]
    assert "secret" not in caplog.text


@pytest.mark.parametrize("arguments", ["the secret plan", {"goal": "the secret plan"}])
async def test_what_was_said_does_not_get_into_the_log_with_an_error(
    shim: Connection, caplog: pytest.LogCaptureFixture, arguments: object
) -> None:
    caplog.set_level("INFO")
    await hello(shim)

    with pytest.raises(RpcError):
        await call(shim, "session_handoff", arguments)

    assert "session_handoff" in caplog.text or "tool/call" in caplog.text
    assert "secret" not in caplog.text


async def test_handoff_now_says_what_was_made_or_why_nothing_was(shim: Connection, opencode: FakeOpenCode) -> None:
    await hello(shim)
    command = {"name": "handoff-now", "arguments": "", "context": PLACE}

    made: Any = await shim.request("command/execute", command, timeout_s=20)
    no_agent: Any = await shim.request("command/execute", {**command, "arguments": "to nobody: fix it"}, timeout_s=20)
    opencode.messages["ses_old"] = []
    nothing: Any = await shim.request("command/execute", command, timeout_s=20)

    assert made["done"] is True
    assert made["text"].startswith("Handed off to `ses_")
    assert (nothing["done"], "nothing to hand off" in nothing["text"]) == (False, True)
    assert [toast["variant"] for toast in opencode.toasts] == ["success", "error", "warning"]
    assert [toast["message"] for toast in opencode.toasts][1:] == [no_agent["text"], nothing["text"]]
    with pytest.raises(RpcError, match="no command x"):
        await shim.request("command/execute", {**command, "name": "x"}, timeout_s=20)

"""Transcripts of Claude Code as sessions of OpenCode's form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.claude_code import main, session_of
from benchmarks.errors import BadInput
from benchmarks.questions import Export


def line(role: str, *content: dict[str, Any], message_id: str = "", **fields: Any) -> str:
    at = {"timestamp": "2026-05-28T20:26:40.000Z", "cwd": "/home/ada/p", "uuid": "u"}
    return json.dumps({"type": role, **at, "message": {"id": message_id or None, "content": list(content)}, **fields})


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


EDIT = {"type": "tool_use", "id": "t1", "name": "Edit", "input": {"file_path": "a.py", "new_string": "x"}}


def parts(*lines: str) -> list[dict[str, Any]]:
    return [part for message in session_of(lines, "s")["messages"] for part in message["parts"]]


def test_what_is_written_is_what_opencode_exports() -> None:
    session = session_of([line("user", text("Hello")), line("assistant", text("Hi"))], "a-session")

    assert Export.model_validate(session).info.directory == "/home/ada/p"
    assert [message["info"]["role"] for message in session["messages"]] == ["user", "assistant"]
    assert session["messages"][1]["info"]["parentID"] == session["messages"][0]["info"]["id"]


def test_a_call_has_opencodes_names_and_its_output() -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "done"}]}
    (call,) = parts(line("assistant", EDIT), line("user", result))

    assert (call["tool"], call["state"]["input"]) == ("edit", {"filePath": "a.py", "newString": "x"})
    assert (call["state"]["status"], call["state"]["output"]) == ("completed", "done")


def test_a_refused_call_says_why_in_opencodes_words() -> None:
    refused = "The user doesn't want to proceed with this tool use. To tell you how, the user said:\nuse spaces"
    result = {"type": "tool_result", "tool_use_id": "t1", "content": refused, "is_error": True}
    (call,) = parts(line("assistant", EDIT), line("user", result))

    assert call["state"]["error"].endswith("with the following feedback: use spaces")


def test_one_message_that_comes_as_several_lines_is_one() -> None:
    lines = [line("assistant", text("a"), message_id="m"), line("assistant", EDIT, message_id="m")]

    assert len(session_of(lines, "s")["messages"]) == 1


def test_what_nobody_typed_and_what_subagents_said_is_left_out() -> None:
    told = parts(
        line("user", text("<command-name>/clear</command-name>")),
        line("assistant", text("of a subagent"), isSidechain=True),
        line("user", text("Fix it")),
    )

    assert [part["text"] for part in told] == ["Fix it"]


def test_what_is_no_transcript_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput, match="line 1 is no JSON"):
        session_of(["{"], "s")
    source = tmp_path / "empty.jsonl"
    source.write_text("")

    assert main([str(source), str(tmp_path / "out.json")]) == 1
    assert "has no messages" in capsys.readouterr().err


def test_a_transcript_is_converted_from_the_command_line(tmp_path: Path) -> None:
    source, out = tmp_path / "s.jsonl", tmp_path / "s.json"
    source.write_text(line("user", text("Hello")))

    assert main([str(source), str(out)]) == 0
    assert json.loads(out.read_text())["messages"][0]["parts"][0]["text"] == "Hello"

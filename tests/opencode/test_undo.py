"""In the real OpenCode: what a person has undone, which OpenCode keeps until the next prompt."""

from __future__ import annotations

import json

import pytest
from opencode.server import PROMPT, TYPED, Play, calls

from handoff_sidecar.demo.scripted_model import Reply, ToolCall
from handoff_sidecar.demo.server import Server


@pytest.fixture
def session(server: Server, play: Play) -> str:
    """A session whose second turn was undone."""
    project = server.sandbox.project
    play("Good work", calls("write", filePath=str(project / "good.txt"), content="g\n"), Reply("Good done."))
    play("Bad idea", calls("write", filePath=str(project / "bad.cob"), content="b\n"), Reply("Now all is COBOL."))
    play(TYPED, calls("session_handoff", summary="On it."), Reply("Handed over."))
    play(PROMPT, Reply("I wait."))
    session = server.new_session(title="Undone")
    server.say(session, "Good work")
    server.say(session, "Bad idea: rewrite it in COBOL")
    undo(server, session)
    return session


def undo(server: Server, session: str) -> None:
    newest = [each["info"]["id"] for each in server.messages(session) if each["info"]["role"] == "user"][-1]
    server.post(f"/session/{session}/revert", {"messageID": newest})


def handed_off(server: Server, session: str) -> tuple[str, str]:
    """`/handoff-now`; the new session and its prompt."""
    body = {"command": "handoff-now", "arguments": ""}
    assert server.http.post(f"/session/{session}/command", json=body).status_code == 500
    new = str(server.get(f"/session/{session}")["metadata"]["handoff"]["to"])
    return new, str(server.messages(new)[0]["parts"][0]["text"])


def read(server: Server, play: Play, here: str, **arguments: object) -> str:
    asked = f"Read {json.dumps(arguments)} in {here}."
    play(asked, calls("read_session", **arguments), Reply("I see."))
    server.say(here, asked)
    return str(server.tool_call(here, "read_session")["output"])


def test_what_was_undone_is_not_handed_off_and_after_a_redo_it_is(server: Server, session: str) -> None:
    _, prompt = handed_off(server, session)
    assert '- "Good work"\nThe agent\'s last words: "Good done."' in prompt
    assert "COBOL" not in prompt
    assert "**Files:** good.txt\n" in prompt
    assert len(server.messages(session)) == 6, "nothing was taken from the person, who may redo it"

    server.post(f"/session/{session}/unrevert", {})
    _, prompt = handed_off(server, session)
    assert 'last words: "Now all is COBOL."' in prompt
    assert "bad.cob" in prompt


def test_what_was_undone_is_read_only_after_a_redo(server: Server, play: Play, session: str) -> None:
    new, _ = handed_off(server, session)

    for arguments in ({}, {"query": "COBOL"}, {"file": "bad.cob"}):
        output = read(server, play, new, **arguments)
        assert "Now all is COBOL" not in output
        assert "content: b" not in output
        assert "3 messages were undone by the user and are left out." in output

    server.post(f"/session/{session}/unrevert", {})
    assert "Now all is COBOL" in read(server, play, new)
    assert "Now all is COBOL" in read(server, play, new, query="COBOL", limit=3)
    undo(server, session)
    assert "Now all is COBOL" not in read(server, play, new, query="COBOL", limit=4)


def test_a_turn_that_was_undone_in_part_is_handed_off_in_part(server: Server, play: Play) -> None:
    file = ToolCall("write", {"filePath": str(server.sandbox.project / "half.txt"), "content": "x"})
    play("Write it.", Reply("I begin.", (file,)), Reply("All is written."))
    session = server.new_session(title="In part")
    server.say(session, "Write it.")
    tool = next(part for each in server.messages(session) for part in each["parts"] if part["type"] == "tool")
    server.post(f"/session/{session}/revert", {"messageID": tool["messageID"], "partID": tool["id"]})
    assert server.get(f"/session/{session}")["revert"]["partID"] == tool["id"]

    new, prompt = handed_off(server, session)

    assert 'last words: "I begin."' in prompt
    assert "half.txt" not in prompt
    output = read(server, play, new, detail="tools")
    assert "I begin." in output
    assert "half.txt" not in output
    assert "2 messages were undone by the user and are left out (the first of them in part)." in output

"""In the real OpenCode: `opencode serve`, one server for all of these."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from opencode.left import command, left_for
from opencode.server import PROMPT, TYPED, Play, asked_about, calls, sidecars, toasts

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import MODEL_ID, PROVIDER_ID, Reply, ScriptedModel
from handoff_sidecar.demo.server import TURN_TIMEOUT_S, Server, until
from handoff_sidecar.journal.brief_file import read_brief
from handoff_sidecar.text.tokens import Tokenizer

SUMMARY = "Login works; token refresh is next."
TODOS = [
    {"content": "Add login", "status": "completed", "priority": "high"},
    {"content": "Drop cookies", "status": "cancelled", "priority": "low"},
    {"content": "Fix token refresh", "status": "in_progress", "priority": "high"},
    {"content": "Add logout", "status": "pending", "priority": "high"},
]


@contextmanager
def running(sandbox: Sandbox) -> Iterator[Server]:
    """A server of a test's own."""
    with sandbox.serve() as url, httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S) as http:
        yield Server(http, url, sandbox)


def hand_off(server: Server, session_id: str, text: str = "handoff add the logout endpoint", **fields: Any) -> str:
    """Type the trigger; the id of the session that was made."""
    server.say(session_id, text, **fields)
    call = server.tool_call(session_id, "session_handoff")
    assert call["status"] == "completed", call
    return str(call["metadata"]["sessionID"])


def test_a_typed_handoff_ends_in_a_session_that_goes_on_with_the_work(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    file = str(server.sandbox.project / "src/auth.ts")
    play("Do it.", calls("todowrite", todos=TODOS), calls("write", filePath=file, content="x\n"), Reply("Half done."))
    play(TYPED, calls("session_handoff", summary=SUMMARY, goal="add the logout endpoint"), Reply("Handed over."))
    play(PROMPT, calls("todowrite", todos=TODOS[2:]), calls("read_session", limit=5), Reply("I go on."))
    server.sandbox.write_project({})
    old = server.new_session(title="Auth flow")
    server.say(old, "Do it.")
    commit = server.sandbox.git("rev-parse", "--short=7", "HEAD").strip()

    new = hand_off(server, old, variant="high")
    messages = server.wait_for_the_end_of_the_turn(new)

    first, *others = messages
    assert first["info"]["agent"] == "build"
    assert first["info"]["model"] == {"providerID": PROVIDER_ID, "modelID": MODEL_ID, "variant": "high"}
    assert {request.body["reasoning_effort"] for request in asked_about(model, PROMPT)} == {"high"}
    assert first["parts"][0]["text"] == (
        f"## Session Handoff\n\n{SUMMARY}\n\n**Goal:** add the logout endpoint\n\n**Todos:** 1/3 done\n"
        "- In progress: Fix token refresh\n- Pending: Add logout\n\n**Files:** src/auth.ts\n\n"
        f"**Git:** main, {commit}, 1 file changed\n\n---\n"
        f"Previous: `{old}` · Use `read_session` if you need more context."
    )
    assert first["parts"][1]["synthetic"] is True
    assert {message["info"]["agent"] for message in others} == {"build"}
    assert [todo["content"] for todo in server.get(f"/session/{new}/todo")] == ["Fix token refresh", "Add logout"]

    read = server.tool_call(new, "read_session")
    assert read["metadata"]["sessionID"] == old
    assert "Half done." in read["output"]
    assert "- write 'src/auth.ts': completed" in read["output"]

    session = server.get(f"/session/{new}")
    assert session["title"] == "Handoff: Auth flow · add the logout endpoint"
    assert session["metadata"]["handoff"].pop("id")
    assert session["metadata"] == {"handoff": {"from": old, "chain": [old], "base": "Auth flow"}}
    assert "parentID" not in session
    assert server.get(f"/session/{old}")["metadata"]["handoff"]["to"] == new

    (brief,) = (server.sandbox.home / ".local/state/handoff-sidecar/briefs").glob(f"*-{old}.md")
    assert read_brief(brief).prompt == first["parts"][0]["text"]


def test_what_the_person_typed_stays_as_typed_and_the_agent_is_told_beside_it(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    play(TYPED, calls("session_handoff", summary=SUMMARY), Reply("Handed over."))
    old = server.new_session()

    hand_off(server, old, "Handoff: add the logout endpoint")

    typed, added = server.messages(old)[0]["parts"]
    assert typed["text"] == "Handoff: add the logout endpoint"
    assert added["synthetic"] is True
    assert 'word for word: "add the logout endpoint"' in asked_about(model, TYPED)[0].last_text("user")


@pytest.mark.parametrize("text", ["handoff is broken, why?", "handoff.py fails", "explain the handoff in auth.ts"])
def test_a_message_about_handoffs_is_an_ordinary_one(server: Server, model: ScriptedModel, text: str) -> None:
    session = server.new_session()

    server.say(session, text)

    assert [part["text"] for part in server.messages(session)[0]["parts"]] == [text]
    assert asked_about(model, TYPED) == []


def test_the_command_is_a_trigger_too(server: Server, play: Play) -> None:
    play(TYPED, calls("session_handoff", summary=SUMMARY, goal="fix the tests"), Reply("Handed over."))
    session = server.new_session(title="Tests")

    server.post(f"/session/{session}/command", {"command": "handoff", "arguments": "fix the tests"})

    made = server.tool_call(session, "session_handoff")["metadata"]["sessionID"]
    assert "**Goal:** fix the tests" in server.messages(made)[0]["parts"][0]["text"]
    command = next(command for command in server.get("/command") if command["name"] == "handoff")
    assert command["description"] == "Continue in a fresh session, optionally with a goal"


def test_over_http_where_every_command_ends_in_a_500_its_toast_tells_what_came_of_it(
    server: Server, play: Play
) -> None:
    play("Begin.", Reply("Begun."))
    play(PROMPT, Reply("I go on."))
    old = server.new_session(title="By command")
    with toasts(server) as seen:
        command(server, old, "handoff-now", "")
        server.say(old, "Begin.")
        command(server, old, "handoff-now", "to nobody: fix it")
        assert left_for(server, old) is None
        command(server, old, "handoff-now", "fix it")
        nothing, nobody, made, *_ = until(lambda: seen if len(seen) > 2 else None)

    assert nothing.startswith("There is nothing to hand off")
    assert "there is no agent `nobody`" in nobody
    assert "`build`" in nobody
    assert made.startswith("Handed off")
    assert left_for(server, old) is not None


def test_both_tools_reach_the_model_with_their_schemas_and_cost_at_most_500_tokens(
    server: Server, model: ScriptedModel
) -> None:
    server.say(server.new_session(), "hello")

    (request,) = asked_about(model, "hello")
    ours = {
        tool["function"]["name"]: tool
        for tool in request.tools
        if tool["function"]["name"] in {"session_handoff", "read_session"}
    }
    assert set(ours) == {"session_handoff", "read_session"}
    assert ours["session_handoff"]["function"]["parameters"]["required"] == ["summary"]
    assert "goal" in ours["session_handoff"]["function"]["parameters"]["properties"]
    assert Tokenizer().count(json.dumps(list(ours.values()))) <= 500


def test_the_old_sessions_permission_rules_hold_in_the_new_one(server: Server, play: Play) -> None:
    play(TYPED, calls("session_handoff", summary=SUMMARY), Reply("Handed over."))
    play(PROMPT, calls("write", filePath=str(server.sandbox.project / "denied.txt"), content="x"), Reply("Could not."))
    rules = [{"permission": "edit", "pattern": "*", "action": "deny"}]
    old = server.new_session(permission=rules)

    new = hand_off(server, old)
    server.wait_for_the_end_of_the_turn(new)

    assert server.get(f"/session/{new}")["permission"] == rules
    assert not (server.sandbox.project / "denied.txt").exists()


def test_after_a_compaction_the_users_agent_goes_on(server: Server, play: Play) -> None:
    play(TYPED, calls("session_handoff", summary=SUMMARY), Reply("Handed over."))
    old = server.new_session(title="Long")
    server.say(old, "hello", agent="plan")
    server.post(f"/session/{old}/summarize", {"providerID": PROVIDER_ID, "modelID": MODEL_ID})
    assert server.messages(old)[-1]["info"]["agent"] == "compaction"
    server.say(old, "handoff", agent="plan")

    new = str(server.tool_call(old, "session_handoff")["metadata"]["sessionID"])

    assert server.wait_for_the_end_of_the_turn(new)[0]["info"]["agent"] == "plan"


def test_wrong_arguments_come_back_to_the_model_and_the_session_goes_on(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    play("Do it.", calls("session_handoff", goal=5), Reply("I see."))
    session = server.new_session()

    server.say(session, "Do it.")

    call = server.tool_call(session, "session_handoff")
    assert call["status"] == "error"
    assert "`summary`" in call["error"]
    assert "Call again" in call["error"]
    assert server.messages(session)[-1]["info"]["finish"] == "stop"
    assert "`summary`" in json.dumps(model.requests[-1].messages[-1])


def test_a_session_that_was_not_handed_off_has_nothing_to_read(server: Server, play: Play) -> None:
    play("Do it.", calls("read_session"), Reply("I see."))
    session = server.new_session()

    server.say(session, "Do it.")

    call = server.tool_call(session, "read_session")
    assert call["status"] == "error"
    assert "was not handed off from another one" in call["error"]


def test_a_session_of_another_project_is_not_read(
    server: Server, play: Play, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    other = str(server.http.post("/session", json={}, headers={"x-opencode-directory": str(elsewhere)}).json()["id"])
    play("Do it.", calls("read_session", session_id=other), Reply("I see."))
    session = server.new_session()

    server.say(session, "Do it.")

    assert "belongs to another project" in server.tool_call(session, "read_session")["error"]


def test_one_sidecar_serves_every_directory_of_a_process(
    server: Server, play: Play, tmp_path_factory: pytest.TempPathFactory
) -> None:
    play(TYPED, calls("session_handoff", summary=SUMMARY), Reply("Handed over."))
    for name in ("one", 'größe "two"'):
        directory = tmp_path_factory.mktemp("projects") / name
        directory.mkdir()
        headers = {"x-opencode-directory": quote(str(directory))}
        session = server.http.post("/session", json={"title": name}, headers=headers).json()["id"]
        body = {"parts": [{"type": "text", "text": "handoff add the logout endpoint"}]}
        server.http.post(f"/session/{session}/message", json=body, headers=headers)
        made = server.tool_call(session, "session_handoff")["metadata"]["sessionID"]
        assert server.get(f"/session/{made}")["directory"] == str(directory)

    assert len(sidecars(server.sandbox)) == 1


def test_a_sidecar_that_was_killed_is_replaced_at_the_next_call(server: Server, play: Play) -> None:
    # As an agent does that is told nothing: on a busy machine the message may go out before the next sidecar is there.
    play("handoff add the logout endpoint", calls("session_handoff", summary=SUMMARY), Reply("Handed over."))
    hand_off(server, server.new_session())
    (killed,) = sidecars(server.sandbox)

    os.kill(killed, signal.SIGKILL)
    until(lambda: True if killed not in sidecars(server.sandbox) else None)  # a busy machine takes a moment
    hand_off(server, server.new_session())

    (fresh,) = sidecars(server.sandbox)
    assert fresh != killed


def test_a_plugin_that_is_loaded_twice_has_one_sidecar_and_says_things_once(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    play(TYPED, calls("session_handoff", summary=SUMMARY), Reply("Handed over."))
    sandbox = make_sandbox("twice")
    own = sandbox.config_folder / "plugin" / "handoff-sidecar.js"
    sandbox.plugin_file("second.js", own.read_text().replace("index.js", "index.js?second"))

    with running(sandbox) as server:
        old = server.new_session()
        hand_off(server, old)

        assert [part.get("synthetic", False) for part in server.messages(old)[0]["parts"]] == [False, True]
        assert len(sidecars(sandbox)) == 1

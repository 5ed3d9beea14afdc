"""In the real OpenCode: typed handoffs whose turn comes to no handoff of the agent's."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from opencode.server import PROMPT, TYPED, Play, asked_about
from opencode.stored import stored_sessions
from opencode.test_promises import at_work, made_from, said, seen

from handoff_sidecar.auto_handoff.typed import ONLY_TALKED, TOO_FULL, UNDER_WAY
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import ChatRequest, Failure, Reply, ScriptedModel
from handoff_sidecar.demo.server import TURN_TIMEOUT_S, Server, until

__all__ = ["seen"]

pytestmark = pytest.mark.timeout(240)


def type_and_leave(server: Server, session: str, text: str) -> None:
    """Send a message without waiting for its turn."""
    server.post(f"/session/{session}/prompt_async", {"parts": [{"type": "text", "text": text}]})


def test_where_the_context_is_too_full_for_the_agent_the_new_session_begins_its_work(
    server: Server, play: Play, model: ScriptedModel, seen: list[str]
) -> None:
    session = at_work(server, play, "Full")
    overflow = Failure(400, "This model's maximum context length is 16000 tokens.")
    model.script = lambda asked: Reply("I fix the tests.") if PROMPT in asked.last_text("user") else overflow

    type_and_leave(server, session, "handoff fix the tests")

    made = made_from(server, session)
    said(seen, TOO_FULL)
    prompt, answer = server.wait_for_the_end_of_the_turn(made)
    assert "**Goal:** fix the tests" in prompt["parts"][0]["text"]
    assert "**Blocked:**" not in prompt["parts"][0]["text"]
    assert answer["parts"][1]["text"] == "I fix the tests."
    until(lambda: session not in server.get("/session/status") or None)
    kinds = [part["type"] for message in server.messages(session) for part in message["parts"]]
    assert kinds.count("text") == 4, "it was compacted, or asked again"


def test_after_escape_the_person_stays_and_a_question_is_answered(
    server: Server, play: Play, model: ScriptedModel, seen: list[str]
) -> None:
    session = at_work(server, play, "Stay")
    answers, is_asked, is_stopped = model.script, threading.Event(), threading.Event()

    def slowly(request: ChatRequest) -> Reply | Failure:
        if TYPED in request.last_text("user"):
            is_asked.set()
            is_stopped.wait(TURN_TIMEOUT_S)
        return answers(request)

    model.script = slowly
    type_and_leave(server, session, "handoff")
    assert is_asked.wait(TURN_TIMEOUT_S)
    server.post(f"/session/{session}/abort", {})
    is_stopped.set()
    until(lambda: session not in server.get("/session/status") or None)
    model.script = answers
    said(seen, UNDER_WAY)

    play("does it work?", Reply("It does."))
    server.say(session, "handoff: does it work?")
    server.say(session, "Build the login.")

    assert seen.count(UNDER_WAY) == 1
    assert ONLY_TALKED not in seen
    assert "handoff" not in server.get(f"/session/{session}").get("metadata", {})


def test_a_draft_for_once_asks_no_model_and_its_goal_is_as_it_was_typed(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    session = at_work(server, play, "Draft")
    body = {"command": "handoff-draft", "arguments": "write the docs, then ask me"}
    server.http.post(f"/session/{session}/command", json=body)  # 1.x answers 500, whatever came of it

    (message,) = server.messages(made_from(server, session))
    assert "**Goal:** write the docs, then ask me\n" in message["parts"][0]["text"]
    assert not asked_about(model, "write the docs, then ask me")


def test_in_opencode_run_an_agent_that_only_talks_moves_nobody(
    make_sandbox: Callable[..., Sandbox], play: Play, model: ScriptedModel
) -> None:
    play(TYPED, Reply("I would rather go on here."))
    sandbox = make_sandbox("run-talk")

    finished = sandbox.run(["handoff"])

    assert "I would rather go on here." in finished.stdout
    assert len(asked_about(model, TYPED)) == 1
    assert len(stored_sessions(sandbox)) == 1

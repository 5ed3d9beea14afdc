"""In the real OpenCode: what a person who types `handoff` may rely on, whatever the agent and the provider do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from opencode.server import PROMPT, TYPED, Play, asked_about, calls, toasts
from opencode.test_screenshots import screenshot

from handoff_sidecar.auto_handoff.typed import NOT_MADE, NOTHING, ONLY_TALKED, UNDER_WAY
from handoff_sidecar.demo.scripted_model import Failure, Reply, ScriptedModel
from handoff_sidecar.demo.server import Server, until
from handoff_sidecar.text.tokens import Tokenizer

SECRET = "ghp_0123456789abcdefghij0123456789abcdef"
PLAN = f"# Logout\n\n1. Add the route\n2. Clear the cookie  \n\t- with token {SECRET}\n3. Test it"


@pytest.fixture
def seen(server: Server) -> Iterator[list[str]]:
    """What the toasts say from now on."""
    with toasts(server) as shown:
        yield shown


def at_work(server: Server, play: Play, title: str = "Auth flow") -> str:
    play("Build the login.", Reply("The login works."))
    session = server.new_session(title=title)
    server.say(session, "Build the login.")
    return session


def said(seen: list[str], words: str) -> str:
    return until(lambda: next((toast for toast in seen if words in toast), None))


def made_from(server: Server, session: str) -> str:
    return str(until(lambda: server.get(f"/session/{session}").get("metadata", {}).get("handoff", {}).get("to")))


def command(server: Server, session: str, name: str, arguments: str = "") -> None:
    """OpenCode tells HTTP callers 500, as a command can't end otherwise."""
    body = {"command": name, "arguments": arguments}
    assert server.http.post(f"/session/{session}/command", json=body).status_code == 500


def test_a_typed_handoff_never_comes_to_nothing_in_silence(
    server: Server, play: Play, model: ScriptedModel, seen: list[str]
) -> None:
    play("there is nothing in this session to hand off", Reply("Nothing to hand off."))
    server.say(empty := server.new_session(title="Empty"), "handoff")
    said(seen, NOTHING)
    assert "handoff" not in server.get(f"/session/{empty}").get("metadata", {})

    # A certain form, and the agent only talks.
    session = at_work(server, play)
    play(TYPED, Reply("I would rather go on here."))
    play(PROMPT, Reply("I wait for you."))
    server.say(session, "handoff")
    made = made_from(server, session)
    said(seen, UNDER_WAY)
    said(seen, f'{NOT_MADE}. The work goes on in "Handoff: Auth flow')
    prompt = server.messages(made)[0]["parts"][0]["text"]
    assert '- "Build the login."' in prompt
    assert 'The agent\'s last words: "The login works."' in prompt

    # With words that may be about something else nobody is moved.
    session = at_work(server, play, "Talk")
    server.say(session, "handoff the docs to Bob")
    said(seen, ONLY_TALKED)
    before = len(seen)
    server.say(session, "handoff how does it work?")
    server.say(session, "Build the login.")
    assert seen[before:] == []
    assert "handoff" not in server.get(f"/session/{session}").get("metadata", {})

    # A model that leaves the summary out is told once.
    session = at_work(server, play, "Stubborn")
    play(TYPED, *(calls("session_handoff", goal="x") for _ in range(2)), Reply("Handed over."))
    server.say(session, "handoff fix the tests")
    prompt = server.messages(made_from(server, session))[0]["parts"][0]["text"]
    assert "**Goal:** fix the tests" in prompt
    assert len(asked_about(model, "handoff fix the tests")) == 3


@pytest.mark.parametrize("status", [400, 500])
def test_where_the_provider_fails_the_prompt_is_placed_and_not_sent(
    server: Server, play: Play, model: ScriptedModel, seen: list[str], status: int
) -> None:
    session = at_work(server, play, f"Down {status}")
    model.script = lambda _: Failure(status, "down for maintenance")

    server.post(f"/session/{session}/prompt_async", {"parts": [{"type": "text", "text": "handoff fix the tests"}]})

    made = made_from(server, session)
    said(seen, "The provider failed (")
    (message,) = server.messages(made)
    assert "**Goal:** fix the tests" in message["parts"][0]["text"]
    assert "down for maintenance" in message["parts"][0]["text"]
    until(lambda: session not in server.get("/session/status") or None)


def test_from_plan_to_build_the_plan_goes_along_byte_for_byte_but_for_secrets(
    server: Server, play: Play, seen: list[str]
) -> None:
    play("Plan the logout.", Reply(PLAN))
    play("And the docs?", Reply("No need.\n\nShall I start?"))
    play(TYPED, calls("session_handoff", summary="The logout is planned."), Reply("Handed over."))
    play(PROMPT, Reply("I implement it."))
    session = server.new_session(title="Logout")
    for text in ("Plan the logout.", "And the docs?", "handoff to build"):
        server.say(session, text, agent="plan")

    said(seen, "The plan goes along: 6 lines, written at ")
    first = server.messages(made_from(server, session))[0]
    assert first["info"]["agent"] == "build"
    prompt, plan, _ = (part["text"] for part in first["parts"])
    assert "**Goal:** Implement the plan" in prompt
    assert plan.endswith("\n\n" + PLAN.replace(SECRET, "[redacted: GitHub token]"))
    assert "Shall I start?" not in json.dumps(first["parts"])


def test_what_is_attached_to_the_message_that_hands_off_goes_along(server: Server, play: Play) -> None:
    session = at_work(server, play, "Picture")
    play(TYPED, calls("session_handoff", summary="The login works."), Reply("Handed over."))
    play(PROMPT, Reply("I see it."))
    shot = screenshot()
    picture = {"type": "file", "mime": "image/png", "filename": "screen.png", "url": shot}
    text = {"type": "text", "text": "handoff: make it look like this"}
    server.post(f"/session/{session}/message", {"parts": [text, picture]})

    parts = server.messages(made_from(server, session))[0]["parts"]
    assert [(part["filename"], part["url"]) for part in parts if part["type"] == "file"] == [("screen.png", shot)]
    assert "attached screen.png" in " ".join(part.get("text", "") for part in parts)


def test_300_todos_fit_the_budget_and_one_look_lists_them_all(server: Server, play: Play) -> None:
    todos = [{"content": f"Port endpoint {n}", "status": "pending", "priority": "low"} for n in range(300)]
    play("Go.", calls("todowrite", todos=todos), Reply("Done."))
    play(TYPED, calls("session_handoff", summary="All is listed."), Reply("Handed over."))
    play(PROMPT, calls("read_session", query="todos"), Reply("I have them."))
    session = server.new_session(title="Todos")
    server.say(session, "Go.")
    server.say(session, "handoff")
    made = made_from(server, session)

    first = server.wait_for_the_end_of_the_turn(made)[0]
    assert Tokenizer().count("\n".join(part["text"] for part in first["parts"])) <= 600
    listed = server.tool_call(made, "read_session")["output"]
    assert all(f"- Port endpoint {n}\n" in f"{listed}\n" for n in range(300))


def test_a_brief_that_is_delivered_late_says_what_has_changed_since(server: Server, play: Play) -> None:
    project = server.sandbox.project
    todos = [{"content": "Add logout", "status": "pending", "priority": "low"}]
    file = project / "src/late.ts"
    play("Go.", calls("todowrite", todos=todos), calls("write", filePath=str(file), content="x\n"), Reply("Done."))
    play(TYPED, calls("session_handoff", summary="All is open."), Reply("Handed over."))
    session = server.new_session(title="Late")
    server.say(session, "Go.")
    server.say(session, "handoff")
    first = made_from(server, session)
    file.unlink()
    server.sandbox.git("commit", "--quiet", "--allow-empty", "--message", "Add the logout")
    done = [{**todos[0], "status": "completed"}]
    play("Do it.", calls("todowrite", todos=done), Reply("Done."))
    server.wait_for_the_end_of_the_turn(first)
    server.say(first, "Do it.")

    command(server, session, "handoff-resume", session)

    second = until(lambda: made_from(server, session) if made_from(server, session) != first else None)
    prompt = server.messages(second)[0]["parts"][0]["text"]
    assert "src/late.ts (gone now)" in prompt
    assert "- Pending: Add logout (done since)" in prompt
    assert "Add the logout. Gone: src/late.ts. Done: Add logout. What is marked above no longer holds." in prompt


def test_after_the_handoff_the_old_agent_is_asked_with_its_call_alone(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    session = at_work(server, play, "Long")
    play("Go on.", Reply("word " * 4_000))
    server.say(session, "Go on.")
    play(TYPED, calls("session_handoff", summary="The login works."), Reply("Handed over."))
    server.say(session, "handoff")

    first, last = asked_about(model, TYPED)
    assert [message["role"] for message in last.messages if message["role"] != "system"] == [
        "user",
        "assistant",
        "tool",
    ]
    assert len(json.dumps(first.messages)) - len(json.dumps(last.messages)) > 19_000
    assert server.messages(session)[-1]["parts"][1]["text"] == "Handed over."


def test_undo_leads_back_and_rules_are_listed_and_struck(server: Server, play: Play, seen: list[str]) -> None:
    session = at_work(server, play, "There and back")
    play("Never log a token.", Reply("Understood."))
    server.say(session, "Never log a token.")
    command(server, session, "handoff-rules")
    said(seen, '1. "Never log a token." (you said it)')

    command(server, session, "handoff-now")
    made = made_from(server, session)
    assert "You once said" in server.messages(made)[0]["parts"][0]["text"]
    command(server, made, "handoff-undo")
    said(seen, 'Back in "There and back": its work goes on here. The new session was removed.')
    assert server.http.get(f"/session/{made}").status_code == 404
    play("Write it.", calls("bash", command="echo hello", description="greet"), Reply("Done."))
    server.say(session, "Write it.")
    assert server.tool_call(session, "bash")["status"] == "completed"

    command(server, session, "handoff-rules", "1")
    said(seen, 'Removed: "Never log a token."')
    command(server, session, "handoff-now")
    made = made_from(server, session)
    assert "You once said" not in server.messages(made)[0]["parts"][0]["text"]
    server.say(made, "Write it.")
    command(server, made, "handoff-undo")
    said(seen, "stays in the session list, because you wrote there.")
    assert server.get(f"/session/{made}")["title"].startswith("Handoff: There and back")


pytestmark = pytest.mark.timeout(240)

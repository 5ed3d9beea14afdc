"""In the real OpenCode: what happens when a context fills up; one server with models of several sizes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from opencode.left import ASKED, NUDGED
from opencode.server import PROMPT, Play, asked_about, calls, sidecars, toasts

from handoff_sidecar.auto_handoff.sentences import UNDER_WAY
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import PROVIDER_ID, Failure, Reply, ScriptedModel, ToolCall
from handoff_sidecar.demo.server import TURN_TIMEOUT_S, Server, until
from handoff_sidecar.settings import add_setting

K = 1_000
LIMITS = {
    "m200": {"context": 200 * K, "output": 8 * K},
    "m128": {"context": 128 * K, "output": 32 * K},
    "m64": {"context": 64 * K, "output": 32 * K},
    "m16": {"context": 16 * K, "output": 4 * K},
    "m400": {"context": 400 * K, "input": 272 * K, "output": 128 * K},
}


@pytest.fixture(scope="module")
def server(make_sandbox: Callable[..., Sandbox]) -> Iterator[Server]:
    models = {name: {"name": name, "limit": limit, "tool_call": True} for name, limit in LIMITS.items()}
    sandbox = make_sandbox("threshold", config={"provider": {PROVIDER_ID: {"models": models}}})
    add_setting(sandbox.config_folder, "auto_handoff_threshold", 80)
    with sandbox.serve() as url, httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S) as http:
        server = Server(http, url, sandbox)
        server.new_session(title="Opens the directory")
        until(lambda: sidecars(sandbox) or None)  # sessions are watched as soon as OpenCode's start is over
        yield server


def reads(server: Server, tokens: int) -> Reply:
    """A step in the middle of a turn, after which the session holds this many tokens."""
    call = ToolCall("read", {"filePath": str(server.sandbox.project / "README.md")})
    return Reply("", (call,), input_tokens=tokens - 50, output_tokens=50)


def with_model(name: str) -> dict[str, Any]:
    return {"model": {"providerID": PROVIDER_ID, "modelID": name}}


def handed_off_to(server: Server, session: str) -> str:
    """The session that this one was handed off to, as soon as it was."""

    def to() -> str | None:
        recorded = server.get(f"/session/{session}").get("metadata", {}).get("handoff", {})
        return str(recorded["to"]) if "to" in recorded else None

    return until(to, 12)


def is_idle(server: Server, session: str) -> bool:
    return session not in server.get("/session/status")


@pytest.mark.parametrize(
    ("name", "point", "compaction"),
    [
        pytest.param("m200", 160 * K, 192 * K, marks=pytest.mark.compat),
        pytest.param("m128", 88_320, 96 * K, marks=pytest.mark.compat),
        pytest.param("m64", 28 * K, 32 * K, marks=pytest.mark.compat),
        ("m16", 9 * K, 12 * K),
        ("m400", 231_840, 252 * K),
    ],
)
def test_in_the_middle_of_a_turn_the_agent_is_told_before_opencode_compacts(
    server: Server, play: Play, model: ScriptedModel, name: str, point: int, compaction: int
) -> None:
    handed_over = calls("session_handoff", summary="Half done.", goal="Do it.")
    play(PROMPT, Reply("I go on."))
    play(NUDGED, Reply("too early"), Reply("too early"), handed_over, Reply("Handed over."))
    play("Do it.", reads(server, point - 1), reads(server, point), Reply("never told"))
    play("Start full.", reads(server, compaction - 1), reads(server, compaction))
    told, full = server.new_session(title="Long"), server.new_session(title="Full")

    server.say(told, "Do it.", **with_model(name))
    server.say(full, "Start full.", **with_model(name))

    (request,) = asked_about(model, NUDGED)
    assert request.last_text("user").startswith("Do it.")
    new = handed_off_to(server, told)
    first = server.wait_for_the_end_of_the_turn(new)[0]
    assert "The work was interrupted" in first["parts"][1]["text"]
    assert server.get(f"/session/{new}")["metadata"]["handoff"]["auto"] == 1
    assert [message["info"]["agent"] for message in server.messages(told)] == ["build"] * 5

    # A session that is above the point from its first step on goes its own way: OpenCode compacts where it would.
    totals = [message["info"].get("tokens", {}).get("total") for message in server.messages(full)]
    agents = [message["info"]["agent"] for message in server.messages(full)]
    assert totals[1:3] == [compaction - 1, compaction]
    assert agents[3:5] == ["build", "compaction"]


def test_at_the_end_of_a_turn_the_agent_is_asked_and_the_new_session_waits(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    play(PROMPT, Reply("It all works. I wait for you."))
    play(ASKED, calls("session_handoff", summary="All done.", goal="Do more."), Reply("Handed over."))
    play("Do it.", reads(server, 5 * K), Reply("Done so far.", input_tokens=9 * K))
    session = server.new_session(title="Ends full")

    with toasts(server) as seen:
        server.say(session, "Do it.", **with_model("m16"))
        new = handed_off_to(server, session)

    assert UNDER_WAY.format(percent=57) in seen
    first = server.wait_for_the_end_of_the_turn(new)[0]
    assert "say in one line where things stand, and wait" in " ".join(first["parts"][1]["text"].split())
    assert first["info"]["model"]["modelID"] == "m16"
    (asking,) = [m for m in server.messages(session) if any(ASKED in part.get("text", "") for part in m["parts"])]
    assert [part.get("synthetic") for part in asking["parts"]] == [True]
    assert len(asked_about(model, NUDGED)) == 0

    # Whoever works on in the old session is left in peace.
    until(lambda: is_idle(server, session) or None)
    play("More.", reads(server, 10 * K), Reply("More is done.", input_tokens=10 * K))
    server.say(session, "More.", **with_model("m16"))
    server.say(session, "Nothing.", **with_model("m16"))
    assert len(asked_about(model, ASKED)) == 2
    assert handed_off_to(server, session) == new


@pytest.mark.parametrize("answer", [Reply("I would rather not."), Failure(400, "model is gone")])
def test_without_a_handoff_of_the_agents_the_computed_brief_is_handed_off(
    server: Server, play: Play, model: ScriptedModel, answer: Reply | Failure
) -> None:
    play(PROMPT, Reply("I wait for you."))
    play("Do it.", reads(server, 5 * K), Reply("Done so far.", input_tokens=9 * K))
    scripted = model.script
    model.script = lambda request: answer if ASKED in request.last_text("user") else scripted(request)
    session = server.new_session()

    server.say(session, "Do it.", **with_model("m16"))

    new = handed_off_to(server, session)
    prompt = server.messages(new)[0]["parts"][0]["text"]
    assert '- "Do it."' in prompt
    if isinstance(answer, Failure):
        assert "model is gone" in prompt
        assert asked_about(model, PROMPT) == []
        assert len(server.messages(new)) == 1
    else:
        assert server.wait_for_the_end_of_the_turn(new)[-1]["parts"][1]["text"] == "I wait for you."


def test_two_sessions_that_fill_up_at_once_are_handed_off_each_to_its_own(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    play(PROMPT, Reply("I wait for you."))
    play(ASKED, Reply("I would rather not."))
    for which in ("first", "second"):
        play(f"Do the {which}.", reads(server, 5 * K), Reply("Done so far.", input_tokens=9 * K))
    old = {which: server.new_session() for which in ("first", "second")}

    for which, session in old.items():
        body = {"parts": [{"type": "text", "text": f"Do the {which}."}], **with_model("m16")}
        server.post(f"/session/{session}/prompt_async", body)

    new = {which: handed_off_to(server, session) for which, session in old.items()}
    assert new["first"] != new["second"]
    for which, session in new.items():
        prompt = server.wait_for_the_end_of_the_turn(session)[0]["parts"][0]["text"]
        assert f'- "Do the {which}."' in prompt
        assert f"Previous: `{old[which]}`" in prompt
    assert len(asked_about(model, PROMPT)) == 2


def test_a_subagents_session_is_never_told(server: Server, play: Play, model: ScriptedModel) -> None:
    play("Look around.", reads(server, 5 * K), reads(server, 10 * K), Reply("Seen.", input_tokens=10 * K))
    play("Do it.", calls("task", description="look", prompt="Look around.", subagent_type="general"), Reply("Fine."))
    session = server.new_session()

    server.say(session, "Do it.", **with_model("m16"))

    assert server.messages(session)[-1]["info"]["finish"] == "stop"
    assert len(asked_about(model, "Look around.")) == 3
    assert asked_about(model, NUDGED) == asked_about(model, ASKED) == []


def test_a_compaction_keeps_the_records_and_a_handed_off_session_does_not_go_on_after_it(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    todos = [{"content": "Fix token refresh", "status": "in_progress", "priority": "high"}]
    play("Keep the format.", calls("todowrite", todos=todos), reads(server, 12 * K), Reply("never"))
    session = server.new_session()

    server.say(session, "Keep the format.", **with_model("m16"))

    (compaction,) = [r for r in model.requests if "the session's own records" in r.last_text("user")]
    assert '- "Keep the format."' in compaction.last_text("user")
    assert "In progress: Fix token refresh" in compaction.last_text("user")
    assert NUDGED not in compaction.last_text("user")
    until(lambda: is_idle(server, session) or None)
    last = server.messages(session)[-1]["info"]
    assert last["agent"] == "build", "it went on by itself, as OpenCode has it"

    handed_off = server.new_session()
    play("Do it.", reads(server, 5 * K), Reply("Done."))
    server.say(handed_off, "Do it.", **with_model("m16"))
    now(server, handed_off)
    server.post(f"/session/{handed_off}/summarize", {"providerID": PROVIDER_ID, "modelID": "m16", "auto": True})
    until(lambda: is_idle(server, handed_off) or None)
    assert server.messages(handed_off)[-1]["info"]["agent"] == "compaction"


def test_a_fork_of_a_handed_off_session_fills_up_like_any_other(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    play("Do it.", Reply("Done."))
    original = server.new_session(title="Forked")
    server.say(original, "Do it.", **with_model("m16"))
    old = now(server, original)
    fork = str(server.post(f"/session/{original}/fork", {})["id"])
    assert server.get(f"/session/{fork}")["metadata"]["handoff"]["to"] == old, "as OpenCode has it"

    play("Fill it.", reads(server, 5 * K), Reply("Filled.", input_tokens=9 * K))
    server.say(fork, "Fill it.", **with_model("m16"))

    new = until(lambda: _other_than(old, server.get(f"/session/{fork}")["metadata"]["handoff"]["to"]), 12)
    assert server.get(f"/session/{new}")["metadata"]["handoff"]["from"] == fork
    assert server.get(f"/session/{original}")["metadata"]["handoff"]["to"] == old
    assert len(asked_about(model, ASKED)) == 1, "in the fork alone"


def _other_than(known: str, found: str) -> str | None:
    return found if found != known else None


def now(server: Server, session: str, goal: str = "") -> str:
    """`/handoff-now`; the session that was made. OpenCode tells HTTP callers 500, as a command can't end otherwise."""
    body = {"command": "handoff-now", "arguments": goal}
    assert server.http.post(f"/session/{session}/command", json=body).status_code == 500
    return str(server.get(f"/session/{session}")["metadata"]["handoff"]["to"])


def test_handoff_now_asks_no_model_and_can_be_asked_for_again(server: Server, play: Play, model: ScriptedModel) -> None:
    play("Do it.", calls("bash", command="echo hello", description="greet"), Reply("Done."))
    session = server.new_session(title="Quick")
    server.say(session, "Do it.", **with_model("m16"))
    before = len(model.requests)

    first = now(server, session)
    second = now(server, session)

    assert len(model.requests) == before
    assert first != second
    (message,) = server.messages(second)
    assert message["parts"][0]["text"].startswith(PROMPT)
    assert (message["info"]["agent"], message["info"]["model"]["modelID"]) == ("build", "m16")
    assert server.get(f"/session/{first}")["title"] == "Handoff: Quick"
    assert re.fullmatch(r"Handoff: Quick, \d\d:\d\d", server.get(f"/session/{second}")["title"])


def test_a_caller_over_http_can_tell_by_the_toast_how_handoff_now_ended(server: Server, play: Play) -> None:
    play("Do it.", Reply("Done."))
    session, empty = server.new_session(), server.new_session()
    server.say(session, "Do it.", **with_model("m16"))

    with server.http.stream("GET", "/event") as stream:
        events = (json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line)
        shown = (event["properties"]["variant"] for event in events if event["type"] == "tui.toast.show")
        ends = []
        for asked, goal in ((session, ""), (session, "to nobody: fix it"), (empty, "")):
            body = {"command": "handoff-now", "arguments": goal}
            assert server.http.post(f"/session/{asked}/command", json=body).status_code == 500
            ends.append(next(shown))

    assert ends == ["success", "error", "warning"]


def test_handoff_now_works_where_no_request_fits_the_context_any_more(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    play(PROMPT, Reply("I begin."))
    fits, overflow = model.script, Failure(400, "This model's maximum context length is 16000 tokens.")
    model.script = lambda request: fits(request) if PROMPT in request.last_text("user") else overflow
    session = server.new_session(title="Full")
    server.say(session, "Paste all of the logs.", **with_model("m16"))
    until(lambda: is_idle(server, session) or None)
    assert server.messages(session)[-1]["info"]["error"]["name"] == "ContextOverflowError"

    new = now(server, session, "read the logs")

    prompt, answer = server.wait_for_the_end_of_the_turn(new)
    assert "**Goal:** read the logs" in prompt["parts"][0]["text"]
    assert '- "Paste all of the logs."' in prompt["parts"][0]["text"]
    assert answer["parts"][1]["text"] == "I begin."


def test_handoff_now_ends_a_running_turn_and_its_goal_is_begun(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    play(PROMPT, Reply("I begin."))
    play("Sleep.", calls("bash", command="sleep 60", description="sleep"), Reply("Slept."))
    session = server.new_session(title="Busy")
    body = {"parts": [{"type": "text", "text": "Sleep."}], **with_model("m16")}
    server.post(f"/session/{session}/prompt_async", body)
    until(lambda: asked_about(model, "Sleep.") or None)

    new = now(server, session, "fix the tests")

    assert "**Goal:** fix the tests" in server.wait_for_the_end_of_the_turn(new)[0]["parts"][0]["text"]
    assert is_idle(server, session)
    assert server.messages(session)[-1]["info"]["error"]["name"] == "MessageAbortedError"


def test_a_third_automatic_handoff_without_a_word_of_the_person_does_not_come(server: Server, play: Play) -> None:
    metadata = {"handoff": {"from": "ses_before", "auto": 2}}
    full = (reads(server, 5 * K), Reply("Done.", input_tokens=9 * K))
    play(PROMPT, *full)
    play("Do it.", *full)
    alone, with_a_word = server.new_session(metadata=metadata), server.new_session(metadata=metadata)

    ours = {"type": "text", "text": PROMPT, "metadata": {"handoff": {"by": "handoff-sidecar"}}}
    server.say(alone, PROMPT, parts=[ours], **with_model("m16"))
    server.say(with_a_word, PROMPT + " again", **with_model("m16"), noReply=True)
    server.say(with_a_word, "Do it.", **with_model("m16"))

    new = handed_off_to(server, with_a_word)
    assert server.get(f"/session/{new}")["metadata"]["handoff"]["auto"] == 1
    assert "to" not in server.get(f"/session/{alone}")["metadata"]["handoff"]


def test_a_person_at_work_in_another_session_stays_there_and_is_told(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    go = server.sandbox.root / "go"
    wait = calls("bash", command=f"until [ -e {go} ]; do sleep 0.05; done", description="wait")
    play("Wait a bit.", wait, calls("session_handoff", summary="x"), Reply("Handed over."))
    play("It is my turn.", calls("session_handoff", summary="y"), Reply("Handed over."))
    background, at_work = server.new_session(title="Background"), server.new_session(title="At work")
    turn = {"parts": [{"type": "text", "text": "Wait a bit."}], **with_model("m200")}

    with server.http.stream("GET", "/event") as stream:
        events = (json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line)
        until(lambda: server.get("/session/status") == {} or None)  # what the test before began tells its end, too
        shown = (
            event
            for event in events
            if event["type"] == "tui.session.select" or "Another session" in str(event["properties"].get("message"))
        )
        server.post(f"/session/{background}/prompt_async", turn)
        until(lambda: asked_about(model, "Wait a bit.") or None)
        server.say(at_work, "hello", **with_model("m200"))
        go.touch()
        told = next(shown)
        server.say(at_work, "It is my turn.", **with_model("m200"))
        moved = next(shown)

    assert told["properties"]["message"] == (
        'Another session was handed off. The work goes on in "Handoff: Background".'
    )
    assert moved["properties"]["sessionID"] == handed_off_to(server, at_work)

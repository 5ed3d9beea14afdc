"""In the real OpenCode: once a session is handed off nothing works there beside the new one, until a person writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from opencode import neighbour
from opencode.server import PROMPT, TURN_TIMEOUT_S, Play, Server, asked_about, calls, serving, sidecars, until
from opencode.terminal import Terminal
from opencode.test_tui import SCREEN_TIMEOUT_S, tui, type_line

from handoff_sidecar.demo.binary import find_opencode
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import PROVIDER_ID, ChatRequest, Failure, Reply, ScriptedModel, ToolCall
from handoff_sidecar.opencode.versions import NEWEST_TRIED, OLDEST
from handoff_sidecar.settings import add_setting

FILLED = "filled"
ASKED = "and do nothing else: say where things stand"
ELSEWHERE = "and two agents must not work in one folder: nothing was done."

pytestmark = pytest.mark.timeout(600)  # a version that isn't in the cache yet is fetched first


@pytest.fixture(scope="module", params=[str(NEWEST_TRIED), str(OLDEST)])
def server(request: pytest.FixtureRequest, make_sandbox: Callable[..., Sandbox]) -> Iterator[Server]:
    models = {FILLED: {"name": FILLED, "limit": {"context": 16_000, "output": 4_000}, "tool_call": True}}
    config = {"provider": {PROVIDER_ID: {"models": models}}}
    sandbox = make_sandbox("two-agents", binary=find_opencode(request.param), config=config)
    add_setting(sandbox.config_folder, "auto_handoff_threshold", 80)
    neighbour.move_in(sandbox)
    with serving(sandbox, {"OPENCODE_EXPERIMENTAL_BACKGROUND_SUBAGENTS": "true"}) as server:
        server.new_session(title="Opens the directory")
        until(lambda: sidecars(sandbox) or None)
        yield server


@pytest.fixture
def hold(model: ScriptedModel, play: Play) -> Iterator[Callable[[str], threading.Event]]:
    """Lets the model answer a message only when the event is set."""
    _ = play
    held: list[tuple[str, threading.Event]] = []
    answer = model.script

    def patient(request: ChatRequest) -> Reply | Failure:
        for text, event in held:
            asked = request.last_text("user")
            if request.tools and text in asked and PROMPT not in asked:
                event.wait(TURN_TIMEOUT_S)
        return answer(request)

    def until_set(text: str) -> threading.Event:
        event = threading.Event()
        held.append((text, event))
        return event

    model.script = patient
    yield until_set
    for _text, event in held:
        event.set()


def prompt(server: Server, session: str, text: str) -> None:
    server.post(f"/session/{session}/prompt_async", {"parts": [{"type": "text", "text": text}]})


def results(server: Server, session: str, tool: str) -> list[str]:
    """What each call of the tool has come to, oldest first."""
    parts = [part for message in server.messages(session) for part in message["parts"] if part["type"] == "tool"]
    states: list[dict[str, Any]] = [part["state"] for part in parts if part["tool"] == tool]
    return [str(state.get("error") or state["status"]) for state in states]


def is_idle(server: Server) -> bool | None:
    return True if server.get("/session/status") == {} else None


def test_an_agent_that_goes_on_after_its_handoff_is_refused_and_a_later_message_is_carried_out(
    server: Server, play: Play
) -> None:
    project = server.sandbox.project
    again, new = project / "again.txt", project / "new.txt"
    play(PROMPT, calls("write", filePath=str(new), content="x\n"), Reply("I went on."))
    play(
        "Be stubborn.",
        calls("session_handoff", summary="Half done.", goal="the rest"),
        calls("write", filePath=str(project / "old.txt"), content="x\n"),
        calls("session_handoff", summary="Half done.", goal="the rest"),
        calls("bash", command="touch old.txt", description="Try it otherwise"),
        Reply("I stop."),
    )
    play("Write it here.", calls("write", filePath=str(again), content="x\n"), Reply("Written."))
    old = server.new_session(title="Stubborn")

    server.say(old, "Be stubborn.")

    made = server.tool_call(old, "session_handoff")["metadata"]["sessionID"]
    assert server.wait_for_the_end_of_the_turn(made)[-1]["parts"][-2]["text"] == "I went on."
    assert new.exists()
    assert not (project / "old.txt").exists()
    for tool in ("write", "bash"):
        (refused,) = results(server, old, tool)
        assert f"goes on in `{made}`, {ELSEWHERE}" in refused
    assert results(server, old, "session_handoff") == ["completed", "completed"]
    assert server.messages(old)[-1]["parts"][-2]["text"] == "I stop."

    server.say(old, "Write it here.")
    assert again.exists()
    assert results(server, old, "write")[1:] == ["completed"]


def test_what_was_called_in_the_same_step_ends_before_the_new_session_begins(server: Server, play: Play) -> None:
    slow = server.sandbox.project / "slow.txt"
    step = (
        ToolCall("bash", {"command": f"sleep 1 && touch {slow}", "description": "Take a second"}),
        ToolCall("session_handoff", {"summary": "S.", "goal": "the rest"}),
    )
    play("Do both.", Reply("", step), Reply("Over."))
    play(PROMPT, calls("bash", command=f"test -f {slow}", description="Look"), Reply("I went on."))
    old = server.new_session(title="Both")

    server.say(old, "Do both.")

    made = server.tool_call(old, "session_handoff")["metadata"]["sessionID"]
    server.wait_for_the_end_of_the_turn(made)
    assert results(server, old, "bash") == ["completed"]
    assert server.tool_call(made, "bash")["metadata"]["exit"] == 0


def test_a_message_that_was_queued_during_the_handoff_changes_nothing_in_the_old_session(
    server: Server, play: Play, hold: Callable[[str], threading.Event]
) -> None:
    project = server.sandbox.project
    play("handoff the first thing", calls("session_handoff", summary="S.", goal="the first thing"), Reply("Over."))
    play(PROMPT, calls("write", filePath=str(project / "first.txt"), content="x\n"), Reply("The first thing is done."))
    write = calls("write", filePath=str(project / "second.txt"), content="x\n")
    play("and the second", write, calls("session_handoff", summary="S.", goal="the second"), Reply("It is not done."))
    old = server.new_session(title="Queue")
    go = hold("handoff the first thing")

    prompt(server, old, "handoff the first thing")
    until(lambda: server.get("/session/status").get(old))
    prompt(server, old, "and the second")
    until(lambda: len([m for m in server.messages(old) if m["info"]["role"] == "user"]) == 2 or None)
    go.set()
    until(lambda: is_idle(server) and (server.get(f"/session/{old}")["metadata"] or None))

    made = server.get(f"/session/{old}")["metadata"]["handoff"]["to"]
    assert server.wait_for_the_end_of_the_turn(made)[-1]["parts"][-2]["text"] == "The first thing is done."
    assert (project / "first.txt").exists()
    assert not (project / "second.txt").exists()
    (refused,) = results(server, old, "write")
    assert ELSEWHERE in refused
    first, second = results(server, old, "session_handoff")
    assert (first, ELSEWHERE in second) == ("completed", True)
    from_old = [s for s in server.get("/session") if s.get("metadata", {}).get("handoff", {}).get("from") == old]
    assert [session["id"] for session in from_old] == [made]


def test_handoff_now_leaves_nothing_at_work_in_the_old_session_either(
    server: Server, play: Play, hold: Callable[[str], threading.Event]
) -> None:
    """In 1.15.13 a turn whose provider is silent outlives its abort, and a queued message is served after it."""
    project = server.sandbox.project
    play(PROMPT, calls("write", filePath=str(project / "third.txt"), content="x\n"), Reply("The third thing is done."))
    play("Think long.", Reply("I thought."))
    play("and the fourth", calls("write", filePath=str(project / "fourth.txt"), content="x\n"), Reply("Not done."))
    old = server.new_session(title="Now")
    go = hold("Think long.")

    prompt(server, old, "Think long.")
    until(lambda: server.get("/session/status").get(old))
    prompt(server, old, "and the fourth")
    until(lambda: len([m for m in server.messages(old) if m["info"]["role"] == "user"]) == 2 or None)
    answer = server.http.post(f"/session/{old}/command", json={"command": "handoff-now", "arguments": "the third"})
    assert answer.status_code == 500, "that is how a command ends without a model call"
    go.set()
    until(lambda: is_idle(server))

    made = server.get(f"/session/{old}")["metadata"]["handoff"]["to"]
    assert server.wait_for_the_end_of_the_turn(made)[-1]["parts"][-2]["text"] == "The third thing is done."
    assert not (project / "fourth.txt").exists()
    assert all(ELSEWHERE in result for result in results(server, old, "write"))


def typed(server: Server, play: Play) -> str:
    play("handoff the rest", calls("session_handoff", summary="S.", goal="the rest"), Reply("Over."))
    old = server.new_session(title="Typed")
    server.say(old, "handoff the rest")
    return old


def by_command(server: Server, play: Play) -> str:
    play("Begin.", Reply("Begun."))
    old = server.new_session(title="By command")
    server.say(old, "Begin.")
    command(server, old, "handoff-now", "the rest")
    return old


def by_itself(server: Server, play: Play) -> str:
    play(ASKED, Reply("I would rather not."))
    look = calls("read", filePath=str(server.sandbox.project / "README.md"))
    play("Fill it.", look, Reply("Full.", input_tokens=9_500))
    old = server.new_session(title="By itself")
    server.say(old, "Fill it.", model={"providerID": PROVIDER_ID, "modelID": FILLED})
    until(lambda: left_for(server, old))
    return old


def resumed(server: Server, play: Play) -> str:
    old = typed(server, play)
    first = left_for(server, old)
    command(server, server.new_session(title="Resumes"), "handoff-resume", old)
    second = left_for(server, old)
    assert first != second
    assert left_for(server, str(first)) == second, "the session that the same brief made before is left too"
    return old


def command(server: Server, session: str, name: str, words: str) -> None:
    answer = server.http.post(f"/session/{session}/command", json={"command": name, "arguments": words})
    assert answer.status_code == 500, "that is how a command ends without a model call"


def has_ended(server: Server, session: str, text: str) -> bool | None:
    """Whether a turn with these last words is over; 1.15.13 can call a session idle while its last message is open."""
    newest = server.messages(session)[-1:]
    is_whole = all(message["info"]["time"].get("completed") for message in newest)
    return (is_whole and text in str(newest) and session not in server.get("/session/status")) or None


def left_for(server: Server, session: str) -> str | None:
    to = server.get(f"/session/{session}").get("metadata", {}).get("handoff", {}).get("to")
    return str(to) if to else None


@pytest.mark.parametrize("hand_off", [typed, by_command, by_itself, resumed])
def test_a_plugins_prompt_changes_nothing_in_a_session_that_was_left_and_a_persons_does(
    server: Server, play: Play, hand_off: Callable[[Server, Play], str]
) -> None:
    name = hand_off.__name__
    looked, made = server.sandbox.project / "README.md", server.sandbox.project / f"{name}.txt"
    changes = (
        calls("read", filePath=str(looked)),
        calls("write", filePath=str(made), content="x\n"),
        calls("bash", command=f"touch {made}", description="Try it otherwise"),
    )
    play(PROMPT, Reply("I went on."))
    old = hand_off(server, play)
    # While its first turn goes on, the new session would answer what it is told of.
    until(lambda: has_ended(server, left_for(server, old) or "", "I went on.") and is_idle(server))
    for text, part in (("A plain prompt.", {}), ("A synthetic one.", {"synthetic": True})):
        play(text, *changes, Reply(f"{text} Not done."))
        neighbour.prompts(server, old, text, **part)
        until(partial(has_ended, server, old, f"{text} Not done."))

    refused = [*results(server, old, "write"), *results(server, old, "bash")]
    assert len(refused) == 4
    assert all(ELSEWHERE in result for result in refused), refused
    assert results(server, old, "read")[-2:] == ["completed", "completed"]
    assert not made.exists()

    play("It is me.", *changes[1:], Reply("Done."))
    server.say(old, "It is me.")
    assert made.exists()
    assert results(server, old, "bash")[-1] == "completed"
    assert until(lambda: server.get(f"/session/{old}")["metadata"]["handoff"].get("lifted"))


def test_a_process_that_was_not_there_or_hears_nothing_of_the_handoff_refuses_all_the_same(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    """As after a restart, in the first seconds too; and as beside another OpenCode on the same database."""
    sandbox = make_sandbox("restarted")
    neighbour.move_in(sandbox)
    changed = sandbox.project / "changed.txt"
    play(PROMPT, Reply("I went on."))
    play("A plugin's.", calls("write", filePath=str(changed), content="x\n"), Reply("Not done."))
    with serving(sandbox) as one:
        before = typed(one, play)
        with serving(sandbox) as other:
            for old in (before, typed(one, play)):
                neighbour.prompts(other, old, "A plugin's.")
                until(partial(has_ended, other, old, "Not done."))
                (refused,) = results(other, old, "write")
                assert ELSEWHERE in refused
    assert not changed.exists()


def test_a_background_subagents_result_reaches_the_new_session_in_a_line_and_the_old_agent_changes_nothing(
    server: Server, play: Play, hold: Callable[[str], threading.Event]
) -> None:
    if server.version == str(OLDEST):
        pytest.skip("1.15.13 has no such subagents")
    changed = server.sandbox.project / "woken.txt"
    work = {"description": "count the files", "prompt": "Count all files.", "subagent_type": "general"}
    play("Count all files.", Reply("There are 2 files."))
    play("Begin to count.", calls("task", **work, background=True), Reply("It counts."))
    play("handoff the rest", calls("session_handoff", summary="S.", goal="the rest"), Reply("Over."))
    play(PROMPT, Reply("I went on."))
    play("There are 2 files.", calls("write", filePath=str(changed), content="x\n"), Reply("Woken in vain."))
    old = server.new_session(title="Background")
    go_on = hold("Count all files.")

    server.say(old, "Begin to count.")
    server.say(old, "handoff the rest")
    new = str(left_for(server, old))
    server.wait_for_the_end_of_the_turn(new)
    go_on.set()
    until(partial(has_ended, server, old, "Woken in vain."))

    assert not changed.exists()
    (child,) = [session["id"] for session in server.get("/session") if session.get("parentID") == old]
    told = until(lambda: [m for m in server.messages(new) if "Arrived in" in str(m["parts"])] or None)
    (line,) = [part["text"] for message in told for part in message["parts"]]
    assert "completed" in line
    assert "count the files" in line
    assert f"(in full: read_session `{child}`)" in line
    assert server.messages(new)[-1]["info"]["role"] == "user", "it starts no turn"


def test_a_persons_first_message_from_another_window_is_carried_out_at_once_and_they_hear_who_is_busy(
    server: Server, play: Play, hold: Callable[[str], threading.Event]
) -> None:
    if server.version == str(OLDEST):
        pytest.skip("once is enough for what a TUI shows")
    changed = server.sandbox.project / "window.txt"
    play(PROMPT, Reply("I went on."))
    play("Work long.", Reply("Worked."))
    play("It is me here.", calls("write", filePath=str(changed), content="x\n"), Reply("Written for you."))
    old = typed(server, play)
    made = str(left_for(server, old))
    server.wait_for_the_end_of_the_turn(made)
    hold("Work long.")
    prompt(server, made, "Work long.")
    until(lambda: server.get("/session/status").get(made))

    attach = server.sandbox.command("attach", server.url, "--dir", str(server.sandbox.project), "--session", old)
    with Terminal(attach.argv, env=attach.env, cwd=attach.cwd) as window:
        window.wait_for("Over.", SCREEN_TIMEOUT_S)
        type_line(window, "It is me here.")
        window.wait_for("still busy in this folder", SCREEN_TIMEOUT_S)
        window.wait_for("Written for you.", SCREEN_TIMEOUT_S)

    assert changed.exists()


def test_in_the_tui_what_is_typed_behind_a_handoff_is_not_done_by_the_hidden_session(
    make_sandbox: Callable[..., Sandbox], play: Play, model: ScriptedModel, hold: Callable[[str], threading.Event]
) -> None:
    sandbox = make_sandbox("queued")
    first, second = (Path(sandbox.project) / name for name in ("first.txt", "second.txt"))
    play("handoff the first thing", calls("session_handoff", summary="S.", goal="the first thing"), Reply("Over."))
    play(PROMPT, calls("write", filePath=str(first), content="x\n"), Reply("The first thing is done."))
    play("and the second", calls("write", filePath=str(second), content="x\n"), Reply("It is not done."))
    go = hold("handoff the first thing")

    with tui(sandbox) as terminal:
        type_line(terminal, "handoff the first thing")
        terminal.wait_for("esc interrupt", SCREEN_TIMEOUT_S)
        type_line(terminal, "and the second")
        terminal.wait_for("QUEUED", SCREEN_TIMEOUT_S)
        go.set()
        terminal.wait_for("The first thing is done.", SCREEN_TIMEOUT_S)
        refused = until(lambda: any(ELSEWHERE in str(r.messages) for r in asked_about(model, "and the second")) or None)

    assert refused
    assert first.exists()
    assert not second.exists()

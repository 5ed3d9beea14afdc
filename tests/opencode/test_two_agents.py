"""In the real OpenCode: once a session is handed off nothing works there beside the new one, until a person writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from opencode import neighbour
from opencode.left import (
    ELSEWHERE,
    FILLED_MODEL,
    NUDGED,
    by_command,
    by_itself,
    has_ended,
    is_idle,
    left_for,
    prompt,
    results,
    resumed,
    typed,
)
from opencode.server import PROMPT, Play, calls, sidecars

from handoff_sidecar.demo.binary import find_opencode
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import PROVIDER_ID, Reply, ToolCall
from handoff_sidecar.demo.server import Server, serving, until
from handoff_sidecar.opencode.versions import NEWEST_TRIED, OLDEST
from handoff_sidecar.settings import add_setting

pytestmark = pytest.mark.timeout(600)  # a version that isn't in the cache yet is fetched first


@pytest.fixture(scope="module", params=[str(NEWEST_TRIED), str(OLDEST)])
def server(request: pytest.FixtureRequest, make_sandbox: Callable[..., Sandbox]) -> Iterator[Server]:
    # What others do here meets what we do at the very end of a step, when OpenCode takes its snapshot.
    config = {"provider": {PROVIDER_ID: {"models": FILLED_MODEL}}, "snapshot": True}
    sandbox = make_sandbox("two-agents", binary=find_opencode(request.param), config=config)
    add_setting(sandbox.config_folder, "auto_handoff_threshold", 80)
    neighbour.move_in(sandbox)
    with serving(sandbox, {"OPENCODE_EXPERIMENTAL_BACKGROUND_SUBAGENTS": "true"}) as server:
        server.new_session(title="Opens the directory")
        until(lambda: sidecars(sandbox) or None)
        yield server


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
        assert f"goes on in `{made}`. {ELSEWHERE}" in refused
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
    # Busy is not enough: until the first request is made, a cold 1.15.13 takes both messages into it.
    until(lambda: any(m["info"]["role"] == "assistant" for m in server.messages(old)) or None)
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


@pytest.mark.parametrize("hand_off", [typed, by_command, by_itself, resumed])
def test_a_plugins_prompt_changes_nothing_in_a_session_that_was_left_and_a_persons_does(
    server: Server, play: Play, hand_off: Callable[[Server, Play], str]
) -> None:
    looked, made = server.sandbox.project / "README.md", server.sandbox.project / f"{hand_off.__name__}.txt"
    write = ToolCall("write", {"filePath": str(made), "content": "x\n"})
    bash = ToolCall("bash", {"command": f"touch {made}", "description": "Try it otherwise"})
    look = ToolCall("read", {"filePath": str(looked)})
    play(PROMPT, Reply("I went on."))
    old = hand_off(server, play)
    # While its first turn goes on, the new session would answer what it is told of.
    until(lambda: has_ended(server, left_for(server, old) or "", "I went on.") and is_idle(server))
    for text, part in (("A plain prompt.", {}), ("A synthetic one.", {"synthetic": True})):
        play(text, Reply("", (look, write, bash)), Reply(f"{text} Not done."))
        neighbour.prompts(server, old, text, **part)
        until(partial(has_ended, server, old, f"{text} Not done."))

    refused = [*results(server, old, "write"), *results(server, old, "bash")]
    assert len(refused) == 4
    assert all(ELSEWHERE in result for result in refused), refused
    assert results(server, old, "read")[-2:] == ["completed", "completed"]
    assert not made.exists()

    play("It is me.", Reply("", (write, bash)), Reply("Done."))
    server.say(old, "It is me.")
    assert made.exists()
    assert results(server, old, "bash")[-1] == "completed"
    assert until(lambda: server.get(f"/session/{old}")["metadata"]["handoff"].get("lifted"))


def test_a_handoff_that_was_undone_does_not_lock_when_a_plugin_prompts_and_after_a_redo_it_does(
    server: Server, play: Play
) -> None:
    """At any prompt OpenCode removes what is undone, and no longer says that it was."""
    undone = server.sandbox.project / "undone.txt"
    play(PROMPT, Reply("I went on."))
    for text in ("After the redo.", "After the undo."):
        play(text, calls("write", filePath=str(undone), content="x\n"), Reply(f"{text} Over."))
    old = typed(server, play)
    until(lambda: has_ended(server, left_for(server, old) or "", "I went on.") and is_idle(server))
    turn = server.get(f"/session/{old}")["metadata"]["handoff"]["turn"]

    server.post(f"/session/{old}/revert", {"messageID": turn})
    server.post(f"/session/{old}/unrevert", {})
    neighbour.prompts(server, old, "After the redo.")
    until(partial(has_ended, server, old, "After the redo. Over."))
    (refused,) = results(server, old, "write")
    assert ELSEWHERE in refused
    server.post(f"/session/{old}/revert", {"messageID": turn})
    neighbour.prompts(server, old, "After the undo.")
    until(partial(has_ended, server, old, "After the undo. Over."))

    assert results(server, old, "write") == ["completed"]
    assert undone.exists()


@pytest.mark.parametrize(("at_first", "hands_off"), [(161_000, True), (neighbour.SUMS_UP_AT_TOKENS, False)])
def test_beside_a_plugin_that_sums_a_full_session_up_and_says_continue_one_agent_works_on(
    server: Server, play: Play, at_first: int, *, hands_off: bool
) -> None:
    """As opencode-supermemory 2.0.10 does: behind a handoff that has begun before it, and in the place of one."""
    if server.version == str(OLDEST):
        pytest.skip("once is enough for what another plugin does")
    gone_on = server.sandbox.project / f"gone-on-{at_first}.txt"
    full = neighbour.SUMS_UP_AT_TOKENS
    look = ToolCall("read", {"filePath": str(server.sandbox.project / "README.md")})
    hand_off = ToolCall("session_handoff", {"summary": "S.", "goal": "the rest"})
    play(PROMPT, Reply("I went on."))
    play(NUDGED, Reply(""), Reply(""), Reply("", (hand_off,), input_tokens=full), Reply("Over."))
    play("Fill it up.", Reply("", (look,)), Reply("", (look,), input_tokens=at_first), Reply("Full."))
    play(neighbour.CONTINUE, calls("write", filePath=str(gone_on), content="x\n"), Reply("I go on here."))
    old = server.new_session(title="Summed up")

    server.say(old, "Fill it up.")
    until(partial(has_ended, server, old, "I go on here."))

    (written,) = results(server, old, "write")
    assert (left_for(server, old) is not None, ELSEWHERE in written, gone_on.exists()) == (
        hands_off,
        hands_off,
        not hands_off,
    )


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

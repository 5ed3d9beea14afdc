"""In the real OpenCode: escape in the middle of a handoff, and a sidecar that never comes up."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from opencode.faults import faulty, install_saboteur
from opencode.server import TYPED, Play, calls, sidecars
from opencode.stored import stored_sessions
from opencode.test_tui import SCREEN_TIMEOUT_S, tui, type_line
from saboteur import Sabotage, plan

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply
from handoff_sidecar.demo.server import until

ENDED_WITHIN_S = 0.2

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]


def test_escape_in_the_tui_ends_a_handoff_at_once_and_leaves_nothing_half_made(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    play("Build the login.", Reply("The login works."))
    play(TYPED, calls("session_handoff", summary="The login works."), Reply("Handed over."))
    sandbox = make_sandbox("escape")
    path = install_saboteur(sandbox)
    plan(path, Sabotage("lost", "POST /session"))

    with tui(sandbox) as terminal:
        type_line(terminal, "handoff go on")
        until(lambda: path.with_name("plan.done").exists() or None)
        terminal.press("escape")
        terminal.wait_for("esc again to interrupt", SCREEN_TIMEOUT_S)
        terminal.press("escape")
        log = path.with_name("plan.log")
        until(lambda: "$/cancelRequest" in log.read_text() or None)
        until(lambda: '"out", "result"' in log.read_text() or None)
        until(lambda: '"answer", "DELETE /session' in log.read_text() or None)
        screen = terminal.wait_for(lambda screen: "esc interrupt" not in screen, SCREEN_TIMEOUT_S)

    times = {(what, name): at for at, _, what, name in map(json.loads, log.read_text().splitlines())}
    assert times["out", "result"] - times["in", "$/cancelRequest"] < ENDED_WITHIN_S
    assert "Traceback" not in screen
    assert [session["title"] for session in stored_sessions(sandbox) if session["title"].startswith("Handoff")] == []


def test_a_sidecar_that_crashes_at_each_start_is_left_alone_for_longer_each_time_until_it_is_well_again(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    play("Do it.", *[calls("session_handoff", summary="x")] * 6, Reply("I go on here."))
    sandbox = make_sandbox("crashing")
    plan(sandbox.root / "plan", Sabotage("crash"))

    with faulty(sandbox) as breakable:
        session = breakable.server.new_session()

        def turn() -> list[str]:
            before = len(breakable.server.messages(session))
            breakable.server.say(session, "Do it.")
            parts = [part for message in breakable.server.messages(session)[before:] for part in message["parts"]]
            return [part["state"].get("error", "") for part in parts if part["type"] == "tool"]

        errors = turn()
        starts = sum(what == "start" for _, _, what, _ in breakable.frames())
        assert 2 <= starts < len(errors)
        assert "this sidecar crashes at its start" in errors[0]
        assert "in a row and won't be started for" in errors[-1]
        assert "Nothing was made and this session is unchanged. Run `handoff-sidecar doctor`" in errors[-1]
        assert sidecars(sandbox) == []
        breakable.go_wrong(None)
        until(lambda: "" in turn() or None)

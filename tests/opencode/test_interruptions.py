"""In the real OpenCode: escape in the middle of a handoff, and a sidecar that never comes up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from opencode.faults import Faulty, faulty, install_saboteur
from opencode.server import TYPED, Play, Server, calls, sidecars, until
from opencode.test_tui import SCREEN_TIMEOUT_S, tui, type_line
from saboteur import Sabotage, plan

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply

REST_MS = 1_000
ENDED_WITHIN_S = 0.2

pytestmark = pytest.mark.timeout(180)


def test_escape_in_the_tui_ends_a_handoff_at_once_and_leaves_nothing_half_made(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    play("Build the login.", Reply("The login works."))
    play(TYPED, calls("session_handoff", summary="The login works."), Reply("Handed over."))
    sandbox = make_sandbox("escape")
    path = install_saboteur(sandbox)
    plan(path, Sabotage("lost", "POST /session"))

    with tui(sandbox) as terminal:
        type_line(terminal, "handoff")
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
    assert [session["title"] for session in sandbox.sessions() if session["title"].startswith("Handoff")] == []


def test_a_sidecar_that_crashes_at_each_start_is_left_alone_then_given_up_with_one_notice(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    play("Do it.", *[calls("session_handoff", summary="x")] * 6, Reply("I go on here."))
    sandbox = make_sandbox("crashing")
    plan(sandbox.root / "plan", Sabotage("crash"))

    with faulty(sandbox, restMs=REST_MS) as breakable, toasts(breakable.server) as shown:
        session = breakable.server.new_session()

        def turn() -> list[str]:
            before = len(breakable.server.messages(session))
            breakable.server.say(session, "Do it.")
            parts = [part for message in breakable.server.messages(session)[before:] for part in message["parts"]]
            assert parts[-2]["text"] == "I go on here."
            return [part["state"]["error"] for part in parts if part["type"] == "tool"]

        def starts(faulty: Faulty) -> int:
            return sum(what == "start" for _, _, what, _ in faulty.frames())

        first = turn()
        assert starts(breakable) < 10
        assert "this sidecar crashes at its start" in first[0]
        assert "left alone for another" in " ".join(first)

        def given_up() -> list[str] | None:
            errors = turn()
            return errors if "is not started again" in errors[-1] else None

        errors = until(given_up)
        turn()
        assert "Nothing was made and this session is unchanged. Run `handoff-sidecar doctor`" in errors[-1]
        assert starts(breakable) == 10
        until(lambda: True if any("is not started again" in toast for toast in shown) else None)
        assert sum("is not started again" in toast for toast in shown) == 1
        assert sidecars(sandbox) == []


@contextmanager
def toasts(server: Server) -> Iterator[list[str]]:
    """What toasts say, as a TUI that is attached would see them."""
    seen: list[str] = []
    listening = threading.Event()

    def listen() -> None:
        try:
            with httpx.stream("GET", f"{server.url}/event", timeout=None) as stream:
                listening.set()
                lines = (line.removeprefix("data: ") for line in stream.iter_lines() if "tui.toast.show" in line)
                seen.extend(json.loads(line)["properties"]["message"] for line in lines)
        except httpx.HTTPError:
            return  # the server has ended

    threading.Thread(target=listen, daemon=True).start()
    assert listening.wait(SCREEN_TIMEOUT_S)
    yield seen

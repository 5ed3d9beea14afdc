"""In the real OpenCode: in a session that was left a person's first message is carried out at once, from wherever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from opencode.left import ELSEWHERE, has_ended, left_for, prompt, results, typed
from opencode.server import PROMPT, Play, asked_about, calls, toasts
from opencode.terminal import Terminal
from opencode.test_tui import SCREEN_TIMEOUT_S, said, tui, type_line

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import MODEL_ID, PROVIDER_ID, Reply, ScriptedModel
from handoff_sidecar.demo.server import Server, until

pytestmark = pytest.mark.timeout(180)

TEXT = "It is me here."
STILL_BUSY = "which is still busy in this folder."


def over_http(server: Server, session: str) -> None:
    """As a script does, or an editor: those that show OpenCode talk to its server, with a client of their own."""
    prompt(server, session, TEXT)


def from_the_web(server: Server, session: str) -> None:
    """As the web page does: with the directory in query and header, ids of its own, and the agent and the model."""
    folder = str(server.sandbox.project)
    number = f"{int(time.time() * 1_000) * 0x1000 + 1 & (1 << 48) - 1:012x}".ljust(26, "0")
    body = {
        "agent": "build",
        "model": {"providerID": PROVIDER_ID, "modelID": MODEL_ID},
        "messageID": f"msg_{number}",
        "parts": [{"id": f"prt_{number}", "type": "text", "text": TEXT}],
    }
    path, named = f"/session/{session}/prompt_async", {"x-opencode-directory": folder}
    assert server.http.post(path, params={"directory": folder}, headers=named, json=body).is_success


def from_an_attached_tui(server: Server, session: str) -> None:
    attach = server.sandbox.command("attach", server.url, "--dir", str(server.sandbox.project), "--session", session)
    with Terminal(attach.argv, env=attach.env, cwd=attach.cwd) as window:
        window.wait_for("Over.", SCREEN_TIMEOUT_S)
        type_line(window, TEXT)
        said(window, STILL_BUSY)
        window.wait_for("Written for you.", SCREEN_TIMEOUT_S)


@pytest.mark.parametrize("send", [over_http, from_the_web, from_an_attached_tui])
def test_a_persons_first_message_is_carried_out_at_once_and_they_hear_which_session_is_busy(
    server: Server,
    play: Play,
    hold: Callable[[str], threading.Event],
    send: Callable[[Server, str], None],
) -> None:
    changed = server.sandbox.project / f"{send.__name__}.txt"
    play(PROMPT, Reply("I went on."))
    play("Work long.", Reply("Worked."))
    play(TEXT, calls("write", filePath=str(changed), content="x\n"), Reply("Written for you."))
    old = typed(server, play)
    made = str(left_for(server, old))
    until(lambda: has_ended(server, made, "I went on."))
    hold("Work long.")
    prompt(server, made, "Work long.")
    until(lambda: server.get("/session/status").get(made))

    with toasts(server) as seen:
        send(server, old)
        until(lambda: has_ended(server, old, "Written for you."))
        told = until(lambda: next((toast for toast in seen if STILL_BUSY in toast), None))

    assert changed.exists()
    assert results(server, old, "write") == ["completed"]
    assert told.startswith(f'This session was handed off to "Handoff: Typed · the rest", {STILL_BUSY} Two agents')


def test_in_the_tui_the_hidden_session_does_nothing_of_what_was_typed_before_the_handoff_and_all_that_is_typed_later(
    make_sandbox: Callable[..., Sandbox], play: Play, model: ScriptedModel, hold: Callable[[str], threading.Event]
) -> None:
    sandbox = make_sandbox("typed")
    first, second, third = (Path(sandbox.project) / name for name in ("first.txt", "second.txt", "third.txt"))
    play("handoff the first thing", calls("session_handoff", summary="S.", goal="the first thing"), Reply("Over."))
    play(PROMPT, calls("write", filePath=str(first), content="x\n"), Reply("The first thing is done."))
    play("and the second", calls("write", filePath=str(second), content="x\n"), Reply("It is not done."))
    play("Work long.", Reply("Worked."))
    play(TEXT, calls("write", filePath=str(third), content="x\n"), Reply("Written for you."))
    go = hold("handoff the first thing")

    with tui(sandbox) as terminal:
        type_line(terminal, "handoff the first thing")
        terminal.wait_for("esc interrupt", SCREEN_TIMEOUT_S)
        type_line(terminal, "and the second")
        terminal.wait_for("QUEUED", SCREEN_TIMEOUT_S)
        go.set()
        terminal.wait_for("The first thing is done.", SCREEN_TIMEOUT_S)
        refused = until(lambda: any(ELSEWHERE in str(r.messages) for r in asked_about(model, "and the second")) or None)
        hold("Work long.")
        type_line(terminal, "Work long.")
        until(lambda: asked_about(model, "Work long.") or None)
        terminal.press("ctrl+x")
        terminal.type("l")
        terminal.wait_for("Sessions", SCREEN_TIMEOUT_S)
        terminal.press("down")  # from the one of the two that is on the screen
        terminal.press("enter")
        terminal.wait_for("It is not done.", SCREEN_TIMEOUT_S)
        type_line(terminal, TEXT)
        said(terminal, STILL_BUSY)
        terminal.wait_for("Written for you.", SCREEN_TIMEOUT_S)

    assert refused
    assert (first.exists(), second.exists(), third.exists()) == (True, False, True)

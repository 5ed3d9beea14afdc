"""In the real OpenCode: the TUI, typed into and read as a person would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from opencode.server import PROMPT, TYPED, Play, calls
from opencode.terminal import Terminal

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply

SCREEN_TIMEOUT_S = 60.0
HOME_SCREEN = "Ask anything"


@contextmanager
def tui(sandbox: Sandbox) -> Iterator[Terminal]:
    command = sandbox.tui_command()
    with Terminal(command.argv, env=command.env, cwd=command.cwd) as terminal:
        terminal.wait_for(HOME_SCREEN, SCREEN_TIMEOUT_S)
        yield terminal


def type_line(terminal: Terminal, text: str) -> None:
    terminal.type(text)
    terminal.wait_for(text, SCREEN_TIMEOUT_S)
    terminal.press("enter")


def test_a_typed_handoff_ends_on_the_screen_of_the_new_session(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    play("Build the login.", Reply("The login works."))
    play(TYPED, calls("session_handoff", summary="The login works.", goal="fix the tests"), Reply("Handed over."))
    play(PROMPT, Reply("Now I fix the tests."))
    sandbox = make_sandbox("tui")

    with tui(sandbox) as terminal:
        type_line(terminal, "Build the login.")
        terminal.wait_for("The login works.", SCREEN_TIMEOUT_S)
        type_line(terminal, "handoff fix the tests")
        screen = terminal.wait_for("Now I fix the tests.", SCREEN_TIMEOUT_S)

    assert "Session Handoff" in screen
    assert "fix the tests" in screen
    assert "Build the login." not in screen, "the old session's first message is still on the screen"
    assert {session["title"] for session in sandbox.sessions()} == {"A title", "Handoff: A title"}


def test_with_open_picker_the_person_chooses_the_session(make_sandbox: Callable[..., Sandbox], play: Play) -> None:
    play(TYPED, calls("session_handoff", summary="The login works."), Reply("Handed over."))
    play(PROMPT, Reply("I wait for you."))
    sandbox = make_sandbox("picker")
    (sandbox.config_folder / "handoff.json").write_text(json.dumps({"open": "picker"}))

    with tui(sandbox) as terminal:
        type_line(terminal, "handoff")
        screen = terminal.wait_for("Handoff: ", SCREEN_TIMEOUT_S)

    assert "Sessions" in screen


def test_a_failure_is_a_toast_and_the_session_goes_on(make_sandbox: Callable[..., Sandbox], play: Play) -> None:
    play("Do it.", calls("read_session"), Reply("There is nothing to read."))
    sandbox = make_sandbox("toast")

    with tui(sandbox) as terminal:
        type_line(terminal, "Do it.")
        terminal.wait_for(lambda screen: "no previous session" in " ".join(screen.split()), SCREEN_TIMEOUT_S)
        screen = terminal.wait_for("There is nothing to read.", SCREEN_TIMEOUT_S)

    assert "Traceback" not in screen


pytestmark = pytest.mark.timeout(180)

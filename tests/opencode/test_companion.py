"""In the real OpenCode: the companion in its windows. `make test` has one of these; `make tui` all, in two versions.

With two windows a busy machine would fail: a window that takes more than 300 ms to answer is moved with all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from opencode.server import PROMPT, TYPED, Play, asked_about, calls, until
from opencode.terminal import Terminal
from opencode.test_tui import SCREEN_TIMEOUT_S, tui, type_line

from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel
from handoff_sidecar.installation import companion
from handoff_sidecar.opencode.versions import OLDEST
from handoff_sidecar.settings import add_setting

pytestmark = pytest.mark.timeout(300)

BACK_AND_FORTH = "j"
"""After the leader key, ctrl+x."""


@pytest.fixture
def with_companion(make_sandbox: Callable[..., Sandbox], play: Play) -> Callable[[str], Sandbox]:
    """A sandbox with the companion, whose model can hand off."""
    play("Build the login.", Reply("The login works."))
    play("Write the docs.", Reply("The docs are written."))
    play("Read it all.", Reply("I have read it all.", input_tokens=183_000))
    play(TYPED, calls("session_handoff", summary="The login works.", goal="fix the tests"), Reply("Handed over."))
    play(PROMPT, Reply("Now I fix the tests."))

    def make(version: str) -> Sandbox:
        sandbox = make_sandbox("companion", binary=find_opencode(version))
        companion.add(sandbox.config_folder)
        return sandbox

    return make


@contextmanager
def two_windows(sandbox: Sandbox) -> Iterator[tuple[Terminal, Terminal]]:
    with sandbox.serve() as url, tui(sandbox, "attach", url) as one, tui(sandbox, "attach", url) as other:
        yield one, other


def say(terminal: Terminal, text: str, answer: str) -> None:
    type_line(terminal, text)
    terminal.wait_for(answer, SCREEN_TIMEOUT_S)


def press_leader(terminal: Terminal, key: str) -> None:
    terminal.press("ctrl+x")
    terminal.type(key)


def errors_in_the_log(sandbox: Sandbox) -> list[str]:
    logs = (sandbox.home / ".local/share/opencode/log").glob("*.log")
    lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
    assert lines
    return [line for line in lines if "level=ERROR" in line or line.startswith("ERROR")]


@pytest.mark.tui
@pytest.mark.parametrize("version", [PINNED_VERSION, str(OLDEST)])
def test_of_two_windows_the_one_with_the_old_session_moves_and_the_other_keeps_its_draft(
    with_companion: Callable[[str], Sandbox], version: str
) -> None:
    sandbox = with_companion(version)

    with two_windows(sandbox) as (one, other):
        say(one, "Build the login.", "The login works.")
        say(other, "Write the docs.", "The docs are written.")
        other.type("half typed")
        other.wait_for("half typed", SCREEN_TIMEOUT_S)
        say(one, "handoff fix the tests", "Now I fix the tests.")
        one.wait_for(lambda screen: "interrupt" not in screen, SCREEN_TIMEOUT_S)
        type_line(one, "/handoff-now mend the docs")
        one.wait_for(
            lambda screen: "**Goal:** mend the docs" in screen and "Now I fix the tests." in screen, SCREEN_TIMEOUT_S
        )
        screen = other.screen()

    assert "The docs are written." in screen
    assert "half typed" in screen
    assert "Session Handoff" not in screen
    assert errors_in_the_log(sandbox) == []


@pytest.mark.parametrize("version", [PINNED_VERSION, pytest.param(str(OLDEST), marks=pytest.mark.tui)])
def test_the_line_beside_the_prompt_and_the_way_back_and_forth(
    with_companion: Callable[[str], Sandbox], version: str
) -> None:
    sandbox = with_companion(version)

    with tui(sandbox) as terminal:
        say(terminal, "Build the login.", "The login works.")
        quiet = terminal.screen()
        say(terminal, "Read it all.", "I have read it all.")
        terminal.wait_for("compacts in 9k", SCREEN_TIMEOUT_S)
        say(terminal, "handoff fix the tests", "Now I fix the tests.")
        press_leader(terminal, BACK_AND_FORTH)
        terminal.wait_for(lambda screen: "Read it all." in screen and "→ Handoff: " in screen, SCREEN_TIMEOUT_S)
        terminal.type("half typed")
        terminal.wait_for("half typed", SCREEN_TIMEOUT_S)
        press_leader(terminal, BACK_AND_FORTH)
        there = terminal.wait_for(
            lambda screen: "Now I fix the tests." in screen and "Read it all." not in screen, SCREEN_TIMEOUT_S
        )
        press_leader(terminal, BACK_AND_FORTH)
        terminal.wait_for("half typed", SCREEN_TIMEOUT_S)

    assert "compacts in" not in quiet
    assert "half typed" not in there


@pytest.mark.tui
@pytest.mark.parametrize("version", [PINNED_VERSION, str(OLDEST)])
def test_with_an_automatic_handoff_the_line_names_that_and_a_narrow_terminal_holds_it(
    with_companion: Callable[[str], Sandbox], play: Play, version: str
) -> None:
    sandbox = with_companion(version)
    add_setting(sandbox.config_folder, "auto_handoff_threshold", 80)
    play("Read most.", Reply("I have read most.", input_tokens=149_000))
    command = sandbox.command()

    with Terminal(command.argv, env=command.env, cwd=command.cwd, size=(60, 30)) as terminal:
        terminal.wait_for("Ask anything", SCREEN_TIMEOUT_S)
        say(terminal, "Read most.", "I have read most.")
        terminal.wait_for("handoff in 11k", SCREEN_TIMEOUT_S)


@pytest.mark.tui
@pytest.mark.parametrize("version", [PINNED_VERSION, str(OLDEST)])
def test_without_the_server_half_no_enter_is_lost(
    with_companion: Callable[[str], Sandbox], model: ScriptedModel, version: str
) -> None:
    """Nobody there knows `/handoff-now`, so it goes out as OpenCode would have it: as a message."""
    sandbox = with_companion(version)
    (sandbox.config_folder / "plugin" / "handoff-sidecar.js").unlink()

    with tui(sandbox) as terminal:
        say(terminal, "Build the login.", "The login works.")
        say(terminal, "Write the docs.", "The docs are written.")
        type_line(terminal, "/handoff-now mend it")
        until(lambda: asked_about(model, "/handoff-now mend it") or None)

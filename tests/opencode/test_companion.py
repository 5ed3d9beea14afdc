"""In the real OpenCode: the companion in its windows. `make test` has one of these; `make tui` all, in two versions.

With two windows a busy machine would fail: a window that takes more than 300 ms to answer is moved with all others.
"""

from __future__ import annotations

import pytest
from opencode.server import Play, asked_about
from opencode.terminal import Terminal
from opencode.test_tui import SCREEN_TIMEOUT_S, tui, type_line
from opencode.windows import (
    BACK_AND_FORTH,
    WithCompanion,
    errors_in_the_log,
    in_both_versions,
    press_leader,
    say,
    two_windows,
    with_companion,
)

from handoff_sidecar.demo.binary import PINNED_VERSION
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel
from handoff_sidecar.demo.server import until
from handoff_sidecar.opencode.versions import OLDEST
from handoff_sidecar.settings import add_setting

__all__ = ["with_companion"]

pytestmark = pytest.mark.timeout(300)


@pytest.mark.tui
@in_both_versions
def test_of_two_windows_the_one_with_the_old_session_moves_and_the_other_keeps_its_draft(
    with_companion: WithCompanion, version: str
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
def test_the_line_beside_the_prompt_and_the_way_back_and_forth(with_companion: WithCompanion, version: str) -> None:
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
@in_both_versions
def test_with_an_automatic_handoff_the_line_names_that_and_a_narrow_terminal_holds_it(
    with_companion: WithCompanion, play: Play, version: str
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
@in_both_versions
def test_without_the_server_half_no_enter_is_lost(
    with_companion: WithCompanion, model: ScriptedModel, version: str
) -> None:
    """Nobody there knows `/handoff-now`, so it goes out as OpenCode would have it: as a message."""
    sandbox = with_companion(version)
    (sandbox.config_folder / "plugin" / "handoff-sidecar.js").unlink()

    with tui(sandbox) as terminal:
        say(terminal, "Build the login.", "The login works.")
        say(terminal, "Write the docs.", "The docs are written.")
        type_line(terminal, "/handoff-now mend it")
        until(lambda: asked_about(model, "/handoff-now mend it") or None)

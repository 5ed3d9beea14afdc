"""In the real OpenCode: the companion where something is amiss. Only `make tui` runs these, in two versions."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from opencode.server import sidecars
from opencode.stored import stored_sessions
from opencode.terminal import Terminal
from opencode.test_run import plugin_with
from opencode.test_tui import SCREEN_TIMEOUT_S, tui, type_line
from opencode.test_tui import said as said_on
from opencode.windows import (
    BACK_AND_FORTH,
    WithCompanion,
    errors_in_the_log,
    in_both_versions,
    press_leader,
    say,
    with_companion,
)

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.server import until
from handoff_sidecar.installation.plugin_file import shim_entry
from handoff_sidecar.rpc.messages import ErrorCode

__all__ = ["with_companion"]

pytestmark = [pytest.mark.timeout(300), pytest.mark.tui]

COMPLETION = "Continue in a fresh session at once"
"""Stands in the completion that opens while `/handoff-now` is typed."""

THROWS = """\
export default {
  id: "thrower",
  async tui(api) {
    const cmd = () => {
      if (api.renderer.currentFocusedEditor.plainText.startsWith("/")) throw new Error("not today")
      return false
    }
    api.keymap.registerLayer({ priority: 2000, bindings: [{ key: "return", cmd }] })
  },
}
"""

OLD_SIDECAR = f"""\
import json, sys
for line in sys.stdin:
    if (call := json.loads(line)).get("method") == "initialize":
        error = {{"code": {int(ErrorCode.PROTOCOL_MISMATCH)}, "message": "the sidecar 0.0.1 speaks protocol 0"}}
        print(json.dumps({{"jsonrpc": "2.0", "id": call["id"], "error": error}}), flush=True)
"""


def also_load(sandbox: Sandbox, plugin: Path) -> None:
    """Have OpenCode's screen load this plugin beside the companion, whose file is the other one of the two."""
    file = sandbox.config_folder / "tui.json"
    assert not file.exists()
    file.write_text(json.dumps({"plugin": [str(plugin)]}))


def in_another_session(screen: str) -> bool:
    return "Session Handoff" in screen and "word for word" in screen


def in_the_box(line: str) -> bool:
    return line.endswith("┃  /handoff-resume")


def in_the_first_session(screen: str) -> bool:
    return "The login works." in screen and "Session Handoff" not in screen


@in_both_versions
def test_every_command_works_as_typed_and_leaves_no_line_in_the_log(
    with_companion: WithCompanion, version: str
) -> None:
    sandbox = with_companion(version)

    with tui(sandbox) as terminal:
        say(terminal, "Build the login.", "The login works.")
        terminal.type("/handoff-now")
        terminal.wait_for(COMPLETION, SCREEN_TIMEOUT_S)
        terminal.press("enter")
        terminal.wait_for(in_another_session, SCREEN_TIMEOUT_S)
        type_line(terminal, "/handoff-undo")
        terminal.wait_for(in_the_first_session, SCREEN_TIMEOUT_S)
        type_line(terminal, "/handoff-now mend the docs")
        terminal.wait_for("**Goal:** mend the docs", SCREEN_TIMEOUT_S)
        type_line(terminal, "/handoff-undo please")
        terminal.wait_for(in_the_first_session, SCREEN_TIMEOUT_S)
        type_line(terminal, "/handoff-resume")
        said_on(terminal, "/handoff-resume")
        terminal.wait_for(lambda screen: not any(map(in_the_box, screen.splitlines())), SCREEN_TIMEOUT_S)
        old = next(each["id"] for each in stored_sessions(sandbox) if not each["title"].startswith("Handoff: "))
        type_line(terminal, f"/handoff-resume {old}")
        terminal.wait_for(in_another_session, SCREEN_TIMEOUT_S)
        type_line(terminal, "/handoff-draft write more docs")
        terminal.wait_for("**Goal:** write more docs", SCREEN_TIMEOUT_S)

    # A turn that is stopped, as `/handoff-undo` does, is logged by OpenCode as an error, as after escape.
    assert [line for line in errors_in_the_log(sandbox) if "error=Aborted" not in line] == []


@in_both_versions
def test_on_the_home_screen_there_is_nothing_to_hand_off(with_companion: WithCompanion, version: str) -> None:
    sandbox = with_companion(version)

    with tui(sandbox) as terminal:
        until(lambda: sidecars(sandbox) or None)
        type_line(terminal, "handoff")
        said_on(terminal, "There is nothing to hand off")


@in_both_versions
def test_another_plugin_that_throws_at_every_command_does_not_keep_ours_from_being_carried_out(
    with_companion: WithCompanion, version: str
) -> None:
    sandbox = with_companion(version)
    thrower = sandbox.root / "thrower.js"
    thrower.write_text(THROWS)
    also_load(sandbox, thrower)

    with tui(sandbox) as terminal:
        say(terminal, "Build the login.", "The login works.")
        type_line(terminal, "/handoff-now mend the docs")
        terminal.wait_for("**Goal:** mend the docs", SCREEN_TIMEOUT_S)


@in_both_versions
def test_of_two_companions_one_acts(with_companion: WithCompanion, version: str) -> None:
    sandbox = with_companion(version)
    copy = sandbox.root / "copy"
    shutil.copytree(shim_entry().parent, copy, ignore=shutil.ignore_patterns("node_modules"))
    also_load(sandbox, copy / "tui.js")

    with tui(sandbox) as terminal:
        say(terminal, "Build the login.", "The login works.")
        say(terminal, "Read it all.", "I have read it all.")
        screen = terminal.wait_for("compacts in 9k", SCREEN_TIMEOUT_S)
        type_line(terminal, "/handoff-now mend the docs")
        terminal.wait_for("**Goal:** mend the docs", SCREEN_TIMEOUT_S)
        press_leader(terminal, BACK_AND_FORTH)
        terminal.wait_for("→ Handoff: ", SCREEN_TIMEOUT_S)

    assert screen.count("compacts in") == 1
    assert len(stored_sessions(sandbox)) == 2


@in_both_versions
def test_with_a_sidecar_of_another_version_the_person_is_told_and_may_go_on(
    with_companion: WithCompanion, version: str
) -> None:
    sandbox = with_companion(version)
    sandbox.plugin_file("handoff-sidecar.js", plugin_with([sys.executable, "-c", OLD_SIDECAR]))

    with tui(sandbox) as terminal:
        say(terminal, "Read it all.", "I have read it all.")
        type_line(terminal, "/handoff-now mend the docs")
        said_on(terminal, "speaks protocol")
        screen = terminal.screen()
        say(terminal, "Write the docs.", "The docs are written.")

    assert "compacts in" not in screen


@in_both_versions
def test_a_session_that_was_removed_is_no_way_to_go(with_companion: WithCompanion, version: str) -> None:
    sandbox = with_companion(version)

    with sandbox.serve() as url, tui(sandbox, "attach", url) as terminal:
        say(terminal, "Build the login.", "The login works.")
        type_line(terminal, "/handoff-now")
        terminal.wait_for(in_another_session, SCREEN_TIMEOUT_S)
        press_leader(terminal, BACK_AND_FORTH)
        terminal.wait_for("→ Handoff: ", SCREEN_TIMEOUT_S)
        new = next(each["id"] for each in httpx.get(f"{url}/session").json() if each["title"].startswith("Handoff: "))
        assert httpx.delete(f"{url}/session/{new}").json() is True
        press_leader(terminal, BACK_AND_FORTH)
        said_on(terminal, "That session no longer exists.")
        say(terminal, "Write the docs.", "The docs are written.")

    assert errors_in_the_log(sandbox) == []


@in_both_versions
def test_where_the_server_is_gone_the_window_still_takes_what_is_typed(
    with_companion: WithCompanion, version: str
) -> None:
    sandbox = with_companion(version)

    with ExitStack() as server, ExitStack() as window:
        url = server.enter_context(sandbox.serve())
        terminal = window.enter_context(tui(sandbox, "attach", url))
        say(terminal, "Build the login.", "The login works.")
        server.close()
        type_line(terminal, "/handoff-now mend the docs")
        press_leader(terminal, BACK_AND_FORTH)
        terminal.type("and then")
        terminal.wait_for("and then", SCREEN_TIMEOUT_S)


@in_both_versions
def test_on_a_light_background_the_line_can_be_read(with_companion: WithCompanion, version: str) -> None:
    command = with_companion(version).command()

    with Terminal(command.argv, env=command.env, cwd=command.cwd, is_light=True) as terminal:
        terminal.wait_for("Ask anything", SCREEN_TIMEOUT_S)
        say(terminal, "Read it all.", "I have read it all.")
        terminal.wait_for("compacts in 9k", SCREEN_TIMEOUT_S)
        text, behind = map(luminance, terminal.colours("compacts in 9k"))

    assert behind > 0.8
    assert (behind + 0.05) / (text + 0.05) >= 3, "WCAG's contrast for what is not body text"


def luminance(colour: str) -> float:
    """The relative luminance of `rrggbb`, as WCAG defines it."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

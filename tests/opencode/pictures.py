"""Takes the README's pictures: the real TUI before and after a handoff. `python pictures.py FOLDER` writes them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from opencode.server import PROMPT, TYPED
from opencode.terminal import Terminal

from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode
from handoff_sidecar.demo.playbook import FIRST_REQUEST, HANDOFF_GOAL, PROJECT_FILES, TITLE, Playbook, demo_playbook
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel, ToolCall
from handoff_sidecar.installation import companion
from handoff_sidecar.installation.plugin_file import install

SIZE = (140, 48)
"""Wide enough for OpenCode's sidebar, where the title and the todo list stand."""

SMALL_SIZE = (100, 24)

TIMEOUT_S = 60.0


def take_pictures(folder: Path) -> None:
    """Write `before.svg` and `after.svg`."""
    with tempfile.TemporaryDirectory(prefix="handoff-") as root, ScriptedModel(Playbook(TITLE, {})) as model:
        sandbox = Sandbox.create(Path(root), find_opencode(PINNED_VERSION).path, model.base_url)
        model.script = demo_playbook(sandbox.project)
        sandbox.write_project(PROJECT_FILES)
        install(sandbox.config_folder)
        command = sandbox.command()
        with Terminal(command.argv, env=command.env, cwd=command.cwd, size=SIZE) as terminal:
            terminal.wait_for("Ask anything", TIMEOUT_S)
            _say(terminal, FIRST_REQUEST)
            terminal.wait_for(lambda screen: "no change of the format" in screen and _is_idle(screen), TIMEOUT_S)
            terminal.type(f"handoff {HANDOFF_GOAL}")
            terminal.wait_for(HANDOFF_GOAL, TIMEOUT_S)
            folder.joinpath("before.svg").write_text(terminal.picture("OpenCode: before"), encoding="utf-8")
            terminal.press("enter")
            terminal.wait_for(
                lambda screen: "I start with POST" in " ".join(screen.split()) and _is_idle(screen), TIMEOUT_S
            )
            folder.joinpath("after.svg").write_text(terminal.picture("OpenCode: after"), encoding="utf-8")


def take_pictures_of_the_companion(folder: Path) -> None:
    """Write `meter.svg` and `went.svg`: the line beside the prompt of a session that is nearly full, and handed off."""
    turns = {
        "Read it all.": (Reply("I have read it all.", input_tokens=183_000),),
        TYPED: (
            Reply("", (ToolCall("session_handoff", {"summary": "All is read.", "goal": HANDOFF_GOAL}),)),
            Reply("Done."),
        ),
        PROMPT: (Reply("I start with it."),),
    }
    with tempfile.TemporaryDirectory(prefix="handoff-") as root, ScriptedModel(Playbook(TITLE, turns)) as model:
        sandbox = Sandbox.create(Path(root), find_opencode(PINNED_VERSION).path, model.base_url)
        sandbox.write_project(PROJECT_FILES)
        install(sandbox.config_folder)
        companion.add(sandbox.config_folder)
        command = sandbox.command()
        with Terminal(command.argv, env=command.env, cwd=command.cwd, size=SMALL_SIZE) as terminal:
            terminal.wait_for("Ask anything", TIMEOUT_S)
            _say(terminal, "Read it all.")
            terminal.wait_for(lambda screen: "compacts in 9k" in screen and _is_idle(screen), TIMEOUT_S)
            folder.joinpath("meter.svg").write_text(terminal.picture("OpenCode: nearly full"), encoding="utf-8")
            _say(terminal, f"handoff {HANDOFF_GOAL}")
            terminal.wait_for(lambda screen: "I start with it." in screen and _is_idle(screen), TIMEOUT_S)
            terminal.press("ctrl+x")
            terminal.type("j")
            terminal.wait_for("→ Handoff", TIMEOUT_S)
            folder.joinpath("went.svg").write_text(terminal.picture("OpenCode: handed off"), encoding="utf-8")


def _say(terminal: Terminal, text: str) -> None:
    terminal.type(text)
    terminal.wait_for(text[:40], TIMEOUT_S)
    terminal.press("enter")


def _is_idle(screen: str) -> bool:
    return "interrupt" not in screen


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]))
    take_pictures_of_the_companion(Path(sys.argv[1]))

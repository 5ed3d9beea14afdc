"""Takes the documentation's pictures: the real TUI, and the demo. `python pictures.py FOLDER` writes them."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from opencode.server import PROMPT, TYPED
from opencode.terminal import Terminal

from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode
from handoff_sidecar.demo.morning import TITLE
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.script import BEGUN, HANDOFF_GOAL, LAST_REQUEST, PROJECT_FILES
from handoff_sidecar.demo.scripted_model import ChatRequest, Failure, Reply, ScriptedModel, ToolCall, playbook
from handoff_sidecar.demo.story import stage
from handoff_sidecar.installation import companion
from handoff_sidecar.installation.plugin_file import install

SIZE = (140, 56)
"""Wide enough for OpenCode's sidebar, where the title and the todo list stand."""

SMALL_SIZE = (100, 24)
HALF_SIZE = (72, 24)
DEMO_SIZE = (130, 33)

VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')

TIMEOUT_S = 60.0


def take_pictures(folder: Path) -> None:
    """Write `before.svg` and `after.svg`."""
    with stage(say=print) as (_, sandbox):
        command = sandbox.command()
        with Terminal(command.argv, env=command.env, cwd=command.cwd, size=SIZE) as terminal:
            terminal.wait_for("Ask anything", TIMEOUT_S)
            _say(terminal, LAST_REQUEST)
            terminal.wait_for(lambda screen: BEGUN in screen and _is_idle(screen), TIMEOUT_S)
            terminal.type(f"handoff {HANDOFF_GOAL}")
            terminal.wait_for(HANDOFF_GOAL, TIMEOUT_S)
            _keep(folder / "before.svg", terminal.picture("OpenCode: before"))
            terminal.press("enter")
            terminal.wait_for(
                lambda screen: "I start with POST" in " ".join(screen.split()) and _is_quiet(screen), TIMEOUT_S
            )
            _keep(folder / "after.svg", terminal.picture("OpenCode: after"))


def take_pictures_of_the_companion(folder: Path) -> None:
    """Write `meter.svg`, `handing-off.svg` and `went.svg`: the line beside the prompt at three stages.

    The last of them has a draft, and shows with `forth.svg` the way back and forth.
    """
    is_seen = threading.Event()
    with _with_companion(is_seen) as sandbox:
        command = sandbox.command()
        with Terminal(command.argv, env=command.env, cwd=command.cwd, size=SMALL_SIZE) as terminal:
            terminal.wait_for("Ask anything", TIMEOUT_S)
            _say(terminal, "Read it all.")
            terminal.wait_for(lambda screen: "compacts in 9k" in screen and _is_quiet(screen), TIMEOUT_S)
            _keep(folder / "meter.svg", terminal.picture("OpenCode: nearly full"))
            _say(terminal, f"handoff {HANDOFF_GOAL}")
            terminal.wait_for("handing off …", TIMEOUT_S)
            _keep(folder / "handing-off.svg", terminal.picture("OpenCode: handing off"))
            is_seen.set()
            terminal.wait_for(lambda screen: "I start with it." in screen and _is_idle(screen), TIMEOUT_S)
            _back_and_forth(terminal)
            terminal.wait_for("→ Handoff", TIMEOUT_S)
            terminal.type("one thing that I forgot")
            terminal.wait_for(lambda screen: "one thing that I forgot" in screen and _is_quiet(screen), TIMEOUT_S)
            _keep(folder / "went.svg", terminal.picture("OpenCode: back in the old session"))
            _back_and_forth(terminal)
            terminal.wait_for(lambda screen: "I start with it." in screen and "forgot" not in screen, TIMEOUT_S)
            _keep(folder / "forth.svg", terminal.picture("OpenCode: and on to the new one"))


def take_pictures_of_two_windows(folder: Path) -> None:
    """Write `windows-before.svg` and `windows-after.svg`: two windows of one server, of which one hands off."""
    is_seen = threading.Event()
    is_seen.set()
    with ExitStack() as stack:
        sandbox = stack.enter_context(_with_companion(is_seen))
        command = sandbox.command("attach", stack.enter_context(sandbox.serve()))
        one, other = (
            stack.enter_context(Terminal(command.argv, env=command.env, cwd=command.cwd, size=HALF_SIZE))
            for _ in range(2)
        )
        for window, text, answer in (
            (one, "Read it all.", "I have read it"),
            (other, "Write the docs.", "are written."),
        ):
            window.wait_for("Ask anything", TIMEOUT_S)
            _say(window, text)
            window.wait_for(answer, TIMEOUT_S)
            window.wait_for(_is_idle, TIMEOUT_S)
        for window, text in ((one, f"handoff {HANDOFF_GOAL}"), (other, "half a sent")):
            window.type(text)
            window.wait_for(text, TIMEOUT_S)
            window.wait_for(_is_quiet, TIMEOUT_S)
        titles = ("OpenCode: one window", "OpenCode: another window of the same server")
        _keep(folder / "windows-before.svg", _side_by_side(one.picture(titles[0]), other.picture(titles[1])))
        one.press("enter")
        one.wait_for(lambda screen: "I start with it." in screen and _is_quiet(screen), TIMEOUT_S)
        other.wait_for(_is_quiet, TIMEOUT_S)
        _keep(folder / "windows-after.svg", _side_by_side(one.picture(titles[0]), other.picture(titles[1])))


def take_picture_of_the_demo(folder: Path) -> None:
    """Write `demo.svg`: all that `make demo` prints."""
    argv = [sys.executable, "-m", "handoff_sidecar", "demo"]
    with Terminal(argv, env=os.environ, cwd=folder, size=DEMO_SIZE) as terminal:
        terminal.wait_for("To hand off in your own OpenCode:", TIMEOUT_S)
        _keep(folder / "demo.svg", terminal.picture("make demo"))


@contextmanager
def _with_companion(is_seen: threading.Event) -> Iterator[Sandbox]:
    """A sandbox with the companion, whose agent hands off as soon as what is on the screen was seen."""
    turns = {
        "Read it all.": (Reply("I have read it all.", input_tokens=183_000),),
        "Write the docs.": (Reply("The docs are written."),),
        TYPED: (
            Reply("", (ToolCall("session_handoff", {"summary": "All is read.", "goal": HANDOFF_GOAL}),)),
            Reply("Done."),
        ),
        PROMPT: (Reply("I start with it."),),
    }
    with tempfile.TemporaryDirectory(prefix="handoff-") as root, ScriptedModel(playbook(turns, TITLE)) as model:
        sandbox = Sandbox.create(Path(root), find_opencode(PINNED_VERSION).path, model.base_url)
        answer = model.script

        def once_seen(request: ChatRequest) -> Reply | Failure:
            if TYPED in request.last_text("user"):
                is_seen.wait(TIMEOUT_S)
            return answer(request)

        model.script = once_seen
        sandbox.write_project(PROJECT_FILES)
        install(sandbox.config_folder)
        companion.add(sandbox.config_folder)
        yield sandbox


def _side_by_side(*pictures: str) -> str:
    """Pictures as one: in each, names stand for that picture alone."""
    placed, left, most = [], 0.0, 0.0
    for number, picture in enumerate(pictures):
        found = VIEW_BOX.search(picture)
        assert found is not None
        width, height = float(found[1]), float(found[2])
        place = f'x="{left}" y="0" width="{width}" height="{height}" {found[0]}'
        placed.append(picture.replace(found[0], place, 1).replace("terminal-", f"window-{number}-"))
        left, most = left + width, max(most, height)
    whole = "\n".join(placed)
    return f'<svg viewBox="0 0 {left} {most}" xmlns="http://www.w3.org/2000/svg">\n{whole}\n</svg>\n'


def _keep(path: Path, picture: str) -> None:
    path.write_text(picture, encoding="utf-8")


def _back_and_forth(terminal: Terminal) -> None:
    terminal.press("ctrl+x")
    terminal.type("j")


def _say(terminal: Terminal, text: str) -> None:
    terminal.type(text)
    terminal.wait_for(text[:40], TIMEOUT_S)
    terminal.press("enter")


def _is_idle(screen: str) -> bool:
    return "interrupt" not in screen


def _is_quiet(screen: str) -> bool:
    """Whether nothing runs, and no toast hides what is below it."""
    return _is_idle(screen) and not any(toast in screen for toast in ("twice to stay", "in a fresh session"))


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]))
    take_pictures_of_the_companion(Path(sys.argv[1]))
    take_pictures_of_two_windows(Path(sys.argv[1]))
    take_picture_of_the_demo(Path(sys.argv[1]))

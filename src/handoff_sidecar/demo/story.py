"""The demonstration: a session, its handoff and the new session's first steps, in a real OpenCode.

Owns what is shown of it. All that is printed comes from OpenCode's API and from what the model was sent.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from handoff_sidecar.demo.binary import OpenCodeBinary, find_opencode
from handoff_sidecar.demo.playbook import FIRST_REQUEST, HANDOFF_GOAL, PROJECT_FILES, Playbook, demo_playbook
from handoff_sidecar.demo.processes import SandboxFailed, leaving_properly, run_on_terminal
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.screen import BOLD, DIM, GREEN, PLAIN, Screen
from handoff_sidecar.demo.scripted_model import ScriptedModel
from handoff_sidecar.demo.server import TURN_TIMEOUT_S, get, say_as_person, tool_call, wait_for_answer
from handoff_sidecar.demo.tour import touring
from handoff_sidecar.demo.tour_script import tour_script
from handoff_sidecar.folders import APP_NAME
from handoff_sidecar.installation.plugin_file import install
from handoff_sidecar.settings import SETTINGS_FILE

WIDTH = 100


@dataclass(frozen=True, slots=True)
class DemoStage:
    """A sandbox with the plugin installed as a person would, and the model that plays the agent."""

    binary: OpenCodeBinary
    sandbox: Sandbox
    model: ScriptedModel


def run_demo(*, tui: bool = False, long: bool = False) -> int:
    """Show what a handoff changes, with `long` a log of all of it, or with `tui` the TUI; the exit status.

    Raises:
        HandoffSidecarError: OpenCode could not be had or started; the message says why.
    """
    if tui or long:
        with stage(say=print) as made:
            status = _open_tui(made) if tui else _show(made)
        if tui:
            # OpenCode's last words are how to continue a session that is no longer there.
            print("\nThis was a throwaway home. It is deleted now, and its sessions can't be continued.")
            print(f"To hand off in your own OpenCode: {_how_to_install()}.")
        return status
    screen = Screen()
    with stage(say=print, tell=screen.opencode) as made, touring(made.sandbox, made.binary.version, screen) as tour:
        made.model.script = tour_script(made.sandbox.project)
        tour.show()
    screen.say(f"\nAll of this was read back from OpenCode. Type `handoff` yourself: `{_typed_yourself()}`.")
    screen.say(f"In your own OpenCode: {_how_to_install()}.")
    return 0


@contextmanager
def stage(say: Callable[[str], None], tell: Callable[[OpenCodeBinary], None] = lambda _: None) -> Iterator[DemoStage]:
    """A throwaway OpenCode with the plugin, for as long as the block runs.

    Args:
        say: called with a line when OpenCode has to be fetched.
        tell: called with the OpenCode that was found, before anything of it is started.
    """
    binary = find_opencode(say=say)
    tell(binary)
    with leaving_properly(), tempfile.TemporaryDirectory(prefix="handoff-demo-") as folder:
        root = Path(folder).resolve()
        with ScriptedModel(Playbook("", {})) as model:
            sandbox = Sandbox.create(root, binary.path, model.base_url)
            model.script = demo_playbook(sandbox.project)
            sandbox.write_project(PROJECT_FILES)
            # What is shown must not change the installation that shows it.
            (sandbox.config_folder / SETTINGS_FILE).write_text('{"auto_update": "off"}\n', encoding="utf-8")
            install(sandbox.config_folder)
            yield DemoStage(binary, sandbox, model)


def _show(stage: DemoStage) -> int:
    _heading(f"OpenCode {stage.binary.version}, with a scripted model, a throwaway home and the plugin installed")
    print(f"  {stage.binary.path}")
    with stage.sandbox.serve() as url, httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S) as http:
        old = say_as_person(http, None, FIRST_REQUEST)
        _heading("A session at work")
        _print_session(http, old)

        typed = f"handoff {HANDOFF_GOAL}"
        _heading(f"The person types: {typed}")
        say_as_person(http, old, typed)
        call = tool_call(http, old, "session_handoff")
        if call["status"] != "completed":
            raise SandboxFailed(f"the demonstration's handoff failed: {call.get('error')}")
        print(f"  {_dim('The tool answers the agent:')}")
        answer = call["output"].splitlines()[0]  # what follows tells the agent to stop, and would read as an order
        print(textwrap.fill(answer, WIDTH, initial_indent="  ", subsequent_indent="  "))

        made = call["metadata"]
        _heading("The new session starts with this prompt")
        messages = wait_for_answer(http, made["sessionID"])
        prompt = messages[0]["parts"][0]["text"]
        print(textwrap.indent(prompt, f"  {GREEN}│{PLAIN} " if sys.stdout.isatty() else "  | ", lambda _: True))

        _heading("What its agent did first")
        _print_session(http, made["sessionID"])
        took_ms = call["time"]["end"] - call["time"]["start"]
        session = get(http, f"/session/{made['sessionID']}")
        _heading("In short")
        print(f"  session  {session['title']}  ({session['id']})")
        print(f"  agent    {messages[0]['info']['agent']}")
        print(f"  model    {made['model']}")
        print(f"  prompt   {made['tokens']} tokens")
        print(f"  time     {took_ms:.0f} ms from the tool's call to its answer")
        print("\nTry it yourself: `make demo-tui`, or `handoff-sidecar install` for your own OpenCode.")
    return 0


def _open_tui(stage: DemoStage) -> int:
    print("Making a session to hand off ...")
    with stage.sandbox.serve() as url, httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S) as http:
        old = say_as_person(http, None, FIRST_REQUEST)
    print(f"Opening the TUI. Type `handoff {HANDOFF_GOAL}` and press enter; ctrl+c leaves.")
    command = stage.sandbox.command("--session", old)
    return run_on_terminal(command.argv, command.env, command.cwd)


def _typed_yourself() -> str:
    """What opens the TUI: in a clone its make target, which needs no installation."""
    is_clone = (Path(__file__).parents[3] / "Makefile").is_file()
    return "make demo-tui" if is_clone else f"{APP_NAME} demo --tui"


def _how_to_install() -> str:
    if shutil.which(APP_NAME):
        return f"`{APP_NAME} install`"
    return f"`uv tool install .` or `pipx install .` in the clone, then `{APP_NAME} install`"


def _print_session(http: httpx.Client, session_id: str) -> None:
    for message in get(http, f"/session/{session_id}/message"):
        who = message["info"]["role"]
        for part in message["parts"]:
            if part["type"] == "text" and part["text"].strip() and not part.get("synthetic"):
                text = part["text"] if not part["text"].startswith("## Session Handoff") else "(the prompt above)"
                print(textwrap.fill(text, WIDTH, initial_indent=f"  {who:<10} ", subsequent_indent=" " * 13))
            elif part["type"] == "tool":
                print(f"  {'':<10} {_dim(part['tool'] + '  ' + (part['state'].get('title') or ''))}")
    todos = get(http, f"/session/{session_id}/todo")
    marks = {"completed": "[x]", "in_progress": "[>]", "pending": "[ ]", "cancelled": "[-]"}
    for todo in todos:
        print(f"  {'':<10} {marks[todo['status']]} {todo['content']}")


def _heading(text: str) -> None:
    print(f"\n{BOLD}{text}{PLAIN}" if sys.stdout.isatty() else f"\n{text}")


def _dim(text: str) -> str:
    return f"{DIM}{text}{PLAIN}" if sys.stdout.isatty() else text

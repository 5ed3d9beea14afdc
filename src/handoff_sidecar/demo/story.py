"""The demonstration: a session, its handoff and the new session's first steps, in a real OpenCode.

Owns what is shown of it. All that is printed comes from OpenCode's API and from what the model was sent.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from handoff_sidecar.demo.binary import OpenCodeBinary, find_opencode
from handoff_sidecar.demo.playbook import FIRST_REQUEST, HANDOFF_GOAL, PROJECT_FILES, Playbook, demo_playbook
from handoff_sidecar.demo.processes import SandboxFailed, leaving_properly, run_on_terminal
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import ScriptedModel
from handoff_sidecar.folders import APP_NAME
from handoff_sidecar.installation.plugin_file import install
from handoff_sidecar.settings import SETTINGS_FILE

TURN_TIMEOUT_S = 90.0
"""For one turn of the scripted model; 1-3 s on two idle cores."""

POLL_INTERVAL_S = 0.1
WIDTH = 100
BOLD, DIM, GREEN, PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[0m"


@dataclass(frozen=True, slots=True)
class Stage:
    """A sandbox with the plugin installed as a person would, and the model that plays the agent."""

    binary: OpenCodeBinary
    sandbox: Sandbox
    model: ScriptedModel


def run_demo(*, tui: bool) -> int:
    """Show a handoff, or with `tui` open the TUI on a session that can be handed off; the exit status.

    Raises:
        HandoffSidecarError: OpenCode could not be had or started; the message says why.
    """
    with stage(say=print) as made:
        status = _open_tui(made) if tui else _show(made)
    if tui:
        # OpenCode's last words are how to continue a session that is no longer there.
        print("\nThis was a throwaway home: it is deleted, and its sessions can't be continued.")
        print(f"To hand off in your own OpenCode: {_how_to_install()}.")
    return status


@contextmanager
def stage(say: Callable[[str], None]) -> Iterator[Stage]:
    """A throwaway OpenCode with the plugin, for as long as the block runs; `say` is told if OpenCode is fetched."""
    binary = find_opencode(say=say)
    with leaving_properly(), tempfile.TemporaryDirectory(prefix="handoff-demo-") as folder:
        root = Path(folder).resolve()
        with ScriptedModel(Playbook("", {})) as model:
            sandbox = Sandbox.create(root, binary.path, model.base_url)
            model.script = demo_playbook(sandbox.project)
            sandbox.write_project(PROJECT_FILES)
            # What is shown must not change the installation that shows it.
            (sandbox.config_folder / SETTINGS_FILE).write_text('{"auto_update": "off"}\n', encoding="utf-8")
            install(sandbox.config_folder)
            yield Stage(binary, sandbox, model)


def _show(stage: Stage) -> int:
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
        session = _get(http, f"/session/{made['sessionID']}")
        _heading("In short")
        print(f"  session  {session['title']}  ({session['id']})")
        print(f"  agent    {messages[0]['info']['agent']}")
        print(f"  model    {made['model']}")
        print(f"  prompt   {made['tokens']} tokens")
        print(f"  time     {took_ms:.0f} ms from the tool's call to its answer")
        print("\nTry it yourself: `make demo-tui`, or `handoff-sidecar install` for your own OpenCode.")
    return 0


def _open_tui(stage: Stage) -> int:
    print("Making a session to hand off ...")
    with stage.sandbox.serve() as url, httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S) as http:
        old = say_as_person(http, None, FIRST_REQUEST)
    print(f"Opening the TUI. Type `handoff {HANDOFF_GOAL}` and press enter; ctrl+c leaves.")
    command = stage.sandbox.tui_command("--session", old)
    return run_on_terminal(command.argv, command.env, command.cwd)


def _how_to_install() -> str:
    if shutil.which(APP_NAME):
        return f"`{APP_NAME} install`"
    return f"`uv tool install .` or `pipx install .` in the clone, then `{APP_NAME} install`"


def say_as_person(http: httpx.Client, session_id: str | None, text: str) -> str:
    """Send a message as the person and wait for the turn to end; the session's id."""
    session_id = session_id or _checked(http.post("/session", json={}))["id"]
    parts = [{"type": "text", "text": text}]
    _checked(http.post(f"/session/{session_id}/message", json={"parts": parts}))
    return session_id


def wait_for_answer(http: httpx.Client, session_id: str) -> list[dict[str, Any]]:
    """The session's messages, once its agent has ended its turn."""
    deadline = time.monotonic() + TURN_TIMEOUT_S
    while time.monotonic() < deadline:
        messages: list[dict[str, Any]] = _get(http, f"/session/{session_id}/message")
        if messages and messages[-1]["info"].get("finish") == "stop":
            return messages
        time.sleep(POLL_INTERVAL_S)
    raise SandboxFailed(f"the new session {session_id} did not answer its prompt within {TURN_TIMEOUT_S:g} s")


def tool_call(http: httpx.Client, session_id: str, tool: str) -> dict[str, Any]:
    """The state of the newest call of a tool."""
    for message in reversed(_get(http, f"/session/{session_id}/message")):
        for part in message["parts"]:
            if part["type"] == "tool" and part["tool"] == tool:
                state: dict[str, Any] = part["state"]
                return state
    raise SandboxFailed(f"the scripted model was not led to call {tool}: the plugin may not be loaded")


def _print_session(http: httpx.Client, session_id: str) -> None:
    for message in _get(http, f"/session/{session_id}/message"):
        who = message["info"]["role"]
        for part in message["parts"]:
            if part["type"] == "text" and part["text"].strip() and not part.get("synthetic"):
                text = part["text"] if not part["text"].startswith("## Session Handoff") else "(the prompt above)"
                print(textwrap.fill(text, WIDTH, initial_indent=f"  {who:<10} ", subsequent_indent=" " * 13))
            elif part["type"] == "tool":
                print(f"  {'':<10} {_dim(part['tool'] + '  ' + (part['state'].get('title') or ''))}")
    todos = _get(http, f"/session/{session_id}/todo")
    marks = {"completed": "[x]", "in_progress": "[>]", "pending": "[ ]", "cancelled": "[-]"}
    for todo in todos:
        print(f"  {'':<10} {marks[todo['status']]} {todo['content']}")


def _get(http: httpx.Client, path: str) -> Any:  # noqa: ANN401  # OpenCode's JSON as it is
    return _checked(http.get(path))


def _checked(response: httpx.Response) -> Any:  # noqa: ANN401  # as above
    if response.is_error:
        raise SandboxFailed(
            f"OpenCode answered {response.status_code} to {response.request.url}: {response.text[:500]}"
        )
    return response.json()


def _heading(text: str) -> None:
    print(f"\n{BOLD}{text}{PLAIN}" if sys.stdout.isatty() else f"\n{text}")


def _dim(text: str) -> str:
    return f"{DIM}{text}{PLAIN}" if sys.stdout.isatty() else text

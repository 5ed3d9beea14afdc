"""In the real OpenCode: the TUI, typed into and read as a person would."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from opencode.server import PROMPT, TYPED, Play, asked_about, calls, sidecars
from opencode.stored import stored_messages, stored_sessions
from opencode.terminal import Terminal

from handoff_sidecar.demo.sandbox import ContextLimits, Sandbox
from handoff_sidecar.demo.scripted_model import Failure, Reply, ScriptedModel
from handoff_sidecar.installation.plugin_file import shim_entry
from handoff_sidecar.settings import add_setting

SCREEN_TIMEOUT_S = 60.0
HOME_SCREEN = "Ask anything"


@contextmanager
def tui(sandbox: Sandbox, *words: str, extra: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    command = sandbox.command(*words, extra=extra)
    with Terminal(command.argv, env=command.env, cwd=command.cwd) as terminal:
        terminal.wait_for(HOME_SCREEN, SCREEN_TIMEOUT_S)
        yield terminal


def type_line(terminal: Terminal, text: str) -> None:
    terminal.type(text)
    terminal.wait_for(text, SCREEN_TIMEOUT_S)
    terminal.press("enter")


@pytest.mark.compat
def test_with_open_picker_the_person_chooses_the_session(make_sandbox: Callable[..., Sandbox], play: Play) -> None:
    """With `--port` OpenCode initialises the plugin twice for one directory (seen in 1.18.33)."""
    play(TYPED, calls("session_handoff", summary="The login works."), Reply("Handed over."))
    play(PROMPT, Reply("I wait for you."))
    sandbox = make_sandbox("picker")
    (sandbox.config_folder / "handoff.json").write_text(json.dumps({"open": "picker"}))

    with tui(sandbox, "--port", str(free_port())) as terminal:
        type_line(terminal, "handoff go on")
        screen = terminal.wait_for("Handoff: ", SCREEN_TIMEOUT_S)
        assert len(sidecars(sandbox)) == 1

    assert "Sessions" in screen
    (old,) = (session["id"] for session in stored_sessions(sandbox) if not session["title"].startswith("Handoff: "))
    assert [part.get("synthetic", False) for part in stored_messages(sandbox, old)[0]["parts"]] == [False, True]


@pytest.mark.tui
def test_a_draft_waits_in_the_input_box_beside_what_was_half_typed(
    make_sandbox: Callable[..., Sandbox],
    play: Play,
    hold: Callable[[str], threading.Event],
    model: ScriptedModel,
) -> None:
    play(TYPED, calls("session_handoff", summary="The login works.", goal="fix the tests"), Reply("Handed over."))
    play(PROMPT, Reply("Now I fix the tests."))
    sandbox = make_sandbox("draft")
    (sandbox.config_folder / "handoff.json").write_text(json.dumps({"delivery": "draft"}))
    half_typed = hold(TYPED)

    with tui(sandbox) as terminal:
        type_line(terminal, "handoff fix the tests")
        terminal.wait_for("esc interrupt", SCREEN_TIMEOUT_S)
        terminal.type("and also the docs")
        terminal.wait_for("and also the docs", SCREEN_TIMEOUT_S)
        half_typed.set()
        terminal.wait_for("Use `read_session` if you need", SCREEN_TIMEOUT_S)
        asked_before = len(asked_about(model, PROMPT))
        terminal.press("enter")
        terminal.wait_for("Now I fix the tests.", SCREEN_TIMEOUT_S)

    assert asked_before == 0
    (request,) = asked_about(model, PROMPT)
    assert "and also the docs\n## Session Handoff\n\nThe login works." in request.last_text("user")
    assert "Start on its goal" in json.dumps(request.messages)


@pytest.mark.faults
def test_a_plugin_without_a_sidecar_says_at_the_start_how_to_get_it(
    make_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = make_sandbox("missing")
    sandbox.plugin_file("handoff-sidecar.js", f"export {{ default }} from {json.dumps(str(shim_entry()))}\n")

    with tui(sandbox, extra={"PATH": str(tmp_path)}) as terminal:
        wanted = "uv tool install handoff-sidecar"
        screen = terminal.wait_for(lambda screen: wanted in " ".join(screen.split()), SCREEN_TIMEOUT_S)

    assert "not found on the PATH: handoff-sidecar, uvx" in " ".join(screen.replace("┃", " ").split())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_the_screen_follows_each_handoff_typed_automatic_or_without_a_provider(
    make_sandbox: Callable[..., Sandbox], play: Play, model: ScriptedModel
) -> None:
    sandbox = make_sandbox("full", limits=ContextLimits(context=16_000, output=4_000))
    add_setting(sandbox.config_folder, "auto_handoff_threshold", 80)
    play(PROMPT, Reply("I wait for you.", input_tokens=3_000))
    play(TYPED, calls("session_handoff", summary="The login works.", goal="fix the tests"), Reply("Handed over."))
    play("and do nothing else", calls("session_handoff", summary="The login works."), Reply("Handed over."))
    play("Build it.", Reply("The login works.", input_tokens=8_000))
    play("Build more.", Reply("It all works.", input_tokens=9_100))

    with tui(sandbox) as terminal:
        type_line(terminal, "/handoff-now it")
        said(terminal, "There is nothing to hand off")
        type_line(terminal, "Build it.")
        said(terminal, "The context is 50 % full. At 56 % the work moves on to a fresh session automatically")
        type_line(terminal, "Build more.")
        said(terminal, "The context was 57 % full, so this session was handed off.")
        screen = terminal.wait_for("I wait for you.", SCREEN_TIMEOUT_S)
        assert "Build more." not in screen, "the old session's message is still on the screen"
        type_line(terminal, "handoff fix the tests")
        screen = terminal.wait_for("**Goal:** fix the tests", SCREEN_TIMEOUT_S)
        terminal.wait_for("I wait for you.", SCREEN_TIMEOUT_S)
        assert "handoff fix the tests" not in screen
        model.script = lambda _: Failure(500, "down for maintenance")
        type_line(terminal, "Fix it.")
        terminal.wait_for("down for maintenance", SCREEN_TIMEOUT_S)
        type_line(terminal, "/handoff-now fix it now")
        screen = said(terminal, "Handed off without a model call.")

    assert '- "Fix it."' in screen
    assert "**Goal:** fix it now" in screen
    assert "**Blocked:** the last turn failed: down for maintenance" in screen
    assert "retrying" not in screen
    assert "rror:" not in screen
    by_title = {session["title"]: session["id"] for session in stored_sessions(sandbox)}
    titles = ["", " · fix the tests (2)", " · fix it now (3)"]
    assert set(by_title) == {"A title", *(f"Handoff: A title{title}" for title in titles)}
    assert len(stored_messages(sandbox, by_title["Handoff: A title · fix it now (3)"])) == 1


def said(terminal: Terminal, toast: str) -> str:
    """The screen as soon as a toast, which has lines of its own beside others, says this."""

    def is_there(screen: str) -> bool:
        lines = (line.split("┃") for line in screen.splitlines())
        return toast in " ".join(" ".join(line[-2].split()) for line in lines if len(line) > 2)

    return terminal.wait_for(is_there, SCREEN_TIMEOUT_S)


pytestmark = pytest.mark.timeout(180)

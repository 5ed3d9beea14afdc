"""In the real OpenCode: `opencode run`, where nobody is there and the process leaves after one turn."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from opencode.server import PROMPT, TYPED, Play, asked_about, calls, sidecars
from opencode.stored import stored_messages, stored_sessions

from handoff_sidecar.demo.sandbox import ContextLimits, Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel, ToolCall
from handoff_sidecar.installation.plugin_file import shim_entry
from handoff_sidecar.settings import add_setting


def plugin_with(command: list[str]) -> str:
    """A plugin file that starts something else in place of the sidecar."""
    return (
        f"import shim from {json.dumps(str(shim_entry()))}\n"
        f"export default (input) => shim.server(input, {{ command: {json.dumps(command)} }})\n"
    )


def test_a_quoted_handoff_places_the_prompt_and_leaves_nothing_running(
    make_sandbox: Callable[..., Sandbox], play: Play, model: ScriptedModel
) -> None:
    play(TYPED, calls("session_handoff", summary="Login works.", goal="fix the tests"), Reply("Handed over."))
    sandbox = make_sandbox("run")

    finished = sandbox.run(["handoff fix the tests"])

    assert finished.returncode == 0
    assert "Handed over." in finished.stdout
    assert asked_about(model, TYPED)[0].last_text("user").startswith('"handoff fix the tests"')
    by_title = {session["title"]: session["id"] for session in stored_sessions(sandbox)}
    assert set(by_title) == {"A title", "Handoff: A title · fix the tests"}
    made = by_title["Handoff: A title · fix the tests"]
    assert f"session_handoff Handoff: A title · fix the tests ({made})" in finished.stderr, (
        "the id by which it can be opened"
    )
    (message,) = stored_messages(sandbox, made)
    assert message["parts"][0]["text"].startswith(f"{PROMPT}\n\nLogin works.\n\n**Goal:** fix the tests")
    assert message["info"]["agent"] == "build"
    assert asked_about(model, PROMPT) == []
    assert sidecars(sandbox) == []


@pytest.mark.compat
def test_a_word_of_the_persons_own_is_a_trigger_from_the_first_message_on(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    play(TYPED, calls("session_handoff", summary="Login works.", goal="teste alles"), Reply("Handed over."))
    sandbox = make_sandbox("own-word")
    add_setting(sandbox.config_folder, "trigger_words", ["übergabe"])

    assert "session_handoff Handoff: A title" in sandbox.run(["Übergabe: teste alles"]).stderr


def test_the_work_is_never_moved_by_itself_and_handoff_now_works(
    make_sandbox: Callable[..., Sandbox], play: Play, model: ScriptedModel
) -> None:
    sandbox = make_sandbox("run-full", limits=ContextLimits(context=16_000, output=4_000))
    add_setting(sandbox.config_folder, "auto_handoff_threshold", 80)
    read = ToolCall("read", {"filePath": str(sandbox.project / "README.md")})
    full = Reply("", (read,), input_tokens=10_000)
    play("Do it.", Reply("", (read,), input_tokens=5_000), full, Reply("Done.", input_tokens=10_000))

    worked = sandbox.run(["Do it."])
    requests = len(model.requests)
    finished = sandbox.run(["--command", "handoff-now", "--continue", "fix the tests"])

    assert worked.returncode == 0
    assert len(asked_about(model, "Do it.")) == 3, "it was told of something, or asked for it"
    assert (finished.returncode, len(model.requests)) == (0, requests)
    assert finished.stdout == ""
    assert finished.stderr.startswith("Handed off to `ses_")
    by_title = {session["title"]: session["id"] for session in stored_sessions(sandbox)}
    assert set(by_title) == {"A title", "Handoff: A title · fix the tests"}
    (message,) = stored_messages(sandbox, by_title["Handoff: A title · fix the tests"])
    assert '- "Do it."' in message["parts"][0]["text"]
    assert "**Goal:** fix the tests" in message["parts"][0]["text"]
    assert sidecars(sandbox) == []


@pytest.mark.faults
def test_a_python_that_is_gone_is_named_with_what_to_do(make_sandbox: Callable[..., Sandbox], play: Play) -> None:
    play("Do it.", calls("session_handoff", summary="Login works."), Reply("The session goes on."))
    sandbox = make_sandbox("no-python")
    sandbox.plugin_file("handoff-sidecar.js", plugin_with(["/gone/bin/python3", "-m", "handoff_sidecar", "stdio"]))

    finished = sandbox.run(["Do it."])

    assert finished.returncode == 0
    (session,) = stored_sessions(sandbox)
    (error,) = tool_errors(sandbox, session["id"])
    assert "the sidecar's program could not be started (/gone/bin/python3: ENOENT)" in error
    assert "Nothing was made" in error
    assert "handoff-sidecar install" in error


@pytest.mark.faults
def test_a_package_that_is_gone_does_not_keep_opencode_from_working(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox("no-package")
    file = sandbox.config_folder / "plugin" / "handoff-sidecar.js"
    file.write_text(file.read_text().replace(shim_entry().as_uri(), "file:///gone/index.js"))

    finished = sandbox.run(["hello"])

    assert finished.returncode == 0
    assert "Done." in finished.stdout


def tool_errors(sandbox: Sandbox, session_id: str) -> list[str]:
    parts = [part for message in stored_messages(sandbox, session_id) for part in message["parts"]]
    return [part["state"]["error"] for part in parts if part["type"] == "tool" and part["state"]["status"] == "error"]

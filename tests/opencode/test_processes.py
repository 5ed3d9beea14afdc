"""In the real OpenCode: several at once, reloads and sudden ends, with one sidecar for each OpenCode process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from opencode.server import Play, calls, processes, sidecars
from opencode.test_tui import SCREEN_TIMEOUT_S, tui, type_line

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply
from handoff_sidecar.demo.server import Server, serving, until

LOOK = "Look back."

pytestmark = pytest.mark.timeout(300)  # six instances of OpenCode: 10 s on two idle cores


def look(server: Server, directory: Path) -> None:
    """A turn in which the sidecar is called, in a project of this process."""
    session = server.http.post("/session", json={}, params={"directory": str(directory)}).json()["id"]
    body = {"parts": [{"type": "text", "text": LOOK}]}
    server.http.post(f"/session/{session}/message", json=body, params={"directory": str(directory)})
    error = server.tool_call(session, "read_session")["error"]
    assert "no previous session" in error


def process_of(server: Server) -> int:
    """The process id of an `opencode serve` (Linux); for a moment a child that it starts looks like it."""
    found = processes(f"HOME={server.sandbox.home}", server.url.rpartition(":")[2])
    (pid,) = [pid for pid in found if parent_of(pid) not in found]
    return pid


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_each_of_two_processes_has_one_sidecar_for_all_its_projects_and_takes_it_along_when_killed(
    make_sandbox: Callable[..., Sandbox], play: Play, tmp_path: Path
) -> None:
    play(LOOK, calls("read_session"), Reply("Nothing."))
    sandbox = make_sandbox("two")
    projects = [sandbox.project, tmp_path / "b", tmp_path / "c"]
    for project in projects[1:]:
        project.mkdir()

    with serving(sandbox) as one, serving(sandbox) as other:
        for project in projects:
            look(one, project)
        look(other, sandbox.project)
        owners = {parent_of(pid): pid for pid in sidecars(sandbox)}
        assert set(owners) == {process_of(one), process_of(other)}
        assert len(sidecars(sandbox)) == 2

        one.post("/instance/dispose", {})
        look(one, sandbox.project)
        assert {parent_of(pid): pid for pid in sidecars(sandbox)} == owners, "a reload made a sidecar of its own"

        os.kill(process_of(one), signal.SIGKILL)
        until(lambda: sidecars(sandbox) == [owners[process_of(other)]] or None)

    until(lambda: True if not sidecars(sandbox) else None)


@pytest.mark.faults
def test_a_tui_that_is_killed_leaves_nothing_behind(make_sandbox: Callable[..., Sandbox], play: Play) -> None:
    play(LOOK, calls("read_session"), Reply("Nothing."))
    sandbox = make_sandbox("killed")

    with tui(sandbox) as terminal:
        type_line(terminal, LOOK)
        terminal.wait_for("Nothing.", SCREEN_TIMEOUT_S)
        assert len(sidecars(sandbox)) == 1
        os.kill(terminal.pid, signal.SIGKILL)
        until(lambda: True if not sidecars(sandbox) else None)

"""Windows of the real OpenCode that have the companion, and what a person does in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from opencode.server import PROMPT, TYPED, Play, calls
from opencode.terminal import Terminal
from opencode.test_tui import SCREEN_TIMEOUT_S, tui, type_line

from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply
from handoff_sidecar.installation import companion
from handoff_sidecar.opencode.versions import OLDEST

in_both_versions = pytest.mark.parametrize("version", [PINNED_VERSION, str(OLDEST)])
"""The newest OpenCode that was tried, and the oldest that has such plugins."""

WithCompanion = Callable[[str], Sandbox]
"""The fixture `with_companion`: OpenCode's version, and a sandbox of that."""

BACK_AND_FORTH = "j"
"""After the leader key, ctrl+x."""


@pytest.fixture
def with_companion(make_sandbox: Callable[..., Sandbox], play: Play) -> WithCompanion:
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

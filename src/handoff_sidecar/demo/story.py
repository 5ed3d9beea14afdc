"""The demonstration: a long session, its handoff and the new session's first steps, in a real OpenCode.

Owns what is set up for it, and whether it is printed or opened in the TUI.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from handoff_sidecar.demo.binary import OpenCodeBinary, find_opencode
from handoff_sidecar.demo.morning import SESSION_ID, old_session
from handoff_sidecar.demo.processes import leaving_properly, run_on_terminal
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.screen import DIM, Screen
from handoff_sidecar.demo.script import HANDOFF_GOAL, LAST_REQUEST, PROJECT_FILES, demo_script
from handoff_sidecar.demo.scripted_model import ScriptedModel
from handoff_sidecar.demo.server import serving
from handoff_sidecar.demo.tour import touring
from handoff_sidecar.folders import APP_NAME
from handoff_sidecar.installation.plugin_file import install
from handoff_sidecar.settings import SETTINGS_FILE


def run_demo(*, tui: bool = False) -> int:
    """Show what a handoff changes, or open the session in the TUI to be handed off there; the exit status.

    Raises:
        HandoffSidecarError: OpenCode could not be had or started; the message says why.
    """
    screen, status = Screen(), 0
    with stage(say=print) as (binary, sandbox):
        screen.say(f"OpenCode {binary.version} ({binary.path}), a scripted model, a throwaway home\n", DIM)
        sandbox.import_session(old_session(sandbox.project))
        if tui:
            status = _open_tui(sandbox, screen)
        else:
            with touring(sandbox, screen) as tour:
                tour.show()
    if tui:
        # OpenCode's last words are how to continue a session that is no longer there.
        screen.say("\nThis was a throwaway home. It is deleted now, and its sessions can't be continued.")
    else:
        screen.say(f"\nAll of this was read back from OpenCode. Type `handoff` yourself: `{_typed_yourself()}`.")
    screen.say(f"To hand off in your own OpenCode: {_how_to_install()}.")
    return status


@contextmanager
def stage(say: Callable[[str], None]) -> Iterator[tuple[OpenCodeBinary, Sandbox]]:
    """A throwaway OpenCode with the plugin installed as a person would, and the model that plays the agent.

    Args:
        say: called with a line when OpenCode has to be fetched.
    """
    binary = find_opencode(say=say)
    with (
        leaving_properly(),
        tempfile.TemporaryDirectory(prefix="handoff-demo-") as folder,
        ScriptedModel(demo_script()) as model,
    ):
        sandbox = Sandbox.quick(Path(folder), binary, model.base_url)
        sandbox.write_project(PROJECT_FILES)
        # What is shown must not change the installation that shows it.
        (sandbox.config_folder / SETTINGS_FILE).write_text('{"auto_update": "off"}\n', encoding="utf-8")
        install(sandbox.config_folder)
        yield binary, sandbox


def _open_tui(sandbox: Sandbox, screen: Screen) -> int:
    with serving(sandbox) as server:
        server.say(SESSION_ID, LAST_REQUEST)
    screen.say(f"Opening the TUI. Type `handoff {HANDOFF_GOAL}` and press enter; ctrl+c leaves.")
    return run_on_terminal(sandbox.command("--session", SESSION_ID))


def _typed_yourself() -> str:
    """What opens the TUI: in a clone its make target, which needs no installation."""
    is_clone = (Path(__file__).parents[3] / "Makefile").is_file()
    return "make demo-tui" if is_clone else f"{APP_NAME} demo --tui"


def _how_to_install() -> str:
    if shutil.which(APP_NAME):
        return f"`{APP_NAME} install`"
    return f"`uv tool install .` or `pipx install .` in the clone, then `{APP_NAME} install`"

"""The built packages, and what tests need to install and use them as people do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from opencode.server import PROMPT, TYPED, Play, calls
from opencode.stored import stored_messages, stored_sessions

from handoff_sidecar import __version__
from handoff_sidecar.demo.binary import OpenCodeBinary
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
WHEEL = DIST / f"handoff_sidecar-{__version__}-py3-none-any.whl"
NPM_PACKAGE = DIST / f"opencode-handoff-sidecar-{__version__}.tgz"
TOOLS = Path(sys.executable).parent  # pip, uv and pipx


def bare_sandbox(root: Path, opencode: OpenCodeBinary, model: ScriptedModel, **config: object) -> Sandbox:
    """A sandbox in which nothing is installed."""
    sandbox = Sandbox.create(root / "sandbox", opencode.path, model.base_url, config=config)
    sandbox.write_project({"README.md": "# A project\n"})
    return sandbox


def run(*words: str | Path, env: Mapping[str, str] = os.environ, extra: Mapping[str, str] | None = None) -> str:
    """What the program printed; it must succeed."""
    environment = {**env, **(extra or {})}
    done = subprocess.run([str(word) for word in words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def hand_off_and_look_back(sandbox: Sandbox, play: Play, extra: Mapping[str, str] | None = None) -> None:
    """Type the trigger in `opencode run`, then go on in the new session and let its agent read the old one."""
    play(TYPED, calls("session_handoff", summary="Login works."), Reply("Handed over."))
    play("look back", calls("read_session", limit=5), Reply("I looked."))

    assert sandbox.run(["handoff"], extra=extra).returncode == 0
    (new,) = [session["id"] for session in stored_sessions(sandbox) if session["title"].startswith("Handoff: ")]
    assert sandbox.run(["--session", new, "look back"], extra=extra).returncode == 0

    messages = stored_messages(sandbox, new)
    assert messages[0]["parts"][0]["text"].startswith(PROMPT)
    (read,) = [part["state"] for message in messages for part in message["parts"] if part.get("tool") == "read_session"]
    assert read["status"] == "completed", read
    assert "handoff" in read["output"]

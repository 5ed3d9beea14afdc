"""An OpenCode whose sidecar can be made to go wrong, and what must hold whatever goes wrong."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import saboteur
from opencode.server import PROMPT, sidecars
from saboteur import Sabotage

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.server import Server, serving, until
from handoff_sidecar.installation.plugin_file import shim_entry
from handoff_sidecar.settings import add_setting

TOOL_LIMIT_MS = 2_500
"""In place of a minute; with the grace for a cancelled call a hang ends after 4.5 s."""

WELL_AGAIN_S = 20.0
NOT_FOUND = 404

PLUGIN = """\
import {{ Plugin }} from {plugin}
import shim from {shim}
globalThis[Symbol.for("handoff-sidecar.loaded")] ??= Promise.resolve(new Plugin({{ waitMs: {wait_ms} }}))
export default (input, options) => shim.server(input, {{ ...options, command: {command} }})
"""


@dataclass
class Faulty:
    """A server, and the file that says what goes wrong next."""

    server: Server
    plan: Path

    def go_wrong(self, sabotage: Sabotage | None) -> None:
        saboteur.plan(self.plan, sabotage)

    @property
    def has_gone_wrong(self) -> bool:
        return self.plan.with_name("plan.done").exists()

    @property
    def went_wrong_at(self) -> float:
        return float(self.plan.with_name("plan.done").read_text())

    def frames(self) -> list[tuple[float, int, str, str]]:
        """Time, the saboteur's process id, `in`, `out`, `answer` or `start`, and the frame's name."""
        log = self.plan.with_name("plan.log")
        lines = log.read_text().splitlines() if log.exists() else []
        return [(at, pid, what, name) for at, pid, what, name in map(json.loads, lines)]

    def handed_off(self, title: str) -> list[dict[str, Any]]:
        """The sessions that a handoff of the session with this title made."""
        sessions = self.server.get("/session")
        return [each for each in sessions if each.get("metadata", {}).get("handoff", {}).get("base") == title]

    def is_half_made(self, session_id: str) -> bool:
        answer = self.server.http.get(f"/session/{session_id}/message")
        if answer.status_code == NOT_FOUND:
            return False  # it was removed meanwhile
        messages = answer.json()
        return not messages or PROMPT not in messages[0]["parts"][0]["text"]

    def is_marked_in_vain(self, title: str) -> bool:
        """Whether the session with this title names one as its successor that is not there."""
        sessions = self.server.get("/session")
        (old,) = (session for session in sessions if session["title"] == title)
        successor = old.get("metadata", {}).get("handoff", {}).get("to")
        return successor is not None and successor not in {session["id"] for session in sessions}

    def wait_until_nothing_is_half_made(self, title: str) -> float:
        """Seconds since it went wrong."""

        def is_in_order() -> bool:
            half_made = any(self.is_half_made(session["id"]) for session in self.handed_off(title))
            return not half_made and not self.is_marked_in_vain(title)

        until(lambda: is_in_order() or None, timeout_s=WELL_AGAIN_S)
        return time.time() - self.went_wrong_at

    def briefs(self, session_id: str) -> list[Path]:
        return sorted(briefs_of(self.server.sandbox).glob(f"*-{session_id}.md"))

    def marks(self) -> list[Path]:
        """Of the handoffs that are under way or were interrupted."""
        return sorted(briefs_of(self.server.sandbox).glob(".*.mark"))


def briefs_of(sandbox: Sandbox) -> Path:
    return sandbox.home / ".local/state/handoff-sidecar/briefs"


def install_saboteur(sandbox: Sandbox) -> Path:
    """In place of the installed plugin file; the file that says what goes wrong."""
    plan = sandbox.root / "plan"
    command = [sys.executable, "-P", str(Path(saboteur.__file__)), str(plan)]
    text = PLUGIN.format(
        plugin=json.dumps(str(shim_entry().parent / "lib/plugin.js")),
        shim=json.dumps(str(shim_entry())),
        wait_ms=json.dumps({"toolCall": TOOL_LIMIT_MS, "command": TOOL_LIMIT_MS, "notice": 0}),
        command=json.dumps(command),
    )
    sandbox.plugin_file("handoff-sidecar.js", text)
    return plan


@contextmanager
def faulty(sandbox: Sandbox) -> Iterator[Faulty]:
    plan = install_saboteur(sandbox)
    # What an index reads at the end of each turn would be counted among the frames of a handoff.
    add_setting(sandbox.config_folder, "index", False)  # noqa: FBT003  # a setting's value
    with serving(sandbox) as server:
        yield Faulty(server, plan)
    until(lambda: None if sidecars(sandbox) else True)

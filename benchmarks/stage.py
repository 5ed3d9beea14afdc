"""A throwaway OpenCode to measure in: its plugins, its server, and what a person's client would do with it.

Knows nothing of what is measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from opencode.server import processes

from benchmarks.errors import MeasuringFailed
from handoff_sidecar.demo.record import GrowingSession
from handoff_sidecar.demo.sandbox import Sandbox

TURN_TIMEOUT_S = 120.0
IDLE_FOR_S = 0.2
"""Nothing is at work for this long: the new session's turn has begun and ended too."""

POLL_INTERVAL_S = 0.02
SIDECAR_TIMEOUT_S = 60.0
PROJECT_FILES = {"README.md": "# A project\n", "src/auth.ts": "export const login = 1\n"}


def make_sandbox(root: Path, binary: Path, model_url: str) -> Sandbox:
    """A sandbox with a small project and no plugin."""
    sandbox = Sandbox.create(root, binary, model_url)
    sandbox.write_project(PROJECT_FILES)
    return sandbox


@dataclass(frozen=True, slots=True)
class OpenCode:
    """A running server, as its clients see it."""

    http: httpx.Client
    sandbox: Sandbox

    def new_session(self) -> str:
        """The id of a new session with a title, so that no title is made up by the model."""
        return str(self._checked(self.http.post("/session", json={"title": "A session"}))["id"])

    def say(self, session_id: str, text: str) -> float:
        """Send a message, wait for the end of the turn; how long that took, in milliseconds."""
        started = time.perf_counter()
        body = {"parts": [{"type": "text", "text": text}]}
        self._checked(self.http.post(f"/session/{session_id}/message", json=body))
        return (time.perf_counter() - started) * 1_000

    def newest_call(self, session_id: str, tool: str) -> dict[str, Any]:
        """The state of the newest call of a tool among the newest messages.

        Raises:
            MeasuringFailed: it was not called, or failed.
        """
        messages = self._checked(self.http.get(f"/session/{session_id}/message", params={"limit": 6}))
        for message in reversed(messages):
            for part in message["parts"]:
                if part["type"] == "tool" and part["tool"] == tool:
                    state: dict[str, Any] = part["state"]
                    if state["status"] == "completed":
                        return state
                    raise MeasuringFailed(f"`{tool}` failed: {state.get('error')}")
        raise MeasuringFailed(f"`{tool}` was not run: no plugin registers it, or its plugin could not be loaded")

    def session(self, session_id: str) -> dict[str, Any]:
        """What OpenCode keeps of a session, without its messages."""
        return dict(self._checked(self.http.get(f"/session/{session_id}")))

    def session_ids(self) -> list[str]:
        """Of the newest hundred sessions."""
        return [str(session["id"]) for session in self._checked(self.http.get("/session"))]

    def message_ids(self, session_id: str, newest: int | None = None) -> list[str]:
        """Of all messages of a session, or of its newest; the oldest first."""
        params = {} if newest is None else {"limit": newest}
        messages = self._checked(self.http.get(f"/session/{session_id}/message", params=params))
        return [str(message["info"]["id"]) for message in messages]

    def set_metadata(self, session_id: str, metadata: dict[str, Any]) -> None:
        """In place of all that the session has."""
        self._checked(self.http.patch(f"/session/{session_id}", json={"metadata": metadata}))

    def delete(self, path: str) -> None:
        """Remove a session or a message."""
        self._checked(self.http.delete(path))

    def wait_until_idle(self) -> None:
        """Wait until no session has been at work for a moment."""
        deadline, idle_since = time.monotonic() + TURN_TIMEOUT_S, time.monotonic()
        while time.monotonic() - idle_since < IDLE_FOR_S:
            if time.monotonic() > deadline:
                raise MeasuringFailed("OpenCode did not come to rest")
            if self._checked(self.http.get("/session/status")):
                idle_since = time.monotonic()
            time.sleep(POLL_INTERVAL_S)

    @staticmethod
    def _checked(response: httpx.Response) -> Any:  # noqa: ANN401  # OpenCode's JSON as it is
        response.raise_for_status()
        return response.json() if response.content else None


@contextmanager
def serving(sandbox: Sandbox) -> Iterator[OpenCode]:
    """The sandbox's server, for as long as the block runs."""
    with sandbox.serve() as url, httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S, trust_env=False) as http:
        yield OpenCode(http, sandbox)


@contextmanager
def in_directory(opencode: OpenCode, directory: Path) -> Iterator[OpenCode]:
    """The same server, as a client in another directory sees it."""
    headers = {"x-opencode-directory": str(directory)}
    base_url = opencode.http.base_url
    with httpx.Client(base_url=base_url, headers=headers, timeout=TURN_TIMEOUT_S, trust_env=False) as http:
        yield OpenCode(http, opencode.sandbox)


def import_records(sandbox: Sandbox, records: list[GrowingSession]) -> None:
    """Load generated sessions as this OpenCode's own."""
    for record in records:
        sandbox.import_session(record.exported())


def sidecar_of(sandbox: Sandbox) -> int:
    """The process id of its one sidecar, which is started when OpenCode is quiet, if not before."""
    deadline = time.monotonic() + SIDECAR_TIMEOUT_S
    while not (found := processes(f"HOME={sandbox.home}", "handoff_sidecar")):
        if time.monotonic() > deadline:
            raise MeasuringFailed(f"no sidecar was started in {SIDECAR_TIMEOUT_S:.0f} s")
        time.sleep(POLL_INTERVAL_S)
    if len(found) > 1:
        raise MeasuringFailed(f"one sidecar was expected, and there are {len(found)}")
    return found[0]

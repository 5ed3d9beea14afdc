"""A running OpenCode as a person's client sees it. Knows nothing of what is shown of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from handoff_sidecar.demo.processes import SandboxFailed
from handoff_sidecar.demo.sandbox import Sandbox

TURN_TIMEOUT_S = 90.0
"""For one turn of the scripted model; 1-3 s on two idle cores."""

POLL_INTERVAL_S = 0.05

_T = TypeVar("_T")


@contextmanager
def serving(sandbox: Sandbox, extra: Mapping[str, str] | None = None) -> Iterator[Server]:
    """An `opencode serve` for as long as the block runs, with `extra` in its environment."""
    with sandbox.serve(extra=extra) as url, httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S, trust_env=False) as http:
        yield Server(http, url, sandbox)


@dataclass(frozen=True, slots=True)
class Server:
    """OpenCode's HTTP API; whatever it refuses is a SandboxFailed."""

    http: httpx.Client
    url: str
    sandbox: Sandbox

    @property
    def version(self) -> str:
        """OpenCode's."""
        return str(self.get("/global/health")["version"])

    def get(self, path: str) -> Any:  # noqa: ANN401  # OpenCode's JSON as it is
        """What OpenCode answers."""
        return _checked(self.http.get(path))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as above
        """What OpenCode answers; None if that is nothing."""
        return _checked(self.http.post(path, json=body))

    def new_session(self, **fields: Any) -> str:  # noqa: ANN401  # as above
        """The id of a new session."""
        return str(self.post("/session", fields)["id"])

    def say(self, session_id: str, text: str, **fields: Any) -> None:  # noqa: ANN401  # as above
        """Send a message as the person, and wait for the end of the turn."""
        self.post(f"/session/{session_id}/message", {"parts": [{"type": "text", "text": text}], **fields})

    def messages(self, session_id: str) -> list[dict[str, Any]]:
        """All of a session's messages, oldest first."""
        return list(self.get(f"/session/{session_id}/message"))

    def tool_call(self, session_id: str, tool: str) -> dict[str, Any]:
        """The state of the newest call of a tool in a session."""
        parts = [part for message in self.messages(session_id) for part in message["parts"]]
        states = [part["state"] for part in parts if part["type"] == "tool" and part["tool"] == tool]
        if not states:
            raise SandboxFailed(f"the model did not call {tool}: the plugin may not be loaded")
        return dict(states[-1])

    def wait_for_the_end_of_the_turn(self, session_id: str) -> list[dict[str, Any]]:
        """The session's messages, once its agent has ended its turn."""

        def ended() -> list[dict[str, Any]] | None:
            messages = self.messages(session_id)
            return messages if messages and messages[-1]["info"].get("finish") == "stop" else None

        return until(ended, failed=f"the session {session_id} did not end its turn")


def until(
    look: Callable[[], _T | None],
    timeout_s: float = TURN_TIMEOUT_S,
    *,
    failed: str = "what was waited for did not come",
) -> _T:
    """What `look` gives as soon as it gives something.

    Args:
        failed: the sentence for when it never does, without how long that was.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(POLL_INTERVAL_S)
    raise SandboxFailed(f"{failed} within {timeout_s:g} s")


def _checked(response: httpx.Response) -> Any:  # noqa: ANN401  # as above
    if response.is_error:
        request = response.request
        raise SandboxFailed(
            f"OpenCode answered {response.status_code} to {request.method} {request.url}: {response.text[:500]}"
        )
    return response.json() if response.content else None

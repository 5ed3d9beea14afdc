"""What the demonstration asks OpenCode's server, as a person's client would. Knows nothing of what is shown of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from handoff_sidecar.demo.processes import SandboxFailed

TURN_TIMEOUT_S = 90.0
"""For one turn of the scripted model; 1-3 s on two idle cores."""

POLL_INTERVAL_S = 0.1

_T = TypeVar("_T")


def say_as_person(http: httpx.Client, session_id: str | None, text: str) -> str:
    """Send a message as the person and wait for the turn to end; the session's id."""
    session_id = session_id or str(checked(http.post("/session", json={}))["id"])
    parts = [{"type": "text", "text": text}]
    checked(http.post(f"/session/{session_id}/message", json={"parts": parts}))
    return session_id


def wait_for_answer(http: httpx.Client, session_id: str) -> list[dict[str, Any]]:
    """The session's messages, once its agent has ended its turn."""

    def answered() -> list[dict[str, Any]] | None:
        messages: list[dict[str, Any]] = get(http, f"/session/{session_id}/message")
        return messages if messages and messages[-1]["info"].get("finish") == "stop" else None

    return until(answered, f"the new session {session_id} did not answer its prompt")


def tool_call(http: httpx.Client, session_id: str, tool: str) -> dict[str, Any]:
    """The state of the newest call of a tool."""
    for message in reversed(get(http, f"/session/{session_id}/message")):
        for part in message["parts"]:
            if part["type"] == "tool" and part["tool"] == tool:
                state: dict[str, Any] = part["state"]
                return state
    raise SandboxFailed(f"the scripted model did not call {tool}: the plugin may not be loaded")


def until(look: Callable[[], _T | None], failed: str) -> _T:
    """What `look` gives as soon as it gives something.

    Args:
        failed: the sentence for when it never does.
    """
    deadline = time.monotonic() + TURN_TIMEOUT_S
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(POLL_INTERVAL_S)
    raise SandboxFailed(f"{failed} within {TURN_TIMEOUT_S:g} s")


def get(http: httpx.Client, path: str) -> Any:  # noqa: ANN401  # OpenCode's JSON as it is
    """What OpenCode answers.

    Raises:
        SandboxFailed: it refused.
    """
    return checked(http.get(path))


def checked(response: httpx.Response) -> Any:  # noqa: ANN401  # as above
    """The answer's JSON.

    Raises:
        SandboxFailed: it is an error.
    """
    if response.is_error:
        raise SandboxFailed(
            f"OpenCode answered {response.status_code} to {response.request.url}: {response.text[:500]}"
        )
    return response.json()

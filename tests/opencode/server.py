"""A running OpenCode as its users' clients see it, and what to look for in it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, ScriptedModel, ToolCall

TURN_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.05

TYPED = "Call the `session_handoff` tool"
"""Stands in the part that the plugin adds to a typed trigger: a model that sees it has been told."""

PROMPT = "## Session Handoff"

_T = TypeVar("_T")

Play = Callable[..., None]
"""The fixture `play`: the text of a turn, then the replies in it."""


def calls(tool: str, **arguments: Any) -> Reply:
    return Reply("", (ToolCall(tool, arguments),))


@dataclass
class Server:
    """OpenCode's HTTP API as a person's client would use it."""

    http: httpx.Client
    url: str
    sandbox: Sandbox

    @property
    def version(self) -> str:
        """OpenCode's."""
        return str(self.get("/global/health")["version"])

    def get(self, path: str) -> Any:
        return self._checked(self.http.get(path))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._checked(self.http.post(path, json=body))

    def new_session(self, **fields: Any) -> str:
        return str(self.post("/session", fields)["id"])

    def say(self, session_id: str, text: str, **fields: Any) -> None:
        """Send a message and wait for the end of the turn."""
        self.post(f"/session/{session_id}/message", {"parts": [{"type": "text", "text": text}], **fields})

    def messages(self, session_id: str) -> list[dict[str, Any]]:
        return list(self.get(f"/session/{session_id}/message"))

    def tool_call(self, session_id: str, tool: str) -> dict[str, Any]:
        """The state of the newest call of the tool in a session."""
        parts = [part for message in self.messages(session_id) for part in message["parts"]]
        states = [part["state"] for part in parts if part["type"] == "tool" and part["tool"] == tool]
        assert states, f"{tool} was not called"
        return dict(states[-1])

    def wait_for_the_end_of_the_turn(self, session_id: str) -> list[dict[str, Any]]:
        def ended() -> list[dict[str, Any]] | None:
            messages = self.messages(session_id)
            return messages if messages and messages[-1]["info"].get("finish") == "stop" else None

        return until(ended)

    @staticmethod
    def _checked(response: httpx.Response) -> Any:
        assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
        return response.json() if response.content else None


@contextmanager
def serving(sandbox: Sandbox, extra: Mapping[str, str] | None = None) -> Iterator[Server]:
    """An `opencode serve` of a test's own."""
    with sandbox.serve(extra=extra) as url, httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S) as http:
        yield Server(http, url, sandbox)


def until(condition: Callable[[], _T | None], timeout_s: float = TURN_TIMEOUT_S) -> _T:
    """What the condition gives as soon as it gives something."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if (value := condition()) is not None:
            return value
        time.sleep(POLL_INTERVAL_S)
    raise AssertionError(f"{getattr(condition, '__qualname__', condition)} did not come true within {timeout_s:g} s")


def sidecars(sandbox: Sandbox) -> list[int]:
    """The process ids of the sidecars that work for this sandbox (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile, or is another user's
        if b"handoff_sidecar" in command and f"HOME={sandbox.home}".encode() in environment:
            found.append(int(process.name))
    return found


def asked_about(model: ScriptedModel, text: str) -> list[ChatRequest]:
    """The requests with tools whose newest user message holds the text."""
    return [request for request in model.requests if request.tools and text in request.last_text("user")]


@contextmanager
def toasts(server: Server) -> Iterator[list[str]]:
    """What toasts say, as a TUI that is attached would see them."""
    seen: list[str] = []
    listening = threading.Event()

    def listen() -> None:
        try:
            with httpx.stream("GET", f"{server.url}/event", timeout=None) as stream:
                listening.set()
                lines = (line.removeprefix("data: ") for line in stream.iter_lines() if "tui.toast.show" in line)
                seen.extend(json.loads(line)["properties"]["message"] for line in lines)
        except httpx.HTTPError:
            return  # the server has ended

    threading.Thread(target=listen, daemon=True).start()
    assert listening.wait(TURN_TIMEOUT_S)
    yield seen

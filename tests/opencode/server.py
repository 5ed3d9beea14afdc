"""A running OpenCode as its users' clients see it, and what to look for in it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, ScriptedModel, ToolCall
from handoff_sidecar.demo.server import TURN_TIMEOUT_S, Server

TYPED = "Call the `session_handoff` tool"
"""Stands in the part that the plugin adds to a typed trigger: a model that sees it has been told."""

PROMPT = "## Session Handoff"

Play = Callable[..., None]
"""The fixture `play`: the text of a turn, then the replies in it."""


def calls(tool: str, **arguments: Any) -> Reply:
    return Reply("", (ToolCall(tool, arguments),))


def processes(environment: str, word: str) -> list[int]:
    """The ids of the processes with this word in their command and this `NAME=value` in their environment (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile, or is another user's
        if word.encode() in command and environment.encode() in variables:
            found.append(int(process.name))
    return found


def sidecars(sandbox: Sandbox) -> list[int]:
    """The process ids of the sidecars that work for this sandbox."""
    return processes(f"HOME={sandbox.home}", "handoff_sidecar")


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

"""Sessions that were handed off, in every way there is, and what has become of the calls of their agents."""

from __future__ import annotations

from typing import Any

from opencode.server import Play, calls

from handoff_sidecar.demo.scripted_model import PROVIDER_ID, Reply
from handoff_sidecar.demo.server import Server, until

FILLED = "filled"
"""A model whose context is full after a few messages; a server's configuration has to name it."""

FILLED_MODEL = {FILLED: {"name": FILLED, "limit": {"context": 16_000, "output": 4_000}, "tool_call": True}}

ASKED = "and do nothing else: say where things stand"
"""Stands in what the plugin asks of an agent whose turn has filled its context."""

NUDGED = "and what was said will soon be cut down"
"""Stands in what it is told in the middle of that turn."""

ELSEWHERE = "Nothing was done, because two agents must not work in one folder."
"""Ends the error of a call that was refused."""


def prompt(server: Server, session: str, text: str) -> None:
    server.post(f"/session/{session}/prompt_async", {"parts": [{"type": "text", "text": text}]})


def results(server: Server, session: str, tool: str) -> list[str]:
    """What each call of the tool has come to, oldest first."""
    parts = [part for message in server.messages(session) for part in message["parts"] if part["type"] == "tool"]
    states: list[dict[str, Any]] = [part["state"] for part in parts if part["tool"] == tool]
    return [str(state.get("error") or state["status"]) for state in states]


def is_idle(server: Server) -> bool | None:
    return True if server.get("/session/status") == {} else None


def typed(server: Server, play: Play) -> str:
    play("handoff the rest", calls("session_handoff", summary="S.", goal="the rest"), Reply("Over."))
    old = server.new_session(title="Typed")
    server.say(old, "handoff the rest")
    return old


def by_command(server: Server, play: Play) -> str:
    play("Begin.", Reply("Begun."))
    old = server.new_session(title="By command")
    server.say(old, "Begin.")
    command(server, old, "handoff-now", "the rest")
    return old


def by_itself(server: Server, play: Play) -> str:
    play(ASKED, Reply("I would rather not."))
    look = calls("read", filePath=str(server.sandbox.project / "README.md"))
    play("Fill it.", look, Reply("Full.", input_tokens=9_500))
    old = server.new_session(title="By itself")
    server.say(old, "Fill it.", model={"providerID": PROVIDER_ID, "modelID": FILLED})
    until(lambda: left_for(server, old))
    return old


def resumed(server: Server, play: Play) -> str:
    old = typed(server, play)
    first = left_for(server, old)
    command(server, server.new_session(title="Resumes"), "handoff-resume", old)
    second = left_for(server, old)
    assert first != second
    assert left_for(server, str(first)) == second, "the session that the same brief made before is left too"
    return old


def command(server: Server, session: str, name: str, words: str) -> None:
    answer = server.http.post(f"/session/{session}/command", json={"command": name, "arguments": words})
    assert answer.status_code == 500, "that is how a command ends without a model call"


def has_ended(server: Server, session: str, text: str) -> bool | None:
    """Whether a turn with these last words is over; 1.15.13 can call a session idle while its last message is open."""
    newest = server.messages(session)[-1:]
    is_whole = all(message["info"]["time"].get("completed") for message in newest)
    return (is_whole and text in str(newest) and session not in server.get("/session/status")) or None


def left_for(server: Server, session: str) -> str | None:
    to = server.get(f"/session/{session}").get("metadata", {}).get("handoff", {}).get("to")
    return str(to) if to else None

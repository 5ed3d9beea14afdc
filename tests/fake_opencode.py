"""An OpenCode of a few dictionaries behind an httpx transport, for tests of what talks to OpenCode's API.

Answers the endpoints that the client uses as 1.18.33 does, and can be told to fail at any of them. What the real
program does is shown in tests/opencode.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from handoff_sidecar.opencode.client import OpenCodeClient, cursor_at

SCRIPTED = {"providerID": "scripted", "modelID": "m1"}


def user_message(number: int, text: str, **info: Any) -> dict[str, Any]:
    return {
        "info": {
            "id": f"msg_{number:04}",
            "role": "user",
            "time": {"created": 1_780_000_000_000 + number * 60_000},
            "agent": "build",
            "model": SCRIPTED,
            "summary": {"diffs": []},
            **info,
        },
        "parts": [{"id": f"prt_{number:04}", "type": "text", "text": text}],
    }


def assistant_message(number: int, text: str, *parts: dict[str, Any], **info: Any) -> dict[str, Any]:
    return {
        "info": {
            "id": f"msg_{number:04}",
            "role": "assistant",
            "time": {"created": 1_780_000_000_000 + number * 60_000},
            "agent": "build",
            "mode": "build",
            **SCRIPTED,
            **info,
        },
        "parts": [{"id": f"prt_{number:04}", "type": "text", "text": text}, *parts],
    }


def tool_part(tool: str, *, status: str = "completed", **state: Any) -> dict[str, Any]:
    return {"type": "tool", "tool": tool, "callID": "call_x", "state": {"status": status, "input": {}, **state}}


def body_of(request: httpx.Request) -> Any:
    return json.loads(request.content) if request.content else None


Intercept = Callable[[httpx.Request], Awaitable[httpx.Response | None]]


@dataclass
class FakeOpenCode:
    """`intercept` sees each request first, and answers it by returning a response or raising."""

    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    todos: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    known_agents: set[str] = field(default_factory=lambda: {"build", "plan"})
    models: dict[str, list[str]] = field(default_factory=lambda: {"scripted": ["m1"]})
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    selected: list[str] = field(default_factory=list)
    toasts: list[dict[str, Any]] = field(default_factory=list)
    picker_opened: int = 0
    typed: str = ""
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)
    version: str | None = "1.18.34"
    limits: dict[str, Any] = field(default_factory=lambda: {"context": 200_000, "output": 8_000})
    config: dict[str, Any] = field(default_factory=dict)
    intercept: Intercept | None = None

    def add_session(self, session_id: str = "ses_old", **fields: Any) -> str:
        self.sessions[session_id] = {
            "id": session_id,
            "title": "Auth flow",
            "directory": "/home/ada/dashboard",
            "projectID": "prj_1",
            "time": {"created": 1, "updated": 2},
            **fields,
        }
        self.messages.setdefault(session_id, [])
        return session_id

    def client(self, directory: str = "/home/ada/dashboard") -> OpenCodeClient:
        return OpenCodeClient(self.http(), directory)

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url="http://fake")

    def made(self) -> list[dict[str, Any]]:
        """The sessions that are there and were not added by the test."""
        return [session for name, session in self.sessions.items() if name.startswith("ses_new")]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((request.method, request.url.path, body_of(request)))
        if self.intercept is not None:
            answer = await self.intercept(request)
            if answer is not None:
                return answer
        await asyncio.sleep(0)
        return self.route(request)

    def route(self, request: httpx.Request) -> httpx.Response:
        """Do what the request asks for."""
        body = body_of(request)
        match [request.method, *request.url.path.strip("/").split("/")]:
            case ["GET", "global", "health"]:
                return httpx.Response(200, json={"healthy": True, "version": self.version})
            case ["GET", "config"]:
                return httpx.Response(200, json={"provider": {"x": {"options": {"apiKey": "secret"}}}, **self.config})
            case ["GET", "session", "status"]:
                return httpx.Response(200, json=self.statuses)
            case ["POST", "session", session_id, "abort"]:
                self.aborted.append(session_id)
                self.statuses.pop(session_id, None)
            case ["GET", "session"]:
                return httpx.Response(200, json=list(self.sessions.values())[::-1])
            case ["POST", "session"]:
                session_id = self.add_session(f"ses_new{len(self.sessions)}", **body)
                return httpx.Response(200, json=self.sessions[session_id])
            case ["GET", "session", session_id, "children"]:
                children = [each for each in self.sessions.values() if each.get("parentID") == session_id]
                return httpx.Response(200, json=children)
            case [_, "session", session_id, *_] if session_id not in self.sessions:
                return httpx.Response(
                    404, json={"name": "NotFoundError", "data": {"message": f"Session not found: {session_id}"}}
                )
            case ["GET", "session", session_id]:
                return httpx.Response(200, json=self.sessions[session_id])
            case ["PATCH", "session", session_id]:
                self.sessions[session_id].update(body)
                return httpx.Response(200, json=self.sessions[session_id])
            case ["DELETE", "session", session_id]:
                del self.sessions[session_id]
                return httpx.Response(200, json=True)
            case ["GET", "session", session_id, "todo"]:
                return httpx.Response(200, json=self.todos.get(session_id, []))
            case ["GET", "session", session_id, "message"]:
                return self._page(session_id, request.url.params)
            case ["GET", "session", session_id, "message", message_id]:
                found = [each for each in self.messages[session_id] if each["info"]["id"] == message_id]
                return httpx.Response(200, json=found[0]) if found else httpx.Response(404, json={"name": "NotFound"})
            case ["DELETE", "session", session_id, "message", message_id]:
                left = [each for each in self.messages[session_id] if each["info"]["id"] != message_id]
                self.messages[session_id] = left
            case ["POST", "session", session_id, "prompt_async"]:
                if body.get("agent", "build") in self.known_agents:
                    self._store(session_id, body)
                return httpx.Response(204)
            case ["GET", "path"]:
                return httpx.Response(200, json={"worktree": "/", "directory": "/home/ada/dashboard"})
            case ["GET", "agent"]:
                listed = [{"name": name, "mode": "primary"} for name in sorted(self.known_agents)]
                hidden = [{"name": "title", "mode": "primary", "hidden": True}, {"name": "explore", "mode": "subagent"}]
                return httpx.Response(200, json=[*listed, *hidden])
            case ["GET", "config", "providers"]:
                return httpx.Response(200, json={"providers": self._providers()})
            case ["POST", "tui", "append-prompt"]:
                self.typed += body["text"]
            case ["POST", "tui", "select-session"]:
                self.selected.append(body["sessionID"])
            case ["POST", "tui", "open-sessions"]:
                self.picker_opened += 1
            case ["POST", "tui", "show-toast"]:
                self.toasts.append(body)
            case _:
                return httpx.Response(404, text="no such endpoint")
        return httpx.Response(200, json=True)

    def _providers(self) -> list[dict[str, Any]]:
        """As OpenCode lists them: with the key, which is nobody's business here."""
        return [
            {
                "id": name,
                "options": {"apiKey": "sk-secret"},
                "models": {model: {"id": model, "limit": self.limits} for model in models},
            }
            for name, models in self.models.items()
        ]

    def _page(self, session_id: str, params: httpx.QueryParams) -> httpx.Response:
        messages = self.messages[session_id]
        limit = int(params.get("limit", len(messages)))
        if "before" in params:
            cursor = json.loads(base64.urlsafe_b64decode(params["before"] + "=="))
            position = (cursor["time"], cursor["id"])
            messages = [each for each in messages if (each["info"]["time"]["created"], each["info"]["id"]) < position]
        page = messages[max(len(messages) - limit, 0) :]
        first = page[0]["info"] if len(page) < len(messages) else None
        headers = {"x-next-cursor": cursor_at(first["id"], first["time"]["created"])} if first else {}
        return httpx.Response(200, json=page, headers=headers)

    def _store(self, session_id: str, body: dict[str, Any]) -> None:
        model = {**body.get("model", SCRIPTED)}
        if "variant" in body:
            model["variant"] = body["variant"]
        message = user_message(
            1_000 + len(self.messages[session_id]), "", agent=body.get("agent", "build"), model=model
        )
        message["parts"] = body["parts"]
        self.messages[session_id].append(message)

"""A handoff that dies on its way, and what it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from fake_opencode import FakeOpenCode

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.call.context import Mode, Scene, ToolContext, ToolResult
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
PROJECT = "/home/ada/dashboard"
DENIED = [{"permission": "edit", "pattern": "*", "action": "deny"}]
Resume = Callable[..., Awaitable[ToolResult]]


def scene(
    opencode: FakeOpenCode, session: str = "ses_here", mode: Mode = "tui", agent: str | None = None, **settings: Any
) -> Scene:
    place = {"sessionID": session, "agent": agent, "directory": PROJECT, "worktree": PROJECT}
    return Scene(ToolContext.model_validate(place), opencode.client(), Settings(**settings), mode)


def session_handoff(journal: Journal) -> SessionHandoff:
    return SessionHandoff(journal=journal, tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))


async def die_at(opencode: FakeOpenCode, journal: Journal, method: str, path_end: str, *, after: bool = False) -> None:
    """A handoff whose process dies at this request: before OpenCode gets it, or after it has carried it out."""
    reached = asyncio.Event()

    async def intercept(request: httpx.Request) -> httpx.Response | None:
        if reached.is_set():
            raise httpx.ConnectError("the connection is gone")
        if request.method != method or not request.url.path.endswith(path_end):
            return None
        if after:
            opencode.route(request)
        reached.set()
        await asyncio.Event().wait()
        return None

    opencode.intercept = intercept
    tool = SessionHandoff(
        journal=journal, tokenizer=TOKENIZER, now=lambda: datetime.now(UTC), is_heard=lambda: not reached.is_set()
    )
    arguments = {"summary": "Login works.", "goal": "add logout"}
    work = asyncio.ensure_future(tool(arguments, scene(opencode, "ses_old", agent="plan")))
    await reached.wait()
    work.cancel()
    await asyncio.wait([work])
    opencode.intercept = None


STEPS = [
    ("POST", "/session", False, 0),
    ("POST", "/session", True, 0),
    ("POST", "/prompt_async", False, 0),
    ("POST", "/prompt_async", True, 1),
    ("PATCH", "/ses_old", False, 1),
    ("POST", "/tui/select-session", False, 1),
]


def handoff(**changes: Any) -> Handoff:
    given = {
        "from_session": "ses_old",
        "title": "Handoff: Auth flow",
        "from_title": "Auth flow",
        "directory": PROJECT,
        "agent": "build",
        "model": "scripted/m1",
        "created": "2026-11-23T07:00:00.000000+00:00",
        "prompt": "## Session Handoff",
        **changes,
    }
    return Handoff.model_validate(given)

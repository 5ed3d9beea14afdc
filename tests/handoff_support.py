"""What the tests of a handoff have in common: where it is called, with what, and an OpenCode that fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from handoff_sidecar.call.context import ToolContext, ToolResult
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
SUMMARY = {"summary": "Login works; token refresh is next."}
CONTEXT = ToolContext.model_validate(
    {
        "sessionID": "ses_old",
        "messageID": "msg_0002",
        "callID": "call_1",
        "agent": "plan",
        "directory": "/home/ada/dashboard",
        "worktree": "/home/ada/dashboard",
    }
)
HandOff = Callable[..., Awaitable[ToolResult]]


def failing(method: str, path_end: str, answer: httpx.Response | Exception) -> Any:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        if request.method == method and request.url.path.endswith(path_end):
            if isinstance(answer, Exception):
                raise answer
            return answer
        return None

    return intercept

"""A sidecar's process, with the benchmark at the other end of its stdio, as the shim would be.

Behind the benchmark is a fake OpenCode. As the real one does by way of the shim, it tells of a prompt that it has
stored, some milliseconds before it answers. Knows nothing of what is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_opencode import FakeOpenCode

from handoff_sidecar.call.context import ToolResult
from handoff_sidecar.demo.sandbox import FOREIGN_VARIABLES
from handoff_sidecar.installation.plugin_file import sidecar_command
from handoff_sidecar.opencode.tunnel import TunnelRequest, TunnelResponse
from handoff_sidecar.rpc.connection import Connection
from handoff_sidecar.rpc.errors import ConnectionLost, RequestTimedOut, RpcError
from handoff_sidecar.rpc.stdio import PipeSink, PipeSource
from handoff_sidecar.sidecar.manifest import PROTOCOL_VERSION
from handoff_sidecar.sidecar.shim_limits import SIDECARS_ENVIRONMENT

DIRECTORY = "/home/ada/dashboard"
CALL_TIMEOUT_S = 30.0

_PROMPTED = re.compile(r"/session/(ses_\w+)/prompt_async")


@dataclass(frozen=True, slots=True)
class RunningSidecar:
    """A sidecar that has been greeted, and how long that took."""

    pid: int
    connection: Connection
    ready_ms: float

    async def call(self, tool: str, arguments: dict[str, Any], session_id: str, directory: str) -> dict[str, Any]:
        """What a tool answers, called as OpenCode's model would call it."""
        context = {"sessionID": session_id, "directory": directory, "worktree": directory, "agent": "build"}
        params = {"name": tool, "arguments": arguments, "context": context}
        answer = await self.connection.request("tool/call", params, timeout_s=CALL_TIMEOUT_S)
        return ToolResult.model_validate(answer).model_dump()


def limit_reads(home: Path, tokens: int) -> None:
    """From the next sidecar of this home on, an answer of `read_session` has so many tokens at most."""
    settings = home / ".config" / "opencode" / "handoff.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"read_token_budget": tokens}), encoding="utf-8")


@asynccontextmanager
async def running(root: Path, fake: FakeOpenCode) -> AsyncIterator[RunningSidecar]:
    """A sidecar whose OpenCode is the fake one; its home is `root`, and it has none of the caller's settings."""
    client = fake.http()

    async def carry(params: dict[str, object]) -> dict[str, Any]:
        asked = TunnelRequest.model_validate(params)
        prompted = _PROMPTED.match(asked.path) if asked.method == "POST" else None
        before = len(fake.messages.get(prompted[1], ())) if prompted else 0
        response = await client.request(asked.method, asked.path, headers=asked.headers, content=asked.body)
        if prompted:
            for message in fake.messages.get(prompted[1], [])[before:]:
                _tell(connection, prompted[1], message)
        return TunnelResponse(
            status=response.status_code, headers=dict(response.headers), body=response.text
        ).model_dump()

    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: ASYNC220, S603 — asyncio's own would wrap the pipes; our own program
        sidecar_command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(root),
        cwd=root,
        start_new_session=True,  # a ctrl-c is for the benchmark alone, which then ends it
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")
    connection = Connection(
        PipeSource(process.stdout.fileno()),
        PipeSink(process.stdin.fileno()),
        {"http/request": carry},
    )
    serving = asyncio.create_task(connection.serve())
    try:
        hello = {"protocolVersion": PROTOCOL_VERSION, "mode": "serve", "directory": DIRECTORY}
        await connection.request("initialize", hello, timeout_s=CALL_TIMEOUT_S)
        yield RunningSidecar(process.pid, connection, (time.perf_counter() - started) * 1_000)
    finally:
        with suppress(RpcError, RequestTimedOut, ConnectionLost):
            await connection.request("shutdown", timeout_s=CALL_TIMEOUT_S)
            await asyncio.to_thread(process.wait, CALL_TIMEOUT_S)
        process.kill()
        process.wait()
        await serving
        process.stdin.close()
        process.stdout.close()


def _tell(connection: Connection, session_id: str, message: Mapping[str, Any]) -> None:
    """What the shim tells of a message of the sidecar's own: that it is there, and that its parts are."""
    info = message["info"]
    stored = {"sessionID": session_id, **{name: info[name] for name in ("id", "role", "agent", "model")}}
    connection.notify("event", {"type": "message.updated", "info": stored})
    for number, _ in enumerate(message["parts"]):
        part = {"id": f"prt_{number}", "sessionID": session_id, "messageID": info["id"]}
        connection.notify("event", {"type": "message.part.updated", "part": part})


def environment(root: Path) -> dict[str, str]:
    """The caller's, with this home and without what would change how OpenCode or the sidecar behaves."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    return {**kept, **SIDECARS_ENVIRONMENT, "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}

"""The sidecar's process by itself: from its start to its first answer, its memory, and whether that grows.

The benchmark is at the other end of its stdio, as the shim would be, with a fake OpenCode behind it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from benchmarks.samples import Sample
from handoff_sidecar.installation.plugin_file import sidecar_command
from handoff_sidecar.opencode.tunnel import TunnelRequest, TunnelResponse
from handoff_sidecar.rpc.connection import Connection
from handoff_sidecar.rpc.frames import FrameReader, FrameWriter
from handoff_sidecar.rpc.stdio import PipeSink, PipeSource
from handoff_sidecar.tools.context import ToolResult
from handoff_sidecar.tools.definitions import PROTOCOL_VERSION

READY_AT_MOST_MS = 300.0
MEMORY_AT_MOST_MB = 80.0
GROWTH_AT_MOST = 1.1
CALLS = 1_000
WARM_CALLS = 20
"""Both tools have run, so that the vocabulary and all modules are loaded, and nothing has piled up yet."""

SLOW_ANSWER_S = 0.3
"""Far above what the sidecar itself takes between an answer and its next request."""

DIRECTORY = "/home/ada/dashboard"
CALL_TIMEOUT_S = 30.0
ARGUMENTS = {"summary": "The login works.", "goal": "the logout", "files_modified": ["src/auth.ts"]}

# httpx brings in rich, where that is installed beside it, for a command line of its own: 50 ms and 4 MB.
IS_CLEAN = importlib.util.find_spec("rich") is None


@dataclass(frozen=True, slots=True)
class SidecarCosts:
    """Milliseconds and megabytes (resident; 1 MB is 10⁶ bytes).

    Attributes:
        is_clean: whether the Python has only what the package needs; else it starts slower than a person's would.
        handoff_ms: one handoff against a fake OpenCode that answers at once: the sidecar's own share.
        requests: how many of them a handoff makes of OpenCode.
        round_trips: how many of those wait for one another: what counts when OpenCode is slow to answer.
    """

    ready_ms: Sample
    memory_mb: float
    memory_after_mb: float
    handoff_ms: Sample
    requests: int
    round_trips: int
    is_clean: bool = IS_CLEAN


def measure(root: Path, *, starts: int) -> SidecarCosts:
    """Starts one after another, then one sidecar that is called and called."""
    return asyncio.run(_measure(root, starts))


async def _measure(root: Path, starts: int) -> SidecarCosts:
    ready: list[float] = []
    for _ in range(starts + 1):
        async with running(root, FakeOpenCode()) as sidecar:
            ready.append(sidecar.ready_ms)
    fake = _opencode()
    async with running(root, fake) as sidecar:
        for number in range(WARM_CALLS):
            await _call(sidecar, fake, number)
        before = _memory_mb(sidecar.pid)
        took = [await _call(sidecar, fake, number) for number in range(CALLS)]
        after = _memory_mb(sidecar.pid)
        requests, round_trips = await _round_trips(sidecar, fake)
    handoffs = Sample(tuple(took[::2]))
    return SidecarCosts(Sample(tuple(ready[1:])), before, after, handoffs, requests, round_trips)


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


@asynccontextmanager
async def running(root: Path, fake: FakeOpenCode) -> AsyncIterator[RunningSidecar]:
    """A sidecar whose OpenCode is the fake one; its home is `root`."""
    client = fake.http()

    async def carry(params: dict[str, object]) -> dict[str, Any]:
        asked = TunnelRequest.model_validate(params)
        response = await client.request(asked.method, asked.path, headers=asked.headers, content=asked.body)
        return TunnelResponse(
            status=response.status_code, headers=dict(response.headers), body=response.text
        ).model_dump()

    environment = {**os.environ, "HOME": str(root), "XDG_STATE_HOME": str(root / "state")}
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: ASYNC220, S603 — asyncio's own would wrap the pipes; our own program
        sidecar_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=root
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")
    connection = Connection(
        FrameReader(PipeSource(process.stdout.fileno())),
        FrameWriter(PipeSink(process.stdin.fileno())),
        {"http/request": carry},
    )
    serving = asyncio.create_task(connection.serve())
    hello = {"protocolVersion": PROTOCOL_VERSION, "mode": "serve", "directory": DIRECTORY}
    await connection.request("initialize", hello, timeout_s=CALL_TIMEOUT_S)
    ready_ms = (time.perf_counter() - started) * 1_000
    try:
        yield RunningSidecar(process.pid, connection, ready_ms)
    finally:
        await connection.request("shutdown", timeout_s=CALL_TIMEOUT_S)
        await asyncio.to_thread(process.wait, CALL_TIMEOUT_S)
        await serving
        process.stdin.close()
        process.stdout.close()


async def _call(sidecar: RunningSidecar, fake: FakeOpenCode, number: int) -> float:
    """A handoff and a reading by turns; how long it took, in milliseconds."""
    started = time.perf_counter()
    if number % 2:
        await sidecar.call("read_session", {}, "ses_here", DIRECTORY)
    else:
        await sidecar.call("session_handoff", ARGUMENTS, "ses_old", DIRECTORY)
    took_ms = (time.perf_counter() - started) * 1_000
    for made in fake.made():
        del fake.sessions[made["id"]]
    fake.sessions["ses_old"]["metadata"] = {}  # or the next one would be told that this turn was handed off already
    fake.requests.clear()
    return took_ms


async def _round_trips(sidecar: RunningSidecar, fake: FakeOpenCode) -> tuple[int, int]:
    """All requests of a handoff, and how often one was made only after an answer, if every answer takes a while."""
    asked_at: list[float] = []

    async def slowly(_: httpx.Request) -> None:
        asked_at.append(time.perf_counter())
        await asyncio.sleep(SLOW_ANSWER_S)

    fake.intercept = slowly
    await _call(sidecar, fake, 0)
    fake.intercept = None
    waits = sum(later - earlier > SLOW_ANSWER_S / 2 for earlier, later in pairwise(asked_at))
    return len(asked_at), waits + 1


def _opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session("ses_old")
    fake.add_session("ses_here", metadata={"handoff": {"from": "ses_old"}})
    fake.messages["ses_old"] = [
        message
        for number in range(0, 200, 2)
        for message in (
            user_message(number, f"Question {number}: " + "what of the session store? " * 10),
            assistant_message(number + 1, "It keeps it. " * 20, tool_part("bash", output="-rw-r--r-- auth.ts\n" * 100)),
        )
    ]
    return fake


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1_024 / 1e6 if found else 0.0

"""The sidecar's process by itself: its start, its memory, whether that grows, and its share of a handoff's time."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import httpx
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from benchmarks.note import ARGUMENTS
from benchmarks.samples import Sample
from benchmarks.sidecar import DIRECTORY, RunningSidecar, running
from handoff_sidecar.handoff.gathering.gather import GENERATIONS

READY_AT_MOST_MS = 300.0
MEMORY_AT_MOST_MB = 80.0
GROWTH_AT_MOST = 1.1
CALLS = 1_000
WARM_CALLS = 20
"""Both tools have run, so that the vocabulary and all modules are loaded, and nothing has piled up yet."""

FURTHER_HANDOFFS = 100

SLOW_ANSWER_S = 0.3
"""Far above what the sidecar itself takes between an answer and its next request."""

USUAL, NEXT, NEXT_BUT_MANY = "ses_old", "ses_next1", f"ses_next{GENERATIONS}"
SITUATIONS = {
    USUAL: "of 100 turns",
    NEXT: "that was just handed off to, and has nothing of its own yet",
    NEXT_BUT_MANY: f"the {GENERATIONS}th such in a row: the most that is looked at",
}

# httpx brings in rich, where that is installed beside it, for a command line of its own: 50 ms and 4 MB.
IS_CLEAN = importlib.util.find_spec("rich") is None


@dataclass(frozen=True, slots=True)
class HandoffCosts:
    """One handoff against a fake OpenCode that answers at once: the sidecar's own share.

    Attributes:
        requests: how many of them it makes of OpenCode.
        round_trips: how many of those wait for one another: what counts when OpenCode is slow to answer.
    """

    took_ms: Sample
    requests: int
    round_trips: int


@dataclass(frozen=True, slots=True)
class SidecarCosts:
    """Milliseconds and megabytes (resident; 1 MB is 10⁶ bytes).

    Attributes:
        handoffs: by what the session is that is handed off.
        is_clean: whether the Python has only what the package needs; else it starts slower than a person's would.
    """

    ready_ms: Sample
    memory_mb: float
    memory_after_mb: float
    handoffs: dict[str, HandoffCosts]
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
        for _ in range(WARM_CALLS // 2):
            await _handoff(sidecar, fake, USUAL)
            await _read(sidecar)
        before = memory_mb(sidecar.pid)
        took = []
        for _ in range(CALLS // 2):
            took.append(await _handoff(sidecar, fake, USUAL))
            await _read(sidecar)
        after = memory_mb(sidecar.pid)
        times = {USUAL: took}
        for session_id in (NEXT, NEXT_BUT_MANY):
            times[session_id] = [await _handoff(sidecar, fake, session_id) for _ in range(FURTHER_HANDOFFS)]
        handoffs = {
            what: HandoffCosts(Sample(tuple(times[session_id])), *await _round_trips(sidecar, fake, session_id))
            for session_id, what in SITUATIONS.items()
        }
    return SidecarCosts(Sample(tuple(ready[1:])), before, after, handoffs)


async def _read(sidecar: RunningSidecar) -> None:
    await sidecar.call("read_session", {}, NEXT, DIRECTORY)


async def _handoff(sidecar: RunningSidecar, fake: FakeOpenCode, session_id: str) -> float:
    """How long it took, in milliseconds; afterwards all is as it was before."""
    metadata = fake.sessions[session_id].get("metadata")
    started = time.perf_counter()
    await sidecar.call("session_handoff", ARGUMENTS, session_id, DIRECTORY)
    took_ms = (time.perf_counter() - started) * 1_000
    for made in fake.made():
        del fake.sessions[made["id"]]
        del fake.messages[made["id"]]
    fake.sessions[session_id]["metadata"] = metadata  # or the next would be told that this turn was handed off already
    for kept in (fake.requests, fake.selected, fake.toasts):
        kept.clear()
    return took_ms


async def _round_trips(sidecar: RunningSidecar, fake: FakeOpenCode, session_id: str) -> tuple[int, int]:
    """All requests of a handoff, and how often one was made only after an answer, if every answer takes a while."""
    asked_at: list[float] = []

    async def slowly(_: httpx.Request) -> None:
        asked_at.append(time.perf_counter())
        await asyncio.sleep(SLOW_ANSWER_S)

    fake.intercept = slowly
    await _handoff(sidecar, fake, session_id)
    fake.intercept = None
    waits = sum(later - earlier > SLOW_ANSWER_S / 2 for earlier, later in pairwise(asked_at))
    return len(asked_at), waits + 1


def _opencode() -> FakeOpenCode:
    """One session that has work in it, and then sessions in which nobody did anything but hand off."""
    fake = FakeOpenCode()
    fake.add_session(USUAL, metadata={})
    fake.messages[USUAL] = [
        message
        for number in range(0, 200, 2)
        for message in (
            user_message(number, f"Question {number}: " + "what of the session store? " * 10),
            assistant_message(number + 1, "It keeps it. " * 20, tool_part("bash", output="-rw-r--r-- auth.ts\n" * 100)),
        )
    ]
    chain = [USUAL]
    for number in range(1, GENERATIONS + 1):
        name = f"ses_next{number}"
        fake.add_session(name, metadata={"handoff": {"from": chain[-1], "chain": list(chain)}})
        fake.messages[name] = [
            user_message(1_000, "## Session Handoff\n\nThe login works."),
            assistant_message(1_001, "I see."),
        ]
        chain.append(name)
    return fake


def memory_mb(pid: int) -> float:
    """What a process has in memory (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1_024 / 1e6 if found else 0.0

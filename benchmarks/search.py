"""How long read_session takes in the real OpenCode, by the length of the session that is read.

As OpenCode measures the tool's calls. A first search is one by a sidecar that was started anew.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opencode.server import processes

from benchmarks.errors import MeasuringFailed
from benchmarks.samples import Sample
from benchmarks.sidecar_costs import memory_mb
from benchmarks.stage import POLL_INTERVAL_S, OpenCode, import_records, make_sandbox, serving
from handoff_sidecar.demo.record import TURN_MS, Call, GrowingSession
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel, ToolCall, playbook
from handoff_sidecar.installation.plugin_file import install

SIZES = (10, 500, 5_000)
TOOL = "read_session"
END_TIMEOUT_S = 10.0

READS: dict[str, dict[str, Any]] = {
    "newest 20": {},
    "first search": {"query": "Request 7 tests"},
    "later search": {"query": "failing request 9"},
    "/regex/": {"query": r"/Request \d*7\b/"},
    "file": {"file": "src/a.ts"},
}
"""In this order, after a start of the sidecar that is not measured."""


@dataclass(frozen=True, slots=True)
class Size:
    """Milliseconds by kind of read, and what the sidecar has in memory after each of those rounds, in MB."""

    turns: int
    times_ms: dict[str, Sample]
    memory_mb: Sample


@dataclass(frozen=True, slots=True)
class Search:
    """The shortest session first."""

    sizes: list[Size]


def measure(root: Path, binary: Path, *, sizes: Sequence[int], rounds: int) -> Search:
    """Every kind of read of every session, with a sidecar of its own for each round.

    Raises:
        MeasuringFailed: a read failed.
    """
    reads = {"start": {"limit": 1}, **READS}
    with ScriptedModel(lambda _: Reply("Done.")) as model:
        model.script = playbook(
            {
                _request(name, turns): (
                    Reply("", (ToolCall(TOOL, {"session_id": _session_id(turns), **arguments}),)),
                    Reply("I see."),
                )
                for name, arguments in reads.items()
                for turns in sizes
            },
        )
        sandbox = make_sandbox(root / "home", binary, model.base_url)
        import_records(sandbox, [_session(sandbox, turns) for turns in sizes])
        install(sandbox.config_folder)
        with serving(sandbox) as opencode:
            return Search([_measured(opencode, turns, rounds) for turns in sorted(sizes)])


def _measured(opencode: OpenCode, turns: int, rounds: int) -> Size:
    times: dict[str, list[float]] = {name: [] for name in READS}
    memory = []
    for _ in range(rounds):
        _end_sidecar(opencode.sandbox)
        _read(opencode, "start", turns)
        for name in READS:
            times[name].append(_read(opencode, name, turns))
        memory.append(memory_mb(_sidecars(opencode.sandbox)[0]))
    return Size(turns, {name: Sample(tuple(its)) for name, its in times.items()}, Sample(tuple(memory)))


def _read(opencode: OpenCode, name: str, turns: int) -> float:
    """In a new session, so that none grows."""
    here = opencode.new_session()
    opencode.say(here, _request(name, turns))
    at = opencode.newest_call(here, TOOL)["time"]
    return float(at["end"] - at["start"])


def _sidecars(sandbox: Sandbox) -> list[int]:
    return processes(f"HOME={sandbox.home}", "handoff_sidecar")


def _end_sidecar(sandbox: Sandbox) -> None:
    for process in _sidecars(sandbox):
        os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + END_TIMEOUT_S
    while _sidecars(sandbox):
        if time.monotonic() > deadline:
            raise MeasuringFailed(f"the sidecar did not end in {END_TIMEOUT_S:.0f} s")
        time.sleep(POLL_INTERVAL_S)


def _request(name: str, turns: int) -> str:
    return f"Please read, {name}, of {turns} turns."


def _session_id(turns: int) -> str:
    return f"ses_read{turns:05d}"


def _session(sandbox: Sandbox, turns: int) -> GrowingSession:
    """Turns of 6.6 kB each in words that differ: a request, a tool call with its output, an answer."""
    chance = random.Random(turns)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 10))) for _ in range(4_000)]
    started_ms = int(time.time() * 1_000) - (turns + 10) * TURN_MS
    record = GrowingSession(_session_id(turns), f"{turns} turns", str(sandbox.project), started_ms)
    for turn in range(turns):
        output = " ".join(chance.choices(words, k=300))
        call = Call("bash", {"command": "npm test"}, output, "Run tests", {"output": output, "exit": 0})
        asked = f"Request {turn}: {' '.join(chance.choices(words, k=20))}"
        record.turn(asked, ("", (call,)), answer=" ".join(chance.choices(words, k=160)))
    return record

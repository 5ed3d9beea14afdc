"""What the plugin costs while nobody hands off: an ordinary message, and an answer that streams for long.

In two real OpenCode servers, one with the plugin and one without, turn about.
"""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.samples import Sample
from benchmarks.stage import OpenCode, make_sandbox, processes, serving
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, ScriptedModel
from handoff_sidecar.installation.plugin_file import install

DELTAS = 10_000
STREAM_REQUEST = "Tell me a long story"
STORY = "Once upon a time there was a token that nobody refreshed. " * 1_000


@dataclass(frozen=True, slots=True)
class Chat:
    """Milliseconds, with and without the plugin; of the stream, processor time as well.

    Attributes:
        message_ms: an ordinary message and its short answer.
        stream_ms: an answer of 10,000 deltas, by the clock.
        stream_cpu_ms: the same, of OpenCode's process.
        sidecar_cpu_ms: the sidecar's share of it.
    """

    message_ms: dict[str, Sample]
    stream_ms: dict[str, Sample]
    stream_cpu_ms: dict[str, Sample]
    sidecar_cpu_ms: Sample


def measure(root: Path, binary: Path, *, messages: int, streams: int) -> Chat:
    """Pairs of messages and of streams, after one of each that doesn't count."""
    with ScriptedModel(_answer) as model, ExitStack() as running:
        opencodes = {}
        for name in ("with", "without"):
            sandbox = make_sandbox(root / name, binary, model.base_url)
            if name == "with":
                install(sandbox.config_folder)
            opencodes[name] = running.enter_context(serving(sandbox))
        for opencode in opencodes.values():
            opencode.say(opencode.new_session(), "hello")
            opencode.say(opencode.new_session(), STREAM_REQUEST)
        message_ms = _turns(opencodes, "hello", messages)
        sidecar = processes(f"HOME={opencodes['with'].sandbox.home}", "handoff_sidecar")
        if len(sidecar) != 1:
            raise RuntimeError(f"one sidecar was expected, and there are {len(sidecar)}")
        return _streams(opencodes, message_ms, sidecar[0], streams)


def _turns(opencodes: dict[str, OpenCode], text: str, count: int) -> dict[str, Sample]:
    """Each in a new session, so that no conversation grows; in random order, as one leaves some work to the next."""
    times: dict[str, list[float]] = {name: [] for name in opencodes}
    order = random.Random(0)
    for _ in range(count):
        for name in order.sample(list(opencodes), len(opencodes)):
            session_id = opencodes[name].new_session()
            times[name].append(opencodes[name].say(session_id, text))
    return {name: Sample(tuple(values)) for name, values in times.items()}


def _streams(opencodes: dict[str, OpenCode], message_ms: dict[str, Sample], sidecar: int, count: int) -> Chat:
    wall: dict[str, list[float]] = {name: [] for name in opencodes}
    cpu: dict[str, list[float]] = {name: [] for name in opencodes}
    sidecar_cpu = []
    servers = {name: processes(f"HOME={opencode.sandbox.home}", "serve")[0] for name, opencode in opencodes.items()}
    for number in range(count):
        for name in sorted(opencodes, reverse=bool(number % 2)):
            session_id = opencodes[name].new_session()
            before, sidecar_before = _cpu_ms(servers[name]), _cpu_ms(sidecar)
            wall[name].append(opencodes[name].say(session_id, STREAM_REQUEST))
            cpu[name].append(_cpu_ms(servers[name]) - before)
            if name == "with":
                sidecar_cpu.append(_cpu_ms(sidecar) - sidecar_before)
    return Chat(
        message_ms,
        {name: Sample(tuple(values)) for name, values in wall.items()},
        {name: Sample(tuple(values)) for name, values in cpu.items()},
        Sample(tuple(sidecar_cpu)),
    )


def _answer(request: ChatRequest) -> Reply:
    if STREAM_REQUEST in request.last_text("user"):
        return Reply(STORY, deltas=DELTAS)
    return Reply("Hello.")


def _cpu_ms(pid: int) -> float:
    """User and system time of a process so far; Linux counts it in ticks of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000 / os.sysconf("SC_CLK_TCK")

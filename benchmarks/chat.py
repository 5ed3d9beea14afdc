"""What the plugin costs while nobody hands off: an ordinary message, a tool call, and an answer that streams for long.

Turn about, with and without the plugin. Messages go to one real OpenCode server, in two projects of which one has the
plugin: two servers of the same kind have differed by more than a message costs. (A plugin that is loaded and not called
would cost both the same.) Streams go to two servers, whose processor time is told apart so.
"""

from __future__ import annotations

import os
import random
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from opencode.server import processes

from benchmarks.samples import Sample
from benchmarks.stage import OpenCode, in_directory, make_sandbox, serving, sidecar_of
from handoff_sidecar.demo.sandbox import Sandbox, skip_npm_install
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, ScriptedModel, ToolCall
from handoff_sidecar.installation.plugin_file import install

DELTAS = 10_000
STREAM_REQUEST = "Tell me a long story"
CALL_REQUEST = "Note what is to be done"
TODO = ToolCall("todowrite", {"todos": [{"content": "Say hello", "status": "pending", "priority": "low"}]})
"""What may change something and is quickly done."""

STORY = "Once upon a time there was a token that nobody refreshed. " * 1_000


@dataclass(frozen=True, slots=True)
class Chat:
    """Milliseconds, with and without the plugin; of the stream, processor time as well.

    Attributes:
        message_ms: an ordinary message and its short answer.
        call_ms: a message and its answer with one call of a tool that may change something: the plugin looks first
            whether the session was left.
        stream_ms: an answer of 10,000 deltas, by the clock.
        stream_cpu_ms: the same, of OpenCode's process.
        sidecar_cpu_ms: the sidecar's share of it.
    """

    message_ms: dict[str, Sample]
    call_ms: dict[str, Sample]
    stream_ms: dict[str, Sample]
    stream_cpu_ms: dict[str, Sample]
    sidecar_cpu_ms: Sample


def measure(root: Path, binary: Path, *, messages: int, streams: int) -> Chat:
    """Pairs of messages and of streams, after one of each that doesn't count."""
    with ScriptedModel(_answer) as model:
        short_ms = _messages(make_sandbox(root / "messages", binary, model.base_url), messages)
        sandboxes = {name: make_sandbox(root / name, binary, model.base_url) for name in ("with", "without")}
        install(sandboxes["with"].config_folder)
        stream_ms, stream_cpu_ms, sidecar_cpu_ms = _streams(sandboxes, streams)
        return Chat(*short_ms, stream_ms, stream_cpu_ms, sidecar_cpu_ms)


def _messages(sandbox: Sandbox, count: int) -> tuple[dict[str, Sample], dict[str, Sample]]:
    """`message_ms` and `call_ms` of one server, in two projects of the same files."""
    projects = {"with": sandbox.project, "without": sandbox.home / "without"}
    shutil.copytree(sandbox.project, projects["without"])
    sandbox.git("-C", str(projects["without"]), "commit", "--quiet", "--amend", "--message=Files of another project")
    for project in projects.values():
        (project / ".opencode").mkdir()
        skip_npm_install(project / ".opencode")
    install(projects["with"] / ".opencode")
    with serving(sandbox) as server, ExitStack() as clients:
        opencodes = {name: clients.enter_context(in_directory(server, path)) for name, path in projects.items()}
        for opencode in opencodes.values():
            opencode.say(opencode.new_session(), "hello")
        sidecar_of(sandbox)
        return _turns(opencodes, "hello", count), _turns(opencodes, CALL_REQUEST, count)


def _turns(opencodes: dict[str, OpenCode], text: str, count: int) -> dict[str, Sample]:
    """Each in a new session, so that no conversation grows; in random order, as one leaves some work to the next."""
    times: dict[str, list[float]] = {name: [] for name in opencodes}
    order = random.Random(0)
    for _ in range(count):
        for name in order.sample(list(opencodes), len(opencodes)):
            session_id = opencodes[name].new_session()
            times[name].append(opencodes[name].say(session_id, text))
    return {name: Sample(tuple(values)) for name, values in times.items()}


def _streams(sandboxes: dict[str, Sandbox], count: int) -> tuple[dict[str, Sample], dict[str, Sample], Sample]:
    """`stream_ms`, `stream_cpu_ms` and `sidecar_cpu_ms`."""
    wall: dict[str, list[float]] = {name: [] for name in sandboxes}
    cpu: dict[str, list[float]] = {name: [] for name in sandboxes}
    sidecar_cpu = []
    with ExitStack() as running:
        opencodes = {name: running.enter_context(serving(sandbox)) for name, sandbox in sandboxes.items()}
        for opencode in opencodes.values():
            opencode.say(opencode.new_session(), STREAM_REQUEST)
        sidecar = sidecar_of(sandboxes["with"])
        servers = {name: processes(f"HOME={sandbox.home}", "serve")[0] for name, sandbox in sandboxes.items()}
        for number in range(count):
            for name in sorted(opencodes, reverse=bool(number % 2)):
                session_id = opencodes[name].new_session()
                before, sidecar_before = _cpu_ms(servers[name]), _cpu_ms(sidecar)
                wall[name].append(opencodes[name].say(session_id, STREAM_REQUEST))
                cpu[name].append(_cpu_ms(servers[name]) - before)
                if name == "with":
                    sidecar_cpu.append(_cpu_ms(sidecar) - sidecar_before)
    return (
        {name: Sample(tuple(values)) for name, values in wall.items()},
        {name: Sample(tuple(values)) for name, values in cpu.items()},
        Sample(tuple(sidecar_cpu)),
    )


def _answer(request: ChatRequest) -> Reply:
    if STREAM_REQUEST in request.last_text("user"):
        return Reply(STORY, deltas=DELTAS)
    if CALL_REQUEST in request.last_text("user") and not request.replies_in_this_turn:
        return Reply("", (TODO,))
    return Reply("Hello.")


def _cpu_ms(pid: int) -> float:
    """User and system time of a process so far; Linux counts it in ticks of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000 / os.sysconf("SC_CLK_TCK")

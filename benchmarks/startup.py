"""What the plugin adds to OpenCode's start: paired runs with and without it, and its own time to initialise.

In the real `opencode run`: from the start of the program to its first request to the model, and to its end. And what a
server takes for its first messages, one after the other: the sidecar is to be started after them, when it is quiet.

One home for all runs, from which the plugin's file is taken away and put back: two homes have differed by as much as a
plugin does. A plugin that does nothing is measured too, as OpenCode itself does something for any.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from opencode.server import processes

from benchmarks.errors import MeasuringFailed
from benchmarks.samples import Sample
from benchmarks.stage import make_sandbox, serving, sidecar_of
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, ScriptedModel
from handoff_sidecar.installation.plugin_file import PLUGIN_FILE, install

INIT_AT_MOST_MS = 5.0
FIRST_MESSAGES = 50
"""They take longer than the sidecar waits for a quiet moment."""

_WRAPPER = """\
import {{ appendFileSync }} from "node:fs"
const plugin = {plugin}

export default async function (input, options) {{
  const started = performance.now()
  const {{ default: definition }} = await import(plugin)
  const later = globalThis.setTimeout
  let due
  globalThis.setTimeout = (work, ...rest) => later(() => {{ due = performance.now(); work() }}, ...rest)
  const made = definition.server(input, options)
  globalThis.setTimeout = later
  const hooks = await made
  const init = performance.now() - started
  globalThis[Symbol.for("handoff-sidecar")].then(() => {{
    appendFileSync({log}, JSON.stringify([process.pid, init, performance.now() - due]) + "\\n")
  }})
  return hooks
}}
"""
"""Notes how long the plugin's init takes with the loading of its modules, and how long the plugin then holds the
thread, from the one timer that it sets, to load the rest."""

_NOTHING = "export default async () => ({})\n"
_FILE = "measured.js"

WITH, WITHOUT, EMPTY = "with the plugin", "without", "with one that does nothing"


@dataclass(frozen=True, slots=True)
class StartUp:
    """Milliseconds.

    Attributes:
        init_ms: from OpenCode's call of the plugin file to the hooks, with the loading of all modules that this needs.
        rest_ms: loading the rest of the plugin, in the next turn of OpenCode's loop, which it holds for that long.
        answer_ms: from the start of the program to the first answer: `WITH`, `WITHOUT` and `EMPTY`.
        end_ms: to the end of the program.
        first_message_ms: a server's first message and its short answer.
        first_messages_ms: the first 50 of them, all together.
    """

    init_ms: Sample
    rest_ms: Sample
    answer_ms: dict[str, Sample]
    end_ms: dict[str, Sample]
    first_message_ms: dict[str, Sample]
    first_messages_ms: dict[str, Sample]


def measure(root: Path, binary: Path, *, rounds: int) -> StartUp:
    """Rounds of one run of each, and half as many of a server, in all orders in turn; the first round doesn't count."""
    answered: list[float] = []

    def script(request: ChatRequest) -> Reply:
        if request.tools:
            answered.append(time.perf_counter())
        return Reply("Hello.")

    with ScriptedModel(script) as model:
        sandbox = make_sandbox(root / "home", binary, model.base_url)
        log = sandbox.root / "init.log"
        plugins = {WITH: _measured_plugin(sandbox, log), EMPTY: _NOTHING}

        def run(name: str) -> tuple[float, float]:
            answered.clear()
            started = time.perf_counter()
            finished = sandbox.run(["hello"])
            ended = time.perf_counter()
            if finished.returncode or not answered:
                raise MeasuringFailed(f"`opencode run` {name} failed: {finished.stderr[-500:]}")
            return (answered[0] - started) * 1_000, (ended - started) * 1_000

        answers, ends = _in_turn(sandbox, plugins, rounds, run)
        init_ms, rest_ms = _loads(log, rounds)
        first, first_ones = _in_turn(sandbox, plugins, max(rounds // 2, 1), lambda name: _serve(sandbox, name))
    return StartUp(init_ms, rest_ms, answers, ends, first, first_ones)


def _serve(sandbox: Sandbox, name: str) -> tuple[float, float]:
    with serving(sandbox) as opencode:
        times = [opencode.say(opencode.new_session(), "hello") for _ in range(FIRST_MESSAGES)]
        if name == WITH:
            sidecar_of(sandbox)
        elif processes(f"HOME={sandbox.home}", "handoff_sidecar"):
            raise MeasuringFailed(f"{name}: a sidecar was started")
    return times[0], sum(times)


def _in_turn(
    sandbox: Sandbox, plugins: Mapping[str, str], rounds: int, measured: Callable[[str], tuple[float, float]]
) -> tuple[dict[str, Sample], dict[str, Sample]]:
    """Both times of each way to start OpenCode."""
    names = (WITH, WITHOUT, EMPTY)
    orders = list(permutations(names))
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in orders[number % len(orders)]:
            (sandbox.config_folder / "plugin" / _FILE).unlink(missing_ok=True)
            if name in plugins:
                sandbox.plugin_file(_FILE, plugins[name])
            pair = measured(name)
            if number:
                times[name].append(pair)
    one, other = ({name: Sample(tuple(pair[place] for pair in its)) for name, its in times.items()} for place in (0, 1))
    return one, other


def _measured_plugin(sandbox: Sandbox, log: Path) -> str:
    """The plugin as `install` writes it, behind a file that takes its time and notes it in the log."""
    elsewhere = sandbox.root / "installed"
    install(elsewhere)
    plugin = elsewhere / "plugin" / PLUGIN_FILE
    return _WRAPPER.format(plugin=json.dumps(plugin.as_uri()), log=json.dumps(str(log)))


def _loads(log: Path, rounds: int) -> tuple[Sample, Sample]:
    """OpenCode initialises a plugin twice in `run`; only the first time has all modules to load."""
    first: dict[int, list[float]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        process, *took_ms = json.loads(line)
        first.setdefault(process, took_ms)
    counted = list(first.values())[1:]
    if len(counted) != rounds:
        raise MeasuringFailed(f"the plugin was initialised in {len(counted)} of {rounds} runs")
    init_ms, rest_ms = zip(*counted, strict=True)
    return Sample(init_ms), Sample(rest_ms)

"""What the plugin adds to OpenCode's start: paired runs with and without it, and its own time to initialise.

In the real `opencode run`: from the start of the program to its first request to the model, and to its end.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.samples import Sample
from benchmarks.stage import make_sandbox
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, ScriptedModel
from handoff_sidecar.installation.plugin_file import PLUGIN_FILE, install

INIT_AT_MOST_MS = 5.0

_WRAPPER = """\
import {{ appendFileSync }} from "node:fs"
const plugin = {plugin}

export default async (input, options) => {{
  const started = performance.now()
  const {{ default: initialise }} = await import(plugin)
  const hooks = await initialise(input, options)
  appendFileSync({log}, JSON.stringify([process.pid, performance.now() - started]) + "\\n")
  return hooks
}}
"""


@dataclass(frozen=True, slots=True)
class StartUp:
    """Milliseconds.

    Attributes:
        init_ms: from OpenCode's call of the plugin file to the hooks, with the loading of all its modules.
        answer_ms: from the start of the program to the first answer, with and without the plugin.
        end_ms: to the end of the program.
    """

    init_ms: Sample
    answer_ms: dict[str, Sample]
    end_ms: dict[str, Sample]


def measure(root: Path, binary: Path, *, pairs: int) -> StartUp:
    """Pairs of runs, each pair in the other order than the one before, after one pair that doesn't count."""
    answers: dict[str, list[float]] = {"with": [], "without": []}
    ends: dict[str, list[float]] = {"with": [], "without": []}
    answered: list[float] = []

    def script(request: ChatRequest) -> Reply:
        if request.tools:
            answered.append(time.perf_counter())
        return Reply("Hello.")

    with ScriptedModel(script) as model:
        sandboxes = {name: make_sandbox(root / name, binary, model.base_url) for name in answers}
        log = _install_measured(sandboxes["with"])
        for number in range(pairs + 1):
            for name in sorted(sandboxes, reverse=bool(number % 2)):
                answered.clear()
                started = time.perf_counter()
                finished = sandboxes[name].run(["hello"])
                ended = time.perf_counter()
                if finished.returncode or not answered:
                    raise RuntimeError(f"`opencode run` {name} the plugin failed: {finished.stderr[-500:]}")
                if number:
                    answers[name].append((answered[0] - started) * 1_000)
                    ends[name].append((ended - started) * 1_000)
    return StartUp(
        Sample(_first_of_each_process(log)[1:]),
        {name: Sample(tuple(values)) for name, values in answers.items()},
        {name: Sample(tuple(values)) for name, values in ends.items()},
    )


def _install_measured(sandbox: Sandbox) -> Path:
    """The plugin as `install` writes it, behind a file that takes its time; the log of those times."""
    elsewhere = sandbox.root / "installed"
    install(elsewhere)
    plugin, log = elsewhere / "plugin" / PLUGIN_FILE, sandbox.root / "init.log"
    text = _WRAPPER.format(plugin=json.dumps(plugin.as_uri()), log=json.dumps(str(log)))
    sandbox.plugin_file("measured.js", text)
    return log


def _first_of_each_process(log: Path) -> tuple[float, ...]:
    """OpenCode initialises a plugin twice in `run`; only the first time has all modules to load."""
    first: dict[int, float] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        process, took_ms = json.loads(line)
        first.setdefault(process, took_ms)
    return tuple(first.values())

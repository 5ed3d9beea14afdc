"""Runs the measurements, prints them, and keeps them: `python -m benchmarks [PART …]`.

Writes `benchmarks/results/PART.json` for each part that was run, and the README's two pictures from them; of anything
but what the README shows, as of a session of the reader's own, nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import budget, chat, fidelity, latency, report, sessions, sidecar, startup
from benchmarks.figures import Bar, fidelity_svg, latency_svg
from benchmarks.machine import Machine, describe
from benchmarks.probes import KINDS, case_from_export
from handoff_sidecar.demo.binary import PINNED_VERSION, OpenCodeBinary, find_opencode

REPOSITORY = Path(__file__).parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
PICTURES = REPOSITORY / "docs"

_FLAT_LIST = re.compile(r"\[([^\[\]{}]*)\]")

FIDELITY_FOLDER = "handoff-sidecar-fidelity"
"""In the system's temporary folder; always of the same name, as paths count in tokens."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much to measure."""

    rounds: int
    sizes: list[int]
    against: Path | None
    session: Path | None
    probes: Path | None
    tuning: bool


@dataclass(frozen=True, slots=True)
class Done:
    """A part's result as JSON, as text, and as its picture if it has one: the file's name and what is in it."""

    result: Any
    text: str
    pictures: dict[str, str]


ROUNDS = 30
USUAL = Options(ROUNDS, list(latency.SIZES), against=None, session=None, probes=None, tuning=False)
"""What the README shows."""

Part = Callable[[Path, OpenCodeBinary, Options, Machine], Done]


def _latency(root: Path, opencode: OpenCodeBinary, options: Options, machine: Machine) -> Done:
    result = latency.measure(root, opencode.path, sizes=options.sizes, rounds=options.rounds, against=options.against)
    subtitle = f"median and 10th-90th percentile, n = {options.rounds}; {_on(machine)}"
    return Done(asdict(result), report.latency_text(result), {"latency.svg": latency_svg(result.times_ms, subtitle)})


def _startup(root: Path, opencode: OpenCodeBinary, options: Options, _: Machine) -> Done:
    result = startup.measure(root, opencode.path, rounds=options.rounds)
    return Done(asdict(result), report.startup_text(result), {})


def _sidecar(root: Path, _: OpenCodeBinary, options: Options, __: Machine) -> Done:
    result = sidecar.measure(root, starts=options.rounds)
    return Done(asdict(result), report.sidecar_text(result), {})


def _chat(root: Path, opencode: OpenCodeBinary, options: Options, _: Machine) -> Done:
    result = chat.measure(root, opencode.path, messages=8 * options.rounds, streams=max(options.rounds // 2, 2))
    return Done(asdict(result), report.chat_text(result), {})


def _fidelity(root: Path, _: OpenCodeBinary, options: Options, __: Machine) -> Done:
    if options.session and options.probes:
        cases = [case_from_export(options.session.stem, _json(options.session), _json(options.probes))]
    else:
        project = Path(tempfile.gettempdir()) / FIDELITY_FOLDER
        cases = sessions.tuning(str(project)) if options.tuning else sessions.reported(str(project))
    result = fidelity.measure(root, cases)
    return Done(result.summary(), report.fidelity_text(result), _fidelity_picture(result))


def _fidelity_picture(result: fidelity.Fidelity) -> dict[str, str]:
    agent, other = result.agents[0], f"last {fidelity.LAST_MESSAGES} messages"
    asked = [(kind, outcomes) for kind in KINDS if (outcomes := result.of(agent, kind))]
    bars = [
        Bar(
            kind,
            fidelity.share(outcome.in_prompt for outcome in outcomes),
            fidelity.share(outcome.recovered for outcome in outcomes),
            fidelity.share(outcome.baselines[other] for outcome in outcomes),
        )
        for kind, outcomes in asked
    ]
    sessions = len({handoff.case for handoff in result.handoffs})
    subtitle = f"{len(result.of(agent))} facts of {sessions} generated sessions of {_range(result)} turns"
    return {"fidelity.svg": fidelity_svg(bars, other, subtitle)}


def _budget(root: Path, _: OpenCodeBinary, __: Options, ___: Machine) -> Done:
    result = budget.measure(root)
    return Done(asdict(result), report.budget_text(result), {})


PARTS: dict[str, Part] = {
    "latency": _latency,
    "startup": _startup,
    "sidecar": _sidecar,
    "chat": _chat,
    "fidelity": _fidelity,
    "budget": _budget,
}


def main() -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"how often each thing is measured, default {ROUNDS}"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=list(latency.SIZES), help="turns of the old sessions")
    parser.add_argument("--against", type=Path, help="another plugin's file, which registers `session_handoff`")
    parser.add_argument("--session", type=Path, help="a session that `opencode export` wrote, for `fidelity`")
    parser.add_argument("--probes", type=Path, help="what is asked of it: see `case_from_export`")
    parser.add_argument("--tuning", action="store_true", help="`fidelity` on the sessions that the search is tuned on")
    parser.add_argument("--no-results", action="store_true", help="write no files")
    asked = parser.parse_args()
    options = Options(asked.rounds, asked.sizes, asked.against, asked.session, asked.probes, asked.tuning)
    opencode = find_opencode(PINNED_VERSION, say=print)
    for name in asked.parts or PARTS:
        load = os.getloadavg()[0]
        with tempfile.TemporaryDirectory(prefix="handoff-bench-") as folder:
            root = Path(folder).resolve()
            done = PARTS[name](root, opencode, options, describe(opencode.version, load))
        machine = describe(opencode.version, load)
        print(f"{done.text}\n\n{report.machine_text(machine)}\n", flush=True)
        if options == USUAL and not asked.no_results:
            _keep(name, machine, done)


def _keep(name: str, machine: Machine, done: Done) -> None:
    RESULTS.mkdir(exist_ok=True)
    kept = json.dumps(_rounded({"machine": asdict(machine), "result": done.result}), indent=1)
    (RESULTS / f"{name}.json").write_text(_FLAT_LIST.sub(_on_one_line, kept) + "\n", encoding="utf-8")
    for file, svg in done.pictures.items():
        (PICTURES / file).write_text(svg, encoding="utf-8")


def _rounded(result: Any) -> Any:  # noqa: ANN401  # JSON
    """To hundredths: of milliseconds, megabytes, shares of a percent."""
    if isinstance(result, dict):
        return {name: _rounded(value) for name, value in result.items()}
    if isinstance(result, list | tuple):
        return [_rounded(value) for value in result]
    return round(result, 2) if isinstance(result, float) else result


def _on_one_line(found: re.Match[str]) -> str:
    return f"[{' '.join(found[1].split())}]"


def _json(path: Path) -> Any:  # noqa: ANN401  # checked where it is used
    return json.loads(path.read_text(encoding="utf-8"))


def _on(machine: Machine) -> str:
    return f"OpenCode {machine.opencode}, {machine.cores} cores, {machine.date}"


def _range(result: fidelity.Fidelity) -> str:
    sizes = sorted({handoff.turns for handoff in result.handoffs})
    return f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


if __name__ == "__main__":
    main()

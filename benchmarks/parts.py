"""The parts that can be measured: what each needs, and its result as JSON and as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import (
    budget,
    chat,
    fidelity,
    latency,
    own_sessions,
    report,
    search,
    sessions,
    sidecar_costs,
    startup,
)
from benchmarks.arguments import Options
from benchmarks.fidelity_report import fidelity_text, own_sessions_text
from benchmarks.place import project_folder
from benchmarks.questions import case_from_files

ROUNDS_OF_A_SEARCH = 6
"""A search takes a second where a handoff takes a tenth; the sixth part of the rounds is enough for what has no bar."""


@dataclass(frozen=True, slots=True)
class Done:
    """A part's result as JSON and as text."""

    result: Any
    text: str


@dataclass(frozen=True, slots=True)
class InOpenCode:
    """A part that is measured in the real program."""

    measure: Callable[[Path, Path, Options], Done]


@dataclass(frozen=True, slots=True)
class ByItself:
    """A part that needs none."""

    measure: Callable[[Path, Options], Done]


def _latency(root: Path, binary: Path, options: Options) -> Done:
    result = latency.measure(root, binary, sizes=options.sizes, rounds=options.rounds, against=options.against)
    return Done(asdict(result), report.latency_text(result))


def _startup(root: Path, binary: Path, options: Options) -> Done:
    result = startup.measure(root, binary, rounds=options.rounds)
    return Done(asdict(result), report.startup_text(result))


def _sidecar(root: Path, options: Options) -> Done:
    result = sidecar_costs.measure(root, starts=options.rounds)
    return Done(asdict(result), report.sidecar_text(result))


def _chat(root: Path, binary: Path, options: Options) -> Done:
    result = chat.measure(root, binary, messages=8 * options.rounds, streams=max(options.rounds // 2, 2))
    return Done(asdict(result), report.chat_text(result))


def _search(root: Path, binary: Path, options: Options) -> Done:
    rounds = -(-options.rounds // ROUNDS_OF_A_SEARCH)
    result = search.measure(root, binary, sizes=search.SIZES, rounds=rounds)
    return Done(asdict(result), report.search_text(result))


def _fidelity(root: Path, options: Options) -> Done:
    if options.sessions:
        return _own_sessions(root, options.sessions)
    with project_folder() as folder:
        if options.session and options.probes:
            cases = [case_from_files(options.session, options.probes, folder)]
        else:
            cases = (sessions.tuning if options.tuning else sessions.reported)(str(folder))
        result = fidelity.measure(root, cases)
    return Done(result.summary(), fidelity_text(result))


def _own_sessions(root: Path, sessions_folder: Path) -> Done:
    with project_folder() as folder:
        asked = own_sessions.measure(root, sessions_folder, folder)
    return Done({"probes": [asdict(each) for each in asked]}, own_sessions_text(asked))


def _budget(root: Path, _: Options) -> Done:
    result = budget.measure(root)
    return Done(asdict(result), report.budget_text(result))


PARTS: dict[str, InOpenCode | ByItself] = {
    "latency": InOpenCode(_latency),
    "startup": InOpenCode(_startup),
    "sidecar": ByItself(_sidecar),
    "chat": InOpenCode(_chat),
    "search": InOpenCode(_search),
    "fidelity": ByItself(_fidelity),
    "budget": ByItself(_budget),
}

"""What is asked for on the command line, checked before anything is measured."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import latency
from benchmarks.errors import BadInput
from benchmarks.own_sessions import pairs_in
from benchmarks.questions import check

ROUNDS = 30
MOST_TURNS = 99_999
"""In an id of a generated session there are five digits."""

PROGRAM = "python -m benchmarks"


@dataclass(frozen=True, slots=True)
class Options:
    """How much to measure, and on what."""

    rounds: int = ROUNDS
    sizes: tuple[int, ...] = latency.SIZES
    against: Path | None = None
    session: Path | None = None
    probes: Path | None = None
    sessions: Path | None = None
    as_json: bool = False
    tuning: bool = False


USUAL = Options()
"""What docs/benchmarks.md shows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts to run, in their order; or, with `redraw`, none."""

    parts: tuple[str, ...]
    options: Options
    keep: bool
    redraw: bool


def asked_for(words: Sequence[str] | None, parts: Sequence[str], about: str) -> Asked:
    """What these words ask for; without any, all parts.

    Raises:
        SystemExit: they can't be understood, or can't be done; a sentence has been printed.
    """
    parser = argparse.ArgumentParser(prog=PROGRAM, description=about)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}; default: all")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"how often each thing is measured, default {ROUNDS}"
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=list(latency.SIZES), help="turns of the old sessions, for `latency`"
    )
    parser.add_argument("--against", type=Path, help="another plugin's file, which registers `session_handoff`")
    parser.add_argument("--session", type=Path, help="a session that `opencode export` wrote, for `fidelity`")
    parser.add_argument("--probes", type=Path, help="what is asked of it: see docs/benchmarks.md")
    parser.add_argument(
        "--sessions", type=Path, help="a folder of such sessions, NAME.json and NAME.probes.json, for `fidelity`"
    )
    parser.add_argument("--json", action="store_true", help="with --sessions: print what became of each probe")
    parser.add_argument("--tuning", action="store_true", help="`fidelity` on the sessions that the search is tuned on")
    parser.add_argument("--no-results", action="store_true", help="write no files")
    parser.add_argument("--redraw", action="store_true", help="measure nothing; draw the pictures from what is kept")
    given = parser.parse_args(words)
    sizes = tuple(sorted(set(given.sizes)))
    options = Options(
        given.rounds, sizes, given.against, given.session, given.probes, given.sessions, given.json, given.tuning
    )
    chosen = tuple(given.parts or parts)
    try:
        _check_parts(given.parts, parts, redraw=given.redraw)
        _check(options, chosen)
    except BadInput as error:
        parser.error(str(error))
    return Asked(() if given.redraw else chosen, options, not given.no_results and options == USUAL, given.redraw)


def _check_parts(given: Sequence[str], parts: Sequence[str], *, redraw: bool) -> None:
    for part in given:
        if part not in parts:
            raise BadInput(f"there is no part {part!r}: choose from {', '.join(parts)}")
    if redraw and given:
        raise BadInput("--redraw measures nothing: leave the parts out")


def _check(options: Options, chosen: Sequence[str]) -> None:
    if options.rounds < 1:
        raise BadInput(f"--rounds {options.rounds}: at least 1 is allowed")
    for turns in options.sizes:
        if not 1 <= turns <= MOST_TURNS:
            raise BadInput(f"--sizes {turns}: from 1 to {MOST_TURNS} is allowed")
    _check_against(options, chosen)
    _check_own_session(options, chosen)
    _check_own_sessions(options, chosen)


def _check_against(options: Options, chosen: Sequence[str]) -> None:
    if options.against is None:
        return
    if "latency" not in chosen:
        raise BadInput("--against is for `latency`, which is not among the parts")
    if not options.against.is_file():
        raise BadInput(f"--against {options.against}: there is no such file")


def _check_own_sessions(options: Options, chosen: Sequence[str]) -> None:
    if options.sessions is None:
        if options.as_json:
            raise BadInput("--json is for --sessions, which is not given")
        return
    if list(chosen) != ["fidelity"]:
        raise BadInput("--sessions is for `fidelity` alone: name it, and no other part")
    if options.session or options.probes or options.tuning:
        raise BadInput("--sessions has sessions of its own: leave out --session, --probes and --tuning")
    pairs_in(options.sessions)


def _check_own_session(options: Options, chosen: Sequence[str]) -> None:
    if options.session is None and options.probes is None:
        if options.tuning and "fidelity" not in chosen:
            raise BadInput("--tuning is for `fidelity`, which is not among the parts")
        return
    if options.session is None or options.probes is None:
        raise BadInput("--session and --probes go together: a session, and what is asked of it")
    if "fidelity" not in chosen:
        raise BadInput("--session is for `fidelity`, which is not among the parts")
    if options.tuning:
        raise BadInput("--tuning has sessions of its own: leave out --session and --probes")
    check(options.session, options.probes)

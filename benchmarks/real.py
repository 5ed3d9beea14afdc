"""Hands off sessions with your own model: `python -m benchmarks real --model PROVIDER/MODEL`.

In the real OpenCode, with your provider and key, in a throwaway home and project. Says what it will cost, and asks
before it begins. Prints a table, and keeps all that was seen as JSON in `benchmarks/results/real`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.archive import RESULTS
from benchmarks.arguments import PROGRAM
from benchmarks.errors import BadInput
from benchmarks.real_home import ModelName, make_home, model_name, server_environment
from benchmarks.real_report import estimate, estimate_text, report
from benchmarks.real_sessions import HANDOFFS
from benchmarks.real_trials import TURN_TIMEOUT_S, find_model, import_old_sessions, run
from handoff_sidecar.demo.binary import find_opencode
from handoff_sidecar.demo.processes import leaving_properly
from handoff_sidecar.text.tokens import Tokenizer

NAME = "real"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for on the command line."""

    model: ModelName
    handoffs: int
    yes: bool
    keep_in: Path


def asked_for(words: Sequence[str]) -> Asked:
    """What these words ask for.

    Raises:
        SystemExit: they can't be understood; a sentence has been printed.
    """
    parser = argparse.ArgumentParser(prog=f"{PROGRAM} {NAME}", description=__doc__)
    parser.add_argument("--model", required=True, metavar="PROVIDER/MODEL", help="as `opencode models` lists it")
    most = len(HANDOFFS)
    parser.add_argument("--handoffs", type=int, default=most, help=f"how many, from 1 to {most} (default: {most})")
    parser.add_argument("--yes", action="store_true", help="don't ask before it begins")
    parser.add_argument("--keep-in", type=Path, default=RESULTS / NAME, help="the folder for the JSON")
    given = parser.parse_args(words)
    if not 1 <= given.handoffs <= most:
        parser.error(f"--handoffs {given.handoffs}: from 1 to {most} is allowed")
    try:
        model = model_name(given.model)
    except BadInput as error:
        parser.error(str(error))
    return Asked(model, given.handoffs, given.yes, given.keep_in)


def measure(asked: Asked) -> None:
    """Ask the reader, hand off, print the table, keep the JSON.

    Raises:
        BadInput: the model isn't there, or nobody can be asked.
        BenchmarkError, HandoffSidecarError: it could not be done.
    """
    if not (asked.yes or sys.stdin.isatty()):
        raise BadInput("this costs money, and nobody can be asked here: pass --yes")
    binary, environment = find_opencode(say=print), dict(os.environ)
    handoffs = HANDOFFS[: asked.handoffs]
    with leaving_properly(), tempfile.TemporaryDirectory(prefix="handoff-real-") as folder:
        sandbox = make_home(Path(folder).resolve(), binary.path, asked.model, environment)
        with (
            sandbox.serve(extra=server_environment(environment)) as url,
            httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S, trust_env=False) as http,
        ):
            model = find_model(http, asked.model)
            if model is None:
                raise BadInput(
                    f"OpenCode {binary.version} offers no model {asked.model} with your configuration. `opencode "
                    "models` lists those it does"
                )
            print(estimate_text(model, handoffs, *estimate(handoffs, Tokenizer())), flush=True)
            if not asked.yes and input("Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
                print("Nothing was asked of the model.")
                return
            import_old_sessions(sandbox, asked.model)
            done, compacted = run(http, asked.model, handoffs, lambda line: print(line, flush=True))
    print(f"\n{report(asked.model, binary.version, done, compacted)}\n")
    asked.keep_in.mkdir(parents=True, exist_ok=True)
    file = asked.keep_in / f"{str(asked.model).replace('/', '-').replace(':', '-')}.json"
    kept = {
        "model": str(asked.model),
        "opencode": binary.version,
        "handoffs": [each.as_json() for each in done],
        "compactions": [each.as_json() for each in compacted],
    }
    file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"All that was seen is in {file}")

"""Runs the measurements, prints them, and keeps them: `python -m benchmarks [PART …]`.

`python -m benchmarks real --model PROVIDER/MODEL` hands off with a model of your own, and is no part of all.

Writes `benchmarks/results/PART.json` and `PART.md` for each part that was run, and draws the two pictures of
docs/benchmarks.md from them. Keeps nothing of runs that docs/benchmarks.md doesn't show, such as of your own sessions.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import FrameType

import httpx

from benchmarks import archive, real
from benchmarks.arguments import PROGRAM, Asked, asked_for
from benchmarks.errors import BadInput, BenchmarkError
from benchmarks.machine import commit, describe
from benchmarks.parts import PARTS, InOpenCode
from benchmarks.place import check_free
from benchmarks.report import machine_text
from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode
from handoff_sidecar.errors import HandoffSidecarError

FAILED, WRONG_INPUT, BY_SIGNAL = 1, 2, 128


def main(words: Sequence[str] | None = None) -> int:
    """Run the parts that are named, or all; the exit code."""
    given = sys.argv[1:] if words is None else list(words)
    work = (
        partial(real.measure, real.asked_for(given[1:]))
        if given[:1] == [real.NAME]
        else partial(_run, asked_for(given, list(PARTS), __doc__ or ""))
    )
    stopped_by = [signal.SIGINT]

    def stop(number: int, _: FrameType | None) -> None:
        """Everything that is open is closed on the way of an interrupt."""
        stopped_by.append(signal.Signals(number))
        signal.raise_signal(signal.SIGINT)

    # asyncio leaves any other handler of SIGINT alone
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: stop, signal.SIGHUP: stop}
    before = {each: signal.signal(each, handler) for each, handler in handlers.items()}
    try:
        work()
    except BadInput as error:
        return _said(f"error: {error}", WRONG_INPUT)
    except (BenchmarkError, HandoffSidecarError, httpx.HTTPError) as error:
        return _said(f"error: {error}", FAILED)
    except KeyboardInterrupt:
        by = stopped_by[-1]
        return _said(f"stopped by {by.name}; what was under way is not kept.", BY_SIGNAL + by)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    return 0


def _run(asked: Asked) -> None:
    if asked.redraw:
        for name in archive.DRAWN:
            print(archive.redraw(name))
    if "fidelity" in asked.parts:
        check_free()
    measured = commit()
    for name in asked.parts:
        part, load, version = PARTS[name], os.getloadavg()[0], None
        with tempfile.TemporaryDirectory(prefix="handoff-bench-") as folder:
            root = Path(folder).resolve()
            if isinstance(part, InOpenCode):
                opencode = find_opencode(PINNED_VERSION, say=print)
                done, version = part.measure(root, opencode.path, asked.options), opencode.version
            else:
                done = part.measure(root, asked.options)
        if asked.options.as_json:
            print(json.dumps(done.result, ensure_ascii=False, indent=1))
            return
        machine = describe(version, measured, load)
        text = f"{done.text}\n\n{machine_text(machine)}"
        print(f"{text}\n", flush=True)
        if asked.keep:
            archive.keep(name, machine, done.result, text)


def _said(sentence: str, code: int) -> int:
    print(f"{PROGRAM}: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

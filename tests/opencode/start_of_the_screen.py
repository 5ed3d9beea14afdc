"""Measures what the companion adds to the start of OpenCode's screen: `python start_of_the_screen.py PAIRS`."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from itertools import permutations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from opencode.terminal import Terminal

from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel
from handoff_sidecar.installation import companion
from handoff_sidecar.installation.plugin_file import install

TIMEOUT_S = 60.0


def start_ms(sandbox: Sandbox, *, with_companion: bool) -> float:
    """From the start of the program to the input box, in one home, into which the companion is put or not."""
    if with_companion:
        companion.add(sandbox.config_folder)
    else:
        companion.remove(sandbox.config_folder)
    command = sandbox.command()
    began = time.perf_counter()
    with Terminal(command.argv, env=command.env, cwd=command.cwd) as terminal:
        terminal.wait_for("Ask anything", TIMEOUT_S)
        return (time.perf_counter() - began) * 1000


def measure(pairs: int) -> None:
    """Print the medians, and that of the differences within the pairs."""
    with tempfile.TemporaryDirectory(prefix="handoff-") as root, ScriptedModel(lambda _: Reply("Done.")) as model:
        sandbox = Sandbox.create(Path(root), find_opencode(PINNED_VERSION).path, model.base_url)
        install(sandbox.config_folder)
        for with_companion in (False, True):
            start_ms(sandbox, with_companion=with_companion)  # the first one migrates a database
        taken: dict[bool, list[float]] = {False: [], True: []}
        for pair in range(pairs):
            for with_companion in list(permutations((False, True)))[pair % 2]:
                taken[with_companion].append(start_ms(sandbox, with_companion=with_companion))
    added = [more - less for less, more in zip(taken[False], taken[True], strict=True)]
    low, middle, high = statistics.quantiles(added, n=4)
    print(f"without: {statistics.median(taken[False]):.0f} ms, with: {statistics.median(taken[True]):.0f} ms")
    print(f"added, {pairs} pairs: {middle:+.0f} ms (quartiles {low:+.0f} and {high:+.0f} ms)")


if __name__ == "__main__":
    measure(int(sys.argv[1]))

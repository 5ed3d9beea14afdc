"""How long read_session takes in the real OpenCode, for sessions of 10, 500 and 5,000 turns.

    .venv/bin/python benchmarks/read_session.py

Prints the milliseconds that OpenCode measured for the tool's calls, and the sidecar's memory. A first search is one
by a sidecar that was started anew.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import httpx
from fake_opencode import assistant_message, tool_part, user_message
from opencode.server import Server, calls, sidecars, until
from opencode.test_read import imported

from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode
from handoff_sidecar.demo.playbook import Playbook
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel
from handoff_sidecar.installation.plugin_file import install

TURNS = (10, 500, 5_000)
ROUNDS = 3


def session(turns: int) -> list[dict[str, Any]]:
    """Turns of 6.6 kB each: a request, a tool call with its output, an answer."""
    chance = random.Random(turns)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 10))) for _ in range(4_000)]
    messages: list[dict[str, Any]] = []
    for turn in range(turns):
        output = " ".join(chance.choices(words, k=300))
        call = tool_part(
            "bash",
            title="Run tests",
            input={"command": "npm test"},
            output=output,
            metadata={"output": output, "exit": 0},
        )
        messages.append(user_message(2 * turn, f"Request {turn}: {' '.join(chance.choices(words, k=20))}"))
        messages.append(assistant_message(2 * turn + 1, " ".join(chance.choices(words, k=160)), call))
    return messages


def main() -> None:
    """Measure and print a table."""
    turns: dict[str, tuple[Reply, ...]] = {}
    with tempfile.TemporaryDirectory() as folder, ScriptedModel(Playbook("A title", turns)) as model:
        sandbox = Sandbox.create(Path(folder), find_opencode(PINNED_VERSION).path, model.base_url)
        sandbox.write_project({"README.md": "# A project\n"})
        install(sandbox.config_folder)
        with sandbox.serve() as url, httpx.Client(base_url=url, timeout=120) as http:
            server = Server(http, url, sandbox)
            for count in TURNS:
                imported(server, Path(folder), f"ses_{count}turns", f"{count} turns", session(count))
            here = server.new_session(title="here")

            def timed(**arguments: str | int) -> int:
                turns[f"Read {len(turns)}."] = (calls("read_session", **arguments), Reply("I see."))
                server.say(here, f"Read {len(turns) - 1}.")
                state = server.tool_call(here, "read_session")
                assert state["status"] == "completed", state
                return int(state["time"]["end"] - state["time"]["start"])

            print("| turns | newest 20 | first search | later search | /regex/ | file | sidecar after |")
            print("| --- | --- | --- | --- | --- | --- | --- |")
            for count in TURNS:
                rows = [_round(server, timed, f"ses_{count}turns") for _ in range(ROUNDS)]
                best = [min(column) for column in zip(*rows, strict=True)]
                print(f"| {count:,} | " + " | ".join(f"{value} ms" for value in best[:-1]) + f" | {best[-1]} MB |")


def _round(server: Server, timed: Callable[..., int], session_id: str) -> list[int]:
    for process in sidecars(server.sandbox):
        os.kill(process, signal.SIGTERM)
    until(lambda: True if not sidecars(server.sandbox) else None)
    timed(session_id=session_id, limit=1)
    newest = timed(session_id=session_id)
    searches = [timed(session_id=session_id, query=query) for query in ("Request 7 tests", "failing request 9")]
    others = [timed(session_id=session_id, query=r"/Request \d*7\b/"), timed(session_id=session_id, file="src/a.ts")]
    (process,) = sidecars(server.sandbox)
    status = Path(f"/proc/{process}/status").read_text()
    resident_kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return [newest, *searches, *others, int(resident_kib) * 1_024 // 1_000_000]


if __name__ == "__main__":
    main()

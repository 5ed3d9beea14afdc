"""A sidecar that goes wrong at a chosen frame: stands between the plugin and the real one, and passes frames on.

    python saboteur.py PLAN

PLAN is a file that holds a `Sabotage` as JSON; it is read anew at each frame, so that a test can change it while
OpenCode runs, and `PLAN.done` says that it has happened. `PLAN.log` has a line for each frame, with its time.
Knows nothing of OpenCode; of handoffs it knows their frames' names.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

REQUEST_TIMEOUT_S = 1.0
"""Of the real sidecar's requests, in place of ten seconds."""

OFFER_DELAY_S = 0.0
"""Of the real sidecar, as there is no TUI to wait for: no offer comes in the middle of what a later test does."""

SIDECAR = f"""
import ctypes
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG: also when the saboteur is killed while this one is stopped
import handoff_sidecar.opencode.requests as requests
import handoff_sidecar.handoff.delivery.interrupted as interrupted
requests.REQUEST_TIMEOUT_S = {REQUEST_TIMEOUT_S}
interrupted.OFFER_DELAY_S = {OFFER_DELAY_S}
from handoff_sidecar.sidecar.process import run_on_stdio
run_on_stdio()
"""

HUGE_BYTES = 100_000_000
PIECE = b"x" * 1_000_000

ANSWERS: dict[str, tuple[int, str]] = {
    "404": (404, '{"name":"NotFoundError","data":{"message":"sabotaged"}}'),
    "409": (409, '{"name":"ConflictError","data":{"message":"sabotaged"}}'),
    "500": (500, '{"data":{"message":"sabotaged"}}'),
    "not-json": (200, "<html>sabotaged</html>"),
    "missing-fields": (200, "{}"),
    "wrong-types": (200, '{"id":7,"title":[],"info":"x","parts":3,"branch":{"a":1},"metadata":"x"}'),
}
"""What OpenCode is made to answer, status and body; the request does not reach it."""


@dataclass(frozen=True, slots=True)
class Sabotage:
    """What goes wrong, and when.

    Attributes:
        fault: `kill`, `stop`, `garbage`, `print`, `half`, `huge`, `unknown-id`, `twice`, `kill-opencode`, `crash` (at
            the start, each time), `hold` (the answer never comes), `lost` (it was carried out, and the answer never
            comes), or one of ANSWERS.
        frame: a request's method and path (`POST /session$`, a regular expression), `call` and `result` for the
            tool's own frames, or the type of an event (`message.part.updated`).
        nth: which of the frames that match.
        after: at the answer to the request, in place of the request.
        in_call: only frames from the tool's call on count; others look into the same sessions before.
        untold: the sidecar is kept from what OpenCode tells of the prompt, so that it has to look.
        number: tells two plans of the same words apart.
    """

    fault: str
    frame: str = ""
    nth: int = 1
    after: bool = False
    in_call: bool = False
    untold: bool = False
    number: int = 0


class Saboteur:
    """One run of the real sidecar."""

    def __init__(self, plan: Path) -> None:
        self._plan = plan
        self._done = plan.with_name(f"{plan.name}.done")
        self._log = plan.with_name(f"{plan.name}.log")
        self._asked: dict[int, str] = {}
        self._seen: dict[Sabotage, int] = {}
        self._called: Sabotage | None = None
        self._writing = threading.Lock()
        self._muted: set[int] = set()

    def run(self) -> int:
        self._note("start", "")
        if (planned := self._planned()) and planned.fault == "crash":
            sys.stderr.write("sabotaged: this sidecar crashes at its start\n")
            return 3
        words = [sys.executable, "-P", "-c", SIDECAR, "handoff_sidecar"]
        self._child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self._pump_in, daemon=True).start()
        self._pump_out()
        return self._child.wait()

    @property
    def _in(self) -> IO[bytes]:
        assert self._child.stdin
        return self._child.stdin

    def _pump_in(self) -> None:
        """The plugin's frames."""
        for line in sys.stdin.buffer:
            frame = json.loads(line)
            if "method" in frame:
                self._note("in", frame["method"])
                name = _name_of(frame)
                if name == "call":
                    self._called = self._planned()
                if name.startswith("message.") and (coming := self._planned()) and coming.untold:
                    continue
                planned = self._due(name)
                if planned and self._go_wrong(planned, line):
                    continue
            else:
                name = self._asked.pop(frame["id"], "") if isinstance(frame.get("id"), int) else ""
                self._note("answer", name)
                if frame.get("id") in self._muted:
                    continue
                planned = self._due(name, after=True)
                if planned and self._go_wrong(planned, line):
                    continue
            self._in.write(line)
            self._in.flush()
        self._in.close()

    def _pump_out(self) -> None:
        """The sidecar's frames."""
        assert self._child.stdout
        for line in self._child.stdout:
            frame = json.loads(line)
            name = "result"
            if frame.get("method") == "http/request":
                name = f"{frame['params']['method']} {frame['params']['path'].split('?')[0]}"
                self._asked[frame["id"]] = name
            elif "method" in frame or not _is_of_a_tool(frame):
                name = str(frame.get("method", "other"))
            self._note("out", name)
            planned = self._due(name)
            if planned and self._go_wrong(planned, line, frame):
                continue
            self._write(line)

    def _go_wrong(self, planned: Sabotage, line: bytes, frame: dict[str, Any] | None = None) -> bool:
        """Whether the frame goes no further."""
        self._done.write_text(str(time.time()))
        match planned.fault:
            case "kill":
                self._child.kill()
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(self._child.pid, signal.SIGSTOP)
                os.kill(os.getpid(), signal.SIGSTOP)
            case "kill-opencode":
                os.kill(int(os.environ["OPENCODE_PID"]), signal.SIGKILL)
                time.sleep(60)
            case "garbage":
                self._write(b"\xff\xfe{]garbage\n")
            case "print":
                self._write(b"hello from a stray print\n")
            case "unknown-id":
                self._write(b'{"jsonrpc":"2.0","id":987654321,"result":{}}\n')
            case "twice":
                self._write(line)
            case "half":
                self._write(line[: len(line) // 2])
                self._child.kill()
                os.kill(os.getpid(), signal.SIGKILL)
            case "huge":
                with self._writing:
                    for _ in range(HUGE_BYTES // len(PIECE)):
                        sys.stdout.buffer.write(PIECE)
                    sys.stdout.buffer.write(b"\n")
                    sys.stdout.buffer.flush()
            case "hold":
                return True
            case "lost":
                assert frame
                self._muted.add(frame["id"])
            case answer:
                assert frame
                status, body = ANSWERS[answer]
                result = {"status": status, "headers": {}, "body": body}
                self._in.write(json.dumps({"jsonrpc": "2.0", "id": frame["id"], "result": result}).encode() + b"\n")
                self._in.flush()
                return True
        return False

    def _planned(self) -> Sabotage | None:
        if self._done.exists():
            return None
        try:
            return Sabotage(**json.loads(self._plan.read_text()))
        except FileNotFoundError:
            return None

    def _due(self, name: str, *, after: bool = False) -> Sabotage | None:
        planned = self._planned()
        if planned is None or planned.after != after or not re.fullmatch(planned.frame, name):
            return None
        if planned.in_call and planned != self._called:
            return None
        self._seen[planned] = self._seen.get(planned, 0) + 1
        return planned if self._seen[planned] == planned.nth else None

    def _write(self, data: bytes) -> None:
        with self._writing:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def _note(self, what: str, name: str) -> None:
        with self._log.open("a") as log:
            log.write(json.dumps([time.time(), os.getpid(), what, name]) + "\n")


def plan(path: Path, sabotage: Sabotage | None) -> None:
    """Let the next frame that matches go wrong, or none any more."""
    path.with_name(f"{path.name}.done").unlink(missing_ok=True)
    if sabotage is None:
        path.unlink(missing_ok=True)
        return
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps({**asdict(sabotage), "number": time.monotonic_ns()}))
    fresh.replace(path)


def _name_of(frame: dict[str, Any]) -> str:
    """Of one of the plugin's."""
    if frame["method"] == "event":
        return str(frame["params"]["type"])
    return "call" if frame["method"] == "tool/call" else str(frame["method"])


def _is_of_a_tool(frame: dict[str, Any]) -> bool:
    """Whether the answer is a tool's: the greeting's and the project's are not."""
    result = frame.get("result")
    return "error" in frame or (isinstance(result, dict) and "output" in result)


if __name__ == "__main__":
    sys.exit(Saboteur(Path(sys.argv[1])).run())

"""A busy day in small: the real sidecar process, with a fake OpenCode at the other end of its stdio."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from benchmarks.sidecar import DIRECTORY, RunningSidecar, running

SESSIONS = 20
READS_AT_ONCE = 20
GROWTH_AT_MOST_MB = 3.0
"""Python's allocator moves by a megabyte or so; a session that is kept whole takes more than that in a round."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at the process in /proc")


async def busy_hour(sidecar: RunningSidecar, fake: FakeOpenCode, hour: int) -> None:
    """New sessions, each of which is seen filling up, is read and searched, and handed off."""
    ids = [f"ses_{hour}x{number}" for number in range(SESSIONS)]
    for number, name in enumerate(ids):
        fake.add_session(name, directory=DIRECTORY, metadata={"handoff": {"from": ids[number - 1]}})
        full = assistant_message(2, "done " * 500, tool_part("bash", output="ok\n" * 500), tokens={"total": 190_000})
        full["info"]["time"]["completed"] = 2
        fake.messages[name] = [user_message(1, "fix the login"), full]
    for name in ids:
        place = {"sessionID": name, "directory": DIRECTORY, "worktree": DIRECTORY}
        sighting = {"sessionID": name, "providerID": "scripted", "modelID": "m1", "tokens": {"total": 170_000}}
        seen = {"context": place, "sighting": sighting}
        for _ in range(20):
            sidecar.connection.notify("event", {"type": "session.error", **seen})
        await asyncio.gather(
            *(sidecar.connection.request("session/step", seen, timeout_s=20) for _ in range(5)),
            sidecar.call("read_session", {}, name, DIRECTORY),
            sidecar.call("read_session", {"query": "login"}, name, DIRECTORY),
        )
        await sidecar.call("session_handoff", {"summary": "x"}, name, DIRECTORY)
    read = [sidecar.call("read_session", {"query": "/log.n/"}, ids[1], DIRECTORY) for _ in range(READS_AT_ONCE)]
    assert all("fix the login" in answer["output"] for answer in await asyncio.gather(*read))
    assert len(fake.made()) == SESSIONS
    for kept in (fake.sessions, fake.messages, fake.requests, fake.toasts, fake.selected):
        kept.clear()


async def test_after_many_sessions_the_sidecar_is_as_large_as_before_and_holds_nothing_open(tmp_path: Path) -> None:
    fake = FakeOpenCode()
    async with running(tmp_path, fake) as sidecar:
        for hour in range(3):
            await busy_hour(sidecar, fake, hour)
        before = resident_mb(sidecar.pid), open_files(sidecar.pid)
        for hour in range(3, 6):
            await busy_hour(sidecar, fake, hour)
        after = resident_mb(sidecar.pid), open_files(sidecar.pid)

    assert after[1] == before[1]
    assert after[0] - before[0] < GROWTH_AT_MOST_MB, f"{before[0]:.1f} MB, then {after[0]:.1f} MB"


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4_096 / 1e6


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))

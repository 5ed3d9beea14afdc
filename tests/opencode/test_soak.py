"""In the real OpenCode: a working day's handoffs and looks back, one after another and many at once (`make soak`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from opencode.server import PROMPT, TYPED, Play, calls, sidecars

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ToolCall
from handoff_sidecar.demo.server import Server, serving

HANDOFFS = 200
READS = 1_000
READS_A_TURN = 20
TURNS_OF_READS_AT_ONCE = 20
WARM_HANDOFFS = 10

STREAMED = Reply("One word after another. " * 20, deltas=100)
"""Each piece is an event that the plugin sees."""

ONE_BY_ONE, AT_ONCE = "Read one after another.", "Read all at once."

GROWTH_AT_MOST_MB = 8.0

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3_600)]


def test_a_days_handoffs_and_reads_leave_the_sidecar_as_it_was(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    play(TYPED, calls("session_handoff", summary="The login works."), STREAMED)
    play(PROMPT, STREAMED)
    one_by_one = [calls("read_session", limit=number + 1) for number in range(READS_A_TURN)]
    play(ONE_BY_ONE, *one_by_one, STREAMED)
    at_once = tuple(ToolCall("read_session", {"limit": number + 1}) for number in range(READS_A_TURN))
    play(AT_ONCE, Reply("", at_once), STREAMED)
    sandbox = make_sandbox("soak")

    with serving(sandbox) as server:
        for number in range(WARM_HANDOFFS):
            hand_off(server, number)
        previous = hand_off(server, WARM_HANDOFFS)
        read(server, ONE_BY_ONE, previous)
        read(server, AT_ONCE, previous)
        (pid,) = sidecars(sandbox)
        state = f"start: {resident_mb(pid):.1f} MB, {open_files(pid)} descriptors"
        before = resident_mb(pid), open_files(pid)

        started = time.monotonic()
        for number in range(HANDOFFS):
            hand_off(server, number)
        report("handoffs", HANDOFFS, started, pid)
        started = time.monotonic()
        for _ in range(READS // READS_A_TURN):
            read(server, ONE_BY_ONE, previous)
        report("reads one after another", READS, started, pid)
        started = time.monotonic()
        for _ in range(TURNS_OF_READS_AT_ONCE):
            read(server, AT_ONCE, previous)
        report(f"reads, {READS_A_TURN} at a time", TURNS_OF_READS_AT_ONCE * READS_A_TURN, started, pid)
        after = resident_mb(pid), open_files(pid)
        print(state)

        assert sidecars(sandbox) == [pid], "it was started anew"
        assert after[1] == before[1], "descriptors"
        assert after[0] - before[0] < GROWTH_AT_MOST_MB, f"{before[0]:.1f} MB, then {after[0]:.1f} MB"
        briefs = sandbox.home / ".local/state/handoff-sidecar/briefs"
        assert len(list(briefs.iterdir())) == HANDOFFS, "the oldest ones go"


def hand_off(server: Server, number: int) -> str:
    """A session handed off; the new one's id."""
    session = server.new_session(title=f"Work {number}")
    server.say(session, "handoff go on")
    call = server.tool_call(session, "session_handoff")
    assert call["status"] == "completed", call
    new = str(call["metadata"]["sessionID"])
    assert server.wait_for_the_end_of_the_turn(new)[0]["parts"][0]["text"].startswith(PROMPT)
    return new


def read(server: Server, text: str, previous: str) -> None:
    """A turn of reads of the previous session, all of them answered."""
    session = server.new_session(metadata={"handoff": {"from": previous}})
    server.say(session, text)
    parts = [part for message in server.messages(session) for part in message["parts"] if part["type"] == "tool"]
    assert [part["state"]["status"] for part in parts] == ["completed"] * READS_A_TURN
    assert all("One word after another." in part["state"]["output"] for part in parts[1:])


def report(what: str, count: int, started: float, pid: int) -> None:
    took_s = time.monotonic() - started
    print(f"{count} {what}: {took_s:.0f} s, then {resident_mb(pid):.1f} MB, {open_files(pid)} descriptors")


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4_096 / 1e6


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))

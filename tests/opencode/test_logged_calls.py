"""In the real OpenCode: what the log holds."""

from __future__ import annotations

from opencode.server import TYPED, Play, calls

from handoff_sidecar.demo.scripted_model import Reply
from handoff_sidecar.demo.server import Server

SECRET = "Zanzibar"


def test_the_log_has_the_calls_by_their_ids_and_nothing_of_what_was_said(server: Server, play: Play) -> None:
    play(f"Think of {SECRET}.", calls("read_session"), Reply(f"I think of {SECRET}."))
    play(TYPED, calls("session_handoff", summary=f"Off to {SECRET}."), Reply("Handed over."))
    session = server.new_session(title=f"To {SECRET}")

    server.say(session, f"Think of {SECRET}.")
    failed = server.tool_call(session, "read_session")
    server.say(session, f"handoff to {SECRET}")
    assert server.tool_call(session, "session_handoff")["status"] == "completed"

    log = (server.sandbox.home / ".local/state/handoff-sidecar/log/sidecar.log").read_text()
    parts = [part for message in server.messages(session) for part in message["parts"] if part["type"] == "tool"]
    for part in parts:
        assert part["callID"] in log
    assert failed["error"].endswith(f"(in the log under {parts[0]['callID']})")
    assert SECRET not in log

"""The check that proves it: a handoff in a real OpenCode, in a throwaway home."""

from __future__ import annotations

import sys

import httpx

from handoff_sidecar.demo.playbook import FIRST_REQUEST, HANDOFF_GOAL
from handoff_sidecar.demo.server import TURN_TIMEOUT_S, say_as_person, tool_call, wait_for_answer
from handoff_sidecar.demo.story import stage
from handoff_sidecar.doctor.findings import Finding, broken, good
from handoff_sidecar.errors import HandoffSidecarError


def handoff() -> Finding:
    """A handoff with a scripted model and this plugin, in the person's own OpenCode if it is supported."""
    try:
        with (
            stage(say=lambda text: print(text, file=sys.stderr)) as made,
            made.sandbox.serve() as url,
            httpx.Client(base_url=url, timeout=TURN_TIMEOUT_S) as http,
        ):
            old = say_as_person(http, None, FIRST_REQUEST)
            say_as_person(http, old, f"handoff {HANDOFF_GOAL}")
            call = tool_call(http, old, "session_handoff")
            if call["status"] != "completed":
                return broken("live", f"the handoff failed: {call.get('error')}", "read the log (its folder is above)")
            wait_for_answer(http, call["metadata"]["sessionID"])
    except (HandoffSidecarError, httpx.HTTPError) as error:
        return broken("live", str(error), "read what OpenCode said; the other checks don't depend on this one")
    took_ms = call["time"]["end"] - call["time"]["start"]
    return good("live", f"handed off in OpenCode {made.binary.version} in {took_ms:.0f} ms, and the new session works")

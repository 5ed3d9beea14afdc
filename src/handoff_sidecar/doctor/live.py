"""The check that proves it: a handoff in a real OpenCode, in a throwaway home."""

from __future__ import annotations

import sys
from functools import partial

import httpx

from handoff_sidecar.demo.script import HANDOFF_GOAL, LAST_REQUEST
from handoff_sidecar.demo.server import serving
from handoff_sidecar.demo.story import stage
from handoff_sidecar.doctor.findings import Finding, broken, good
from handoff_sidecar.errors import HandoffSidecarError


def handoff() -> Finding:
    """A handoff with a scripted model and this plugin, in the person's own OpenCode if it is supported."""
    try:
        with stage(say=partial(print, file=sys.stderr)) as (binary, sandbox), serving(sandbox) as server:
            old = server.new_session()
            server.say(old, LAST_REQUEST)
            server.say(old, f"handoff {HANDOFF_GOAL}")
            call = server.tool_call(old, "session_handoff")
            if call["status"] != "completed":
                return broken("live", f"the handoff failed: {call.get('error')}", "read the log (its folder is above)")
            server.wait_for_the_end_of_the_turn(call["metadata"]["sessionID"])
    except (HandoffSidecarError, httpx.HTTPError) as error:
        return broken("live", str(error), "correct what this error names; the other checks don't depend on this one")
    took_ms = call["time"]["end"] - call["time"]["start"]
    return good("live", f"handed off in OpenCode {binary.version} in {took_ms:.0f} ms, and the new session works")

"""What the agent says at a handoff, wherever what it says is not what is measured."""

from __future__ import annotations

ARGUMENTS = {
    "summary": "Building the auth flow. Login works, sessions persist, the token refresh is being fixed.",
    "goal": "implement the logout endpoint",
    "next_steps": ["Add a mutex for the token refresh", "Test concurrent requests"],
    "key_decisions": ["mutex around the refresh (needs no change of the session format)"],
}

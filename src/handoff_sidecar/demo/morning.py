"""A long morning's session, as `opencode import` takes it: what the demonstration hands off.

A made-up dashboard. Its turns fill most of a context of 200,000 tokens, and somewhere in their middle stands the fact
that is looked up later.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from handoff_sidecar.demo.record import TURN_MS, Call, GrowingSession

SESSION_ID = "ses_themorning00000000000000"
TITLE = "Auth flow for the dashboard"
RULE = "Never change the session format: the mobile app reads it too."
FACT = "2587"
FACT_TOLD = f"Ops wrote: staging's mail relay is mail-relay-7.internal, port {FACT}, STARTTLS only."
PERMISSION = [{"permission": "bash", "pattern": "rm *", "action": "deny"}]

_TURNS = 65
"""Of three messages each; one more turn of two tells the fact."""

_FACT_TURN = 30
_LINES_A_TURN = 112
_WORDS = ("session", "token", "cookie", "refresh", "login", "expires", "header", "route", "handler", "origin", "user")
_CHECKS = ("is kept", "is renewed", "is refused", "is read from the cookie", "is signed", "does not leak")


def old_session(directory: Path) -> dict[str, Any]:
    """The session, as `opencode import` takes it."""
    started_ms = int(time.time() * 1_000) - (_TURNS + 10) * TURN_MS
    record = GrowingSession(SESSION_ID, TITLE, str(directory), started_ms)
    chance = random.Random(7)  # noqa: S311  # the same words each time
    for number in range(_TURNS):
        if number == 0:
            asked = "Build the auth flow for the user dashboard."
        else:
            asked = f"Step {number}: make sure that the {chance.choice(_WORDS)} {chance.choice(_CHECKS)}."
        listing = "\n".join(_line(chance, place) for place in range(_LINES_A_TURN))
        record.turn(asked, ("I run the checks.", [Call("bash", _CHECK, "59 passed\n")]), answer=f"All pass.\n{listing}")
        if number == _FACT_TURN:
            record.turn(FACT_TOLD, answer="Noted for the sign-in mails; the refresh comes first.")
    return record.exported(permission=PERMISSION)


_CHECK = {"command": "npm test", "description": "Run the tests"}


def _line(chance: random.Random, place: int) -> str:
    return (
        f"  ok {place} - the {chance.choice(_WORDS)} of {chance.choice(_WORDS)} {chance.randrange(10_000)} "
        f"{chance.choice(_CHECKS)} ({chance.randrange(1, 90)} ms)"
    )

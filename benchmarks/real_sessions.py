"""The old sessions that a real model hands off, and what is typed in them.

A made-up dashboard. Each session holds a fact that its tasks need and that no summary would keep, and a rule of the
user's whose keeping can be seen in what is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.real_home import ModelName
from handoff_sidecar.demo.record import Call, GrowingSession

Kind = Literal["plain", "with a goal", "in other words", "with a rule", "from plan to build"]

FACTS = ("mail-relay-7.internal", "2587")
"""What the task needs: both stand only in what the user pasted in the middle of the session."""

RULE = "// (c) Brightline Analytics. All rights reserved."

_FACT_TASK = "write config/mail.staging.json with the host and the port of the staging mail relay"
_RULE_TASK = "create src/api/logout.ts with a handler that only returns 204"


@dataclass(frozen=True, slots=True)
class Typed:
    """A message that asks for a handoff.

    Attributes:
        task: the same without the word that asks for the handoff, for a session that is compacted instead.
        needs_fact: whether FACTS are needed for it.
    """

    kind: Kind
    text: str
    task: str = ""
    needs_fact: bool = False


HANDOFFS: tuple[Typed, ...] = (
    Typed("plain", "handoff"),
    Typed("with a goal", f"handoff {_FACT_TASK}", _FACT_TASK, needs_fact=True),
    Typed("in other words", "This session is getting long. Let's go on in a fresh one."),
    Typed("with a rule", f"handoff {_RULE_TASK}", _RULE_TASK),
    Typed("from plan to build", "handoff to build: implement step 1 of the plan", "implement step 1 of the plan"),
    Typed("plain", "Handoff, please."),
    Typed("with a goal", f"handoff: {_FACT_TASK}", _FACT_TASK, needs_fact=True),
    Typed("in other words", f"Please move this over to a new session, and there {_FACT_TASK}.", needs_fact=True),
    Typed("with a rule", f"handoff: {_RULE_TASK}", _RULE_TASK),
    Typed("from plan to build", "handoff to build"),
    Typed("plain", "session handoff"),
    Typed("with a goal", f"session handoff: {_FACT_TASK}", _FACT_TASK, needs_fact=True),
    Typed("in other words", "Can you start a clean session for the rest of this?"),
    Typed("with a rule", f"hand off: {_RULE_TASK}", _RULE_TASK),
    Typed("from plan to build", "handoff to build: implement the plan"),
    Typed("plain", "hand off"),
    Typed("with a goal", f"hand off and {_FACT_TASK}", _FACT_TASK, needs_fact=True),
    Typed("in other words", "I'd like to continue with an empty context. Take along what matters."),
    Typed("with a rule", f"handoff, then {_RULE_TASK}", _RULE_TASK),
    Typed("from plan to build", "handoff to build: start with the tests"),
)
"""Each five hold every kind once."""

_ROUTES = '1: import { login } from "../auth/login"\n2: export const routes = ["/login", "/refresh"]\n' * 12
_LOG = "\n".join(f"  ✓ session is kept after {minutes} minutes ({minutes * 3} ms)" for minutes in range(1, 60))


def old_session(session_id: str, model: ModelName, directory: str, started_ms: int, *, plan: bool) -> GrowingSession:
    """A morning's work on the dashboard's login; with `plan`, it ends with a plan of the plan agent's."""
    record = GrowingSession(session_id, "Auth flow for the dashboard", directory, started_ms)
    record.turn(
        "Build the auth flow for the dashboard. Keep the session format compatible with v1.",
        ("I look at what is there.", [Call("read", {"filePath": f"{directory}/src/api/routes.ts"}, _ROUTES)]),
        ("", [Call("grep", {"pattern": "session", "path": directory}, "src/auth/session.ts:1: export const refresh")]),
        answer="Login and refresh are there, sessions are kept in a cookie. Two refreshes at once still race.",
    )
    record.turn(
        f"From now on every new TypeScript file begins with this line, exactly: {RULE}",
        answer="Understood: every new TypeScript file begins with that line.",
    )
    record.turn(
        "Do the tests pass?",
        ("", [Call("bash", {"command": "npm test", "description": "Run the tests"}, _LOG)]),
        answer="Yes, all 59 of them.",
    )
    record.turn(
        f"Ops writes: staging sends its mail through {FACTS[0]}, port {FACTS[1]}, STARTTLS, no password. The sign-in "
        "links will go there, but first the token refresh.",
        answer="Good to know for later. I go on with the token refresh.",
    )
    record.turn(
        "Fix the refresh race.",
        ("", [Call("read", {"filePath": f"{directory}/src/auth/session.ts"}, "export const refresh = …")]),
        answer="A mutex around `refresh` does it, without a change of the session format. Shall I write it?",
    )
    record.turn(
        "Not yet. What would be the whole plan from here?" if plan else "Not yet. What is left to do?",
        answer="1. Add a mutex around `refresh` in src/auth/session.ts.\n2. Test concurrent refreshes in "
        "test/session.test.ts.\n3. Add `POST /logout` to src/api/routes.ts.\n4. Send sign-in links by mail.",
    )
    for message in record.messages:
        _said_by(message["info"], model, "plan" if plan else "build")
    return record


def _said_by(info: dict[str, Any], model: ModelName, agent: str) -> None:
    info["agent"] = agent
    if info["role"] == "user":
        info["model"] = {"providerID": model.provider, "modelID": model.model}
    else:
        info |= {"providerID": model.provider, "modelID": model.model, "mode": agent}

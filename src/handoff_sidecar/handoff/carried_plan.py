"""The plan that goes along from an agent that may not edit to one that may: whole, and as it was written.

Owns how it is announced, to the new agent and to the person. What is a plan is `session.plans`' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from handoff_sidecar.handoff.gathering.gather import Gathered
from handoff_sidecar.handoff.gathering.worktree import read_plan
from handoff_sidecar.session.plans import PLAN_MAX_CHARACTERS, Plan, answered_plan, plan_file
from handoff_sidecar.text.counts import count
from handoff_sidecar.text.redaction import Redact

GOAL = "Implement the plan"

_HEADING = "The plan to implement, as the `{agent}` agent left it. The user has agreed to it:"


@dataclass(frozen=True, slots=True)
class CarriedPlan:
    """A plan on its way.

    Attributes:
        part: what the new session gets, the plan as it was written, but for secrets, at its end.
        announcement: what the person is told, without a full stop.
    """

    part: str
    announcement: str


async def carried_plan(gathered: Gathered, redact: Redact) -> CarriedPlan | None:
    """The plan of a session whose agent may not edit: the file that it wrote, else its newest answer that is a plan."""
    agent = gathered.facts.agent or ""
    found = await _in_a_file(gathered) or answered_plan(gathered.messages, agent)
    if found is None:
        return None
    whole, written_at = (found.text, found.created)
    text = redact(whole[:PLAN_MAX_CHARACTERS])
    time = datetime.fromtimestamp(written_at / 1000, UTC).astimezone().strftime("%H:%M")
    lines = count(len(text.splitlines()), "line")
    replaced = "" if text == whole[:PLAN_MAX_CHARACTERS] else ", secrets replaced"
    cut = "" if len(whole) <= PLAN_MAX_CHARACTERS else f", cut after {PLAN_MAX_CHARACTERS:,} characters"
    return CarriedPlan(
        f"{_HEADING.format(agent=agent)}\n\n{text}",
        announcement=f"The plan goes along: {lines}, written at {time}{replaced}{cut}",
    )


async def _in_a_file(gathered: Gathered) -> Plan | None:
    path = plan_file(gathered.messages)
    return await read_plan(path, gathered.facts.session.directory) if path else None

"""Composes a handoff: gathers what is known of a session, looks at its files, and writes the brief. Changes nothing.

The same steps serve a handoff, a preview of one, and what a compaction is told to keep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handoff_sidecar.brief.brief import Surroundings
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import Delivery
from handoff_sidecar.brief.write import Written, write
from handoff_sidecar.call.context import Scene
from handoff_sidecar.handoff.agent_and_model import target_of, wish_of
from handoff_sidecar.handoff.carried_plan import GOAL, CarriedPlan, carried_plan
from handoff_sidecar.handoff.gathering.gather import Gathered, gather, look_around
from handoff_sidecar.text.redaction import redaction
from handoff_sidecar.text.tokens import Tokenizer

Plan = Callable[[Gathered], tuple[Notes, Handoff]]
"""Decides, from what is known of the session, what to say and how to hand off. May raise HandoffFailed."""

TYPE_AGAIN = "type the handoff again (only the user can do this)"


@dataclass(frozen=True, slots=True)
class Composed:
    """A composed handoff, and what it was made from.

    Attributes:
        how: what the answer says of how it is delivered; empty where it is as the person has set it.
    """

    gathered: Gathered
    surroundings: Surroundings
    written: Written
    how: str
    plan: CarriedPlan | None

    @property
    def handoff(self) -> Handoff:
        """The handoff with its prompt."""
        return self.written.handoff


async def compose(plan: Plan, scene: Scene, tokenizer: Tokenizer) -> Composed:
    """The handoff of the scene's session, with its prompt.

    Raises:
        InvalidArguments: there is no such agent or model as the agent named.
        HandoffFailed: the session could not be read, the plan has no handoff for it, or it is for somebody who isn't
            there.
    """
    gathered = await gather(scene)
    notes, handoff = plan(gathered)
    if handoff.typed:
        wish = await wish_of(handoff.typed, scene.client, name=handoff.name, retry=TYPE_AGAIN)
        notes = notes.model_copy(update={"goal": wish.goal or None, "agent": wish.agent, "model": wish.model})
    delivery, how = _delivery(scene, reply=handoff.reply)
    target, surroundings = await asyncio.gather(
        target_of(notes, gathered.facts, scene.client, name=handoff.name, retry=handoff.retry),
        look_around(notes, gathered),
    )
    redact = redaction(wanted=scene.settings.redact_secrets)
    plan_along = await carried_plan(gathered, redact) if target.is_to_build else None
    if plan_along is not None and notes.goal is None:
        notes = notes.model_copy(update={"goal": GOAL})
    known: dict[str, Any] = {
        "delivery": delivery,
        "agent": target.agent,
        "model": target.model,
        "attached": len(gathered.facts.attached),
    }
    if plan_along is not None:
        known |= {"plan": plan_along.part, "announcement": handoff.announcement or plan_along.announcement}
    written = write(
        notes,
        gathered.facts,
        handoff.model_copy(update=known),
        root=gathered.root,
        surroundings=surroundings,
        budget_tokens=scene.settings.prompt_token_budget,
        tokenizer=tokenizer,
        redact=redact,
    )
    return Composed(gathered, surroundings, written, how, plan_along)


def _delivery(scene: Scene, *, reply: bool) -> tuple[Delivery, str]:
    """How the prompt is delivered, and what the answer says of it."""
    settings, mode = scene.settings, scene.mode
    if settings.delivery == "send":
        return ("send" if reply else "context"), ""
    if settings.delivery == "context":
        return "context", "The prompt is in the session, and the user speaks first."
    if mode == "tui" and settings.open == "switch" and not scene.context.person_is_elsewhere:
        return "draft", "The prompt is in the input box there, for the user to edit and send."
    if scene.context.person_is_elsewhere:
        why = "the user is at work in another session"
    else:
        why = "no TUI's input box can be reached" if mode != "tui" else f"`open` is `{settings.open}`"
    return (
        "context",
        f"The prompt could not be made a draft, because {why}. It is in the session, and the user speaks first.",
    )

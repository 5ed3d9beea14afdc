"""Composes a handoff: gathers what is known of a session, looks at its files, and writes the brief. Changes nothing.

The same steps serve a handoff, a preview of one, and what a compaction is told to keep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handoff_sidecar.brief.beginning import beginning_in
from handoff_sidecar.brief.brief import Surroundings
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import write_goal
from handoff_sidecar.brief.write import Written, write
from handoff_sidecar.call.context import Scene
from handoff_sidecar.handoff.agent_and_model import wish_of
from handoff_sidecar.handoff.gather import Gathered, gather, look_around
from handoff_sidecar.session.constraints import record
from handoff_sidecar.session.standing_rules import record_of_rules
from handoff_sidecar.text.redaction import redaction
from handoff_sidecar.text.tokens import Tokenizer

Plan = Callable[[Gathered], tuple[Notes, Handoff]]
"""Decides, from what is known of the session, what to say and how to hand off. May raise HandoffFailed."""

TYPE_AGAIN = "tell the user so, who can type it again"


@dataclass(frozen=True, slots=True)
class Composed:
    """A composed handoff, and what it was made from."""

    handoff: Handoff
    notes: Notes
    gathered: Gathered
    surroundings: Surroundings
    written: Written


async def compose(plan: Plan, scene: Scene, tokenizer: Tokenizer) -> Composed:
    """The handoff of the scene's session, with its prompt.

    Raises:
        HandoffFailed: the session could not be read, the plan has no handoff for it, or it is for somebody who isn't
            there.
    """
    gathered = await gather(scene)
    notes, handoff = plan(gathered)
    if handoff.typed:
        wish = await wish_of(handoff.typed, scene.client, name=handoff.name, retry=TYPE_AGAIN)
        notes = notes.model_copy(update={"goal": wish.goal or None, "agent": wish.agent, "model": wish.model})
    surroundings = await look_around(notes, gathered)
    written = write(
        notes,
        gathered.facts,
        root=gathered.root,
        surroundings=surroundings,
        budget_tokens=scene.settings.prompt_token_budget,
        tokenizer=tokenizer,
        redact=redaction(wanted=scene.settings.redact_secrets),
        topic=handoff.topic,
    )
    in_words = {
        "from_title": written.from_title,
        "title": written.title.text,
        "base": written.title.base,
        "prompt": written.prompt,
        "tokens": written.tokens,
        "goal": write_goal(written.brief),
        "beginning": beginning_in(written.brief),
        "constraints": record(written.constraints),
        "said": record_of_rules(written.said_rules),
    }
    return Composed(handoff.model_copy(update=in_words), notes, gathered, surroundings, written)

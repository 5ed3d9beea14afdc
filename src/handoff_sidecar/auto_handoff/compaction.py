"""OpenCode's own compaction: what it is given to keep, and whether the session may go on by itself after it."""

from __future__ import annotations

from handoff_sidecar.brief.computed import computed_notes
from handoff_sidecar.brief.prompt import write_records
from handoff_sidecar.brief.write import write
from handoff_sidecar.call.context import Scene
from handoff_sidecar.handoff.gather import gather, look_around
from handoff_sidecar.text.redaction import redaction
from handoff_sidecar.text.tokens import Tokenizer


async def records_of(scene: Scene, tokenizer: Tokenizer) -> str:
    """The session's brief, as text for the request that the compaction makes.

    Raises:
        HandoffFailed: the session could not be read.
    """
    root = scene.context.root
    gathered = await gather(scene.context.session_id, scene.client, root=root)
    notes = computed_notes(gathered.facts.session, gathered.messages, opening="")
    written = write(
        notes,
        gathered.facts,
        worktree=root,
        surroundings=await look_around(notes, gathered, root),
        budget_tokens=scene.settings.prompt_token_budget,
        tokenizer=tokenizer,
        redact=redaction(wanted=scene.settings.redact_secrets),
    )
    return write_records(written.brief)


async def goes_on(scene: Scene) -> bool:
    """Whether a session may go on by itself: not if it was handed off and nobody has written there since.

    Raises:
        OpenCodeError: the session could not be read.
    """
    return not (await scene.client.session(scene.context.session_id)).is_left

"""OpenCode's own compaction: what the summary must keep."""

from __future__ import annotations

from handoff_sidecar.brief.computed import computed_notes
from handoff_sidecar.brief.prompt import write_records
from handoff_sidecar.call.context import Scene
from handoff_sidecar.handoff.compose import compose
from handoff_sidecar.text.tokens import Tokenizer


async def records_of(scene: Scene, tokenizer: Tokenizer) -> str:
    """The session's brief, as text to add to the compaction's request.

    Raises:
        HandoffFailed: the session could not be read.
    """
    composed = await compose(
        lambda gathered: (computed_notes(gathered.messages, opening=""), gathered.handoff),
        scene,
        tokenizer,
    )
    return write_records(composed.written.brief)

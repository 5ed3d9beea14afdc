"""What the agent and the user are told when a context fills up.

Only the wording: `decision` knows when it is used.
"""

from __future__ import annotations

from handoff_sidecar.auto_handoff.threshold import Points

NUDGE = (
    "Note from the handoff plugin, not from the user: this session's context is {percent} % full, and what was said "
    "will soon be cut down to a summary. Stop the work here and call `session_handoff` now, as your next action: a "
    "fresh session goes on from there. Give the user's open request as `goal` in their words, and the concrete next "
    "steps."
)
"""In the middle of a turn."""

ASK = (
    "Note from the handoff plugin, not from the user: this session's context is {percent} % full. Call "
    "`session_handoff` now, as your next action, and do nothing else: say where things stand, and leave `goal` out "
    "unless a request of the user's is still open."
)
"""At the end of a turn."""

UNDER_WAY = "The context is {percent} % full: the work is moving to a fresh session. Press esc twice to stay."

ANNOUNCEMENT = "The context was {percent} % full, so this session was handed off"


def notice(points: Points, tokens: int) -> str:
    """What the user is told before an automatic handoff, or instead of one."""
    full = f"The context is {points.percent(tokens)} % full"
    if points.handoff is not None:
        by_itself = f"At {points.percent(points.handoff)} % the work moves on to a fresh session automatically"
        return f"{full}. {by_itself}; type `handoff` to do it now."
    compacts = "" if points.compaction is None else f" (OpenCode compacts at {points.percent(points.compaction)} %)"
    return f"{full}{compacts}. Type `handoff` to continue in a fresh session."


def chain_too_long(in_a_row: int) -> str:
    """Why there is no further automatic handoff."""
    return (
        f"{in_a_row} automatic handoffs in a row led to this session without a word from you, so it won't be handed "
        "off automatically. To continue in a fresh session, type `handoff`."
    )


FULL_FROM_THE_START = (
    "This session was this full from the start, so it won't be handed off automatically: a new session would be just "
    "as full. Raise auto_handoff_threshold, or use a model with a larger context."
)


def unknown_limit(model: str) -> str:
    """Why there are no automatic handoffs with this model."""
    return f"auto_handoff_threshold has no effect with {model}: OpenCode does not know its context limit."

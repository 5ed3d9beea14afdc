"""What is said when a context fills up: to the agent, which is to hand off, and to the person.

Owns the words. Knows nothing of when they are said.
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

ANNOUNCEMENT = "The context was {percent} % full, so this session was handed off"


def notice(points: Points, tokens: int) -> str:
    """What the person is told before a handoff, or where none comes by itself."""
    full = f"The context is {points.percent(tokens)} % full"
    if points.handoff is not None:
        by_itself = f"At {points.percent(points.handoff)} % the work moves on to a fresh session by itself"
        return f"{full}. {by_itself}; type `handoff` to do it now."
    compacts = "" if points.compaction is None else f" (OpenCode compacts at {points.percent(points.compaction)} %)"
    return f"{full}{compacts}. Type `handoff` to go on in a fresh session."


def chain_too_long(chain: int) -> str:
    """Why a session is not handed off by itself once more."""
    return (
        f"This session comes of {chain} automatic handoffs without a word of yours, so there is no further one. "
        "To go on in a fresh session, type `handoff`."
    )


FULL_FROM_THE_START = (
    "This session began as full as it is, so it is not handed off by itself: the next one would be no emptier. "
    "A higher auto_handoff_threshold or a model with a larger context helps."
)


def unknown_limit(model: str) -> str:
    """Why nothing happens in sessions with this model."""
    return f"auto_handoff_threshold does nothing with {model}: OpenCode knows no context limit for it."

"""`session_handoff` and the handoff commands, as models and people see them."""

from __future__ import annotations

from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.call.tool import Definition

SESSION_HANDOFF = Definition(
    "session_handoff",
    "Continue the user's work in a fresh session, when they type `handoff [goal]` or ask. Todos carry over. Then stop "
    "working here.",
    Notes,
)

HANDOFF_COMMAND = {
    "name": "handoff",
    "description": "Continue in a fresh session, optionally with a goal",
    "template": "handoff: $ARGUMENTS",
}
HANDOFF_NOW_COMMAND = {
    "name": "handoff-now",
    "description": "Continue in a fresh session at once, without asking the model, optionally with a goal",
    "template": "handoff: $ARGUMENTS",
    "immediate": True,
}
HANDOFF_RESUME_COMMAND = {
    "name": "handoff-resume",
    "description": "Make the session of a handoff that was interrupted, or of any brief by its session's id",
    "template": "handoff-resume: $ARGUMENTS",
    "immediate": True,
}
"""`immediate`: the sidecar carries it out, and no model sees it. The template is for whoever lists the commands."""

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
    "description": "Finish a handoff that was interrupted, or make a session from any brief, named by its session's id",
    "template": "handoff-resume: $ARGUMENTS",
    "immediate": True,
}
HANDOFF_UNDO_COMMAND = {
    "name": "handoff-undo",
    "description": "Go back to the session that this one was handed off from",
    "template": "handoff-undo: $ARGUMENTS",
    "immediate": True,
}
HANDOFF_RULES_COMMAND = {
    "name": "handoff-rules",
    "description": "List your rules that a handoff passes on; with a number, strike one",
    "template": "handoff-rules: $ARGUMENTS",
    "immediate": True,
}
HANDOFF_DRAFT_COMMAND = {
    "name": "handoff-draft",
    "description": "The same as /handoff-now, with the prompt in the new session's input box for you to edit",
    "template": "handoff: $ARGUMENTS",
    "immediate": True,
}
COMMANDS = (
    HANDOFF_COMMAND,
    HANDOFF_NOW_COMMAND,
    HANDOFF_RESUME_COMMAND,
    HANDOFF_UNDO_COMMAND,
    HANDOFF_DRAFT_COMMAND,
    HANDOFF_RULES_COMMAND,
)
"""`immediate`: the sidecar carries it out, and no model sees it. The template is for whoever lists the commands."""

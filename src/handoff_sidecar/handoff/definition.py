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


def _immediate(name: str, description: str, word: str = "handoff") -> dict[str, str | bool]:
    """A command that the sidecar carries out; no model sees it. The template is for whoever lists the commands."""
    return {"name": name, "description": description, "template": f"{word}: $ARGUMENTS", "immediate": True}


COMMANDS: tuple[dict[str, str | bool], ...] = (
    {
        "name": "handoff",
        "description": "Continue in a fresh session, optionally with a goal",
        "template": "handoff: $ARGUMENTS",
    },
    _immediate("handoff-now", "Continue in a fresh session at once, without asking the model, optionally with a goal"),
    _immediate(
        "handoff-resume",
        "Finish an interrupted handoff, or, with a session's id, make a session from that session's brief",
        "handoff-resume",
    ),
    _immediate("handoff-undo", "Go back to the session that this one was handed off from", "handoff-undo"),
    _immediate(
        "handoff-draft", "The same as /handoff-now, with the prompt in the new session's input box for you to edit"
    ),
    _immediate(
        "handoff-rules", "List your rules that a handoff passes on; with a rule's number, remove it", "handoff-rules"
    ),
)

"""The handoff command that a person typed, as the scripted model reads it in the plugin's note beside their message.

Owns how the goal is told from the rest. Who is named in it is the sidecar's to find out.
"""

from __future__ import annotations

from handoff_sidecar.demo.scripted_model import ChatRequest
from handoff_sidecar.session.trigger import find_trigger

# What `handoff.trigger.tell_agent` writes; a test holds the two together.
_NOTE = "The user typed the handoff command"
_QUOTED_GOAL = 'word for word: "'
_LONG_GOAL = "Pass the rest of their message"
_UNCERTAIN = "\nIf their message clearly is not a command"


def find_command(request: ChatRequest) -> str | None:
    """The goal that the newest user message names, or an empty one.

    None where it isn't a command, or a question that only looks like one.
    """
    parts = request.last_parts("user")
    note = next((part for part in parts if part.startswith(_NOTE)), None)
    if note is None:
        return None
    told, uncertain, _ = note.partition(_UNCERTAIN)
    if uncertain and parts[0].rstrip().endswith("?"):
        return None
    if _LONG_GOAL in told:
        trigger = find_trigger(parts[0])
        return trigger.goal or "" if trigger else ""
    return told.partition(_QUOTED_GOAL)[2].removesuffix('"')

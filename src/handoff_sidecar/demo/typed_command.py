"""The handoff command that a person typed, as the scripted model reads it in the plugin's note beside their message.

Owns how goal, agent and model are told apart. Does not know what is made of them.
"""

from __future__ import annotations

import re
from dataclasses import replace

from handoff_sidecar.demo.scripted_model import PROVIDER_ID, ChatRequest
from handoff_sidecar.session.trigger import Wish, find_trigger, read_wish

# What `handoff.trigger.tell_agent` writes; a test holds the two together.
_NOTE = "The user typed the handoff command"
_QUOTED_GOAL = 'word for word: "'
_LONG_GOAL = "Pass the rest of their message"
_UNCERTAIN = "\nIf their message plainly is no command"

_ENDS_WITH_MODEL = re.compile(rf"(?:^|\s+)with ((?:{PROVIDER_ID}|anthropic|openai)/[\w.:-]*\w)[\s.]*$", re.IGNORECASE)
"""Providers that aren't there too: the README names one, and the tool then says which models there are."""

_NAMES_AGENT = re.compile(r"to (plan|build)", re.IGNORECASE)


def find_command(request: ChatRequest) -> Wish | None:
    """What the newest user message asks for, or None if it is no command, or a question that only looks like one."""
    parts = request.last_parts("user")
    note = next((part for part in parts if part.startswith(_NOTE)), None)
    if note is None:
        return None
    told, uncertain, _ = note.partition(_UNCERTAIN)
    if uncertain and parts[0].rstrip().endswith("?"):
        return None
    if _LONG_GOAL in told:
        trigger = find_trigger(parts[0])
        return Wish(trigger.goal or "" if trigger else "")
    return _wish(told.partition(_QUOTED_GOAL)[2].removesuffix('"'))


def _wish(goal: str) -> Wish:
    """As a model would read it: who is to go on may also be all that was typed, and a model may be named at the end."""
    wish = read_wish(goal)
    if wish.model is None and (model := _ENDS_WITH_MODEL.search(wish.goal)):
        wish = replace(wish, goal=wish.goal[: model.start()], model=model[1])
    if wish.agent is None and (agent := _NAMES_AGENT.fullmatch(wish.goal)):
        wish = replace(wish, goal="", agent=agent[1])
    return wish

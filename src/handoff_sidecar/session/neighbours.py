"""Marks by which the text of other plugins is known in messages, by plugin and version.

The one list of them; the plugin's half is handed over in `tools.json`, so the patterns are written so that Python and
JavaScript (flag `u`) read them alike.
"""

from __future__ import annotations

import re

_OMO_MODES = "(?:(?:hyperplan-)?ultrawork|hyperplan|team)-mode"

IN_FRONT = (
    # oh-my-opencode 4.19.4: instructions of up to 20,000 characters for a keyword (`ulw`, `hyperplan`, `team mode`)
    # anywhere in the message, then a rule, then the message as it was typed.
    rf"[<\[]{_OMO_MODES}[>\]][\s\S]*?\n---\n\n(?![\s\S]*</{_OMO_MODES}>)"
)
"""Matches what known plugins put before what a person typed."""

WRITTEN_BY_A_PLUGIN = (
    # oh-my-opencode 4.19.4 signs its own prompts (a background task's end, "continue with your todos"), also those that
    # it sends past the client that plugins share.
    r"<!--\s*OMO_INTERNAL_(?:INITIATOR|NOREPLY)\s*-->"
)
"""Found in prompts that a plugin wrote whole."""

PRODS = (
    # oh-my-opencode 4.19.4: "continue with your todos", "your loop is not over", and the like.
    r"\s*\[SYSTEM DIRECTIVE: OH-MY-OPENCODE"
)
"""How prompts begin that only want an agent to go on: they bring nothing."""

_PRODS = re.compile(PRODS)
_IN_FRONT = re.compile(rf"\s*{IN_FRONT}")
_WRITTEN_BY_A_PLUGIN = re.compile(WRITTEN_BY_A_PLUGIN)


def as_typed(text: str) -> str:
    """The text without what a known plugin put in front of it."""
    found = _IN_FRONT.match(text)
    return text[found.end() :] if found else text


def is_prod(text: str) -> bool:
    """Whether a known plugin only wants the agent to go on."""
    return _PRODS.match(text) is not None


def is_signed(text: str) -> bool:
    """Whether a known plugin wrote this text."""
    return _WRITTEN_BY_A_PLUGIN.search(text) is not None

"""Who wrote a message, and what of it a person typed.

The one place on this side that knows; the plugin's `lib/sessions.js` knows the same and marks what plugins prompt. All
that depends on a person's word asks here: requests, rules, what was asked meanwhile, a "no", the end of a chain.
"""

from __future__ import annotations

import re
from typing import Literal

from handoff_sidecar.opencode.messages import OURS, Message
from handoff_sidecar.session.neighbours import as_typed, is_signed

Writer = Literal["person", "plugin", "us", "nobody"]
"""`nobody` is OpenCode itself, or whoever puts a notice on the screen that no model reads."""

_BRIEF_IN_A_MESSAGE = re.compile(r"(?ms)^## Session Handoff$(?:(?!^## Session Handoff$).)*?^Previous: `ses_\w+`.*?$")
"""What we wrote ourselves into a session's first message; what the person wrote around it is theirs. A search ends at
the next heading, or a text of headings alone would take a second."""

_FEEDBACK = re.compile(
    r"(?s)The user rejected permission to use this specific tool call with the following feedback: (.+)"
)
"""In the error of a call that was denied with a word (1.18.34)."""


def writer_of(message: Message) -> Writer:
    """Who wrote a user message; an assistant's is nobody's."""
    if message.info.role != "user":
        return "nobody"
    marks = [part.handoff.by for part in message.parts if part.handoff.by]
    if marks:
        return "us" if OURS in marks else "plugin"
    if is_signed(message.text):
        return "plugin"
    return "person" if any(not part.synthetic and not part.ignored for part in message.parts) else "nobody"


def own_words(message: Message) -> str:
    """What a person typed in this message, or nothing.

    Without the brief of a handoff, which they may have sent from their input box, and without what plugins put before.
    """
    if writer_of(message) != "person":
        return ""
    return without_briefs(as_typed(message.text))


def as_it_came(message: Message) -> str:
    """What a person typed that may have been a trigger, as it was when it came: plugins may have rewritten it since."""
    if writer_of(message) != "person":
        return ""
    return next((part.handoff.typed for part in message.parts if part.handoff.typed), as_typed(message.text))


def denied_with(message: Message) -> list[str]:
    """What a person wrote where they denied a call: rules and corrections often stand only there."""
    errors = (part.state.error for part in message.parts if part.state is not None and part.state.error)
    return [found[1].strip() for error in errors if (found := _FEEDBACK.match(error))]


def without_briefs(text: str) -> str:
    """The text without a handoff's brief in it."""
    return _BRIEF_IN_A_MESSAGE.sub("", text).strip()

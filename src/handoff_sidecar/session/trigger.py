"""Typed triggers: which messages may ask for a handoff, and what the agent is told about one.

Owns the one regular expression that the shim tests messages with, and the closer look that follows a match.
Knows nothing of sessions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from handoff_sidecar.session.neighbours import IN_FRONT, as_typed
from handoff_sidecar.text.plain_text import clean

TRIGGER_WORDS = ("session handoff", "session hand off", "handoff", "hand off")
"""What a person types; `hand-off` and `hand_off` are `hand off`."""

GOAL_MAX_CHARACTERS = 2_000
"""A goal is quoted to the agent; beyond this the agent reads it in the message itself."""

_QUOTES = "\"'“”„‘’«»「」『』`"
"""`opencode run` puts a message of several words in quotes; people do it too."""
_INTRODUCING = ":;,.–—-：；，。、"
"""Between the word and the goal."""

_TALKS_ABOUT_IT = re.compile(
    r"(?:not|never|still|keeps|gave|stopped|broken|is|isn't|was|wasn't|are|aren't|were|has|hasn't|had|does|doesn't|did|didn't|can't|won't|shouldn't|"
    r"fails|failed|works|worked|broke|breaks|crashes|crashed|seems|looks|means|"
    r"(?:can|could|will|would|should|may|might)(?!\s+(?:you|we)\b))\b",
    re.IGNORECASE,
)
"""How a sentence about a handoff goes on. A goal starts with what to do: `look`, `work` and `in` are no signs. In doubt
the agent decides."""
_HASTE = re.compile(r"(?:please|pls|now|right now|right away|asap)(?:[\s,]+(?:please|pls|now))?[\s.!]*", re.IGNORECASE)
_THE_WORK = re.compile(
    r"(?:(?:it|this|everything|(?:this|the|my|our)\s+(?:session|work|conversation|chat))(?:\s+over)?)?"
    r"(?:\s*\bto\s+(?:a|another)\s+(?:new\s+|fresh\s+)?session)?[\s.!]*",
    re.IGNORECASE,
)
"""Like haste, what says no more than the trigger itself: `hand off the work to a new session`."""
_OPTION = re.compile(r"--?[a-z][\w-]*", re.IGNORECASE)
"""Typed as on a command line, as in `handoff --help`."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A message that asks for a handoff.

    Attributes:
        goal: what follows the trigger word, or None.
        certain: False where the sentence could also be about handoffs, so that the agent has to decide.
        is_question: the message ends in a question mark, and may only have asked something.
    """

    goal: str | None
    certain: bool
    is_question: bool = False


def pattern(words: tuple[str, ...] = TRIGGER_WORDS) -> tuple[str, str]:
    """A regular expression that matches every message that may be a trigger: source and flags.

    Written so that Python and JavaScript (flag `u`) read it alike.
    """
    choices = "|".join(_spelled(word) for word in sorted(words, key=len, reverse=True))
    quotes = "".join(f"\\u{ord(quote):04x}" for quote in _QUOTES)
    # After a sign of a script without blanks nothing need follow, and after `handoff.` a name may: `handoff.py`.
    wide = "\\uff1a\\uff0c\\u3002\\uff01\\uff1f\\u3001\\uff1b"
    ends_the_word = rf"$|[\s{quotes}]|[:;\u2013\u2014\u2026{wide}]|[,.!?-]+(?:[\s{quotes}]|$)"
    return rf"^(?:\s*{IN_FRONT})?[\s{quotes}]*(?:{choices})(?={ends_the_word})", "iu"


def find_trigger(text: str, words: tuple[str, ...] = TRIGGER_WORDS) -> Trigger | None:
    """What the message asks for, or None for an ordinary message, such as `handoff is broken`."""
    text = as_typed(clean(text))
    match = re.match(pattern(words)[0], text, re.IGNORECASE)
    if match is None:
        return None
    rest = text[match.end() :].strip()
    is_question = text.rstrip(f"{_QUOTES}\n\t ").endswith(("?", "？"))
    if text.lstrip()[0] in _QUOTES and rest[-1:] and rest[-1] in _QUOTES:
        rest = rest[:-1].strip()
    if is_option(rest.lstrip(":：")):
        return None
    introduced = rest[:1] in _INTRODUCING
    goal = rest.lstrip(f"{_INTRODUCING}!！？… \t\n").strip()
    if not goal.strip("?!.…。？！ ") or _HASTE.fullmatch(goal) or _THE_WORK.fullmatch(goal):
        return Trigger(goal=None, certain="?" not in rest, is_question=is_question)
    if not introduced and _TALKS_ABOUT_IT.match(goal.replace("’", "'")):
        return None
    return Trigger(goal=goal, certain=introduced, is_question=is_question)


def is_option(text: str) -> bool:
    """Whether what follows a trigger or a command is an option such as `--help`, which nobody means as a goal."""
    return _OPTION.fullmatch(text.strip()) is not None


def tell_agent(trigger: Trigger) -> str:
    """The part that is added to the user's message, which stays as it was typed."""
    goal = " They named no goal: leave `goal` out."
    if trigger.goal is not None and len(trigger.goal) <= GOAL_MAX_CHARACTERS:
        goal = f' Pass this as `goal`, word for word: "{trigger.goal}"'
    elif trigger.goal is not None:
        goal = " Pass the rest of their message as `goal`, word for word."
    told = (
        "The user typed the handoff command: they want to go on in a fresh session. Call the `session_handoff` "
        "tool now, as your next action, and do nothing else first; if you have no such tool, tell them to type "
        f"`/handoff-now`.{goal}"
    )
    if trigger.certain:
        return told
    return (
        f"{told}\nIf their message clearly is not a command but about something else, ignore this note and answer it."
    )


def _spelled(word: str) -> str:
    """The word as a pattern; only what both languages let one escape is escaped."""
    return r"[\s_-]+".join(re.sub(r"[$()*+./?\[\\\]^{|}]", r"\\\g<0>", piece) for piece in word.split())

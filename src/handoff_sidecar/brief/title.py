"""The new session's title: `Handoff: X`, with a goal `Handoff: X · fix the failing tests`, `(2)` and so on in a chain.

Owns how much of each shows in a list of sessions, and what of an old title is the base that stays.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from handoff_sidecar.opencode.models import Session
from handoff_sidecar.text.plain_text import one_line

TITLE_MAX_CHARACTERS = 80
"""What the TUI's session list shows on a wide terminal."""

COLUMNS_OF_A_GOAL = 50
"""Within which a goal shows: where the list is narrow, the rest is cut off."""

MIN_COLUMNS_OF_A_BASE = 10

_PREFIX = "Handoff: "
_BETWEEN = " · "
_LONGEST = len(_PREFIX) + TITLE_MAX_CHARACTERS + len(_BETWEEN) + COLUMNS_OF_A_GOAL + len(" (9999), 12:34")
_HANDED_OFF = re.compile(
    r"^Handoff: (?P<base>.*?)(?: · (?P<goal>.*?))??(?: \((?P<number>\d{1,4})\))?(?:, \d\d:\d\d)?$", re.DOTALL
)
_DEFAULT = re.compile(r"^(?:New|Child) session - \d{4}-\d{2}-\d{2}T")
"""OpenCode's title until its title model has answered."""


@dataclass(frozen=True, slots=True)
class Title:
    """A title.

    Attributes:
        base: what the session was called before any handoff; the next one keeps it.
    """

    text: str
    base: str


def title_of(session: Session, *, goal: str = "", otherwise: str = "") -> Title:
    """The title of the session that this one is handed off to.

    A session that OpenCode has not named yet lends no base: the goal does, else `otherwise`, else the session's id.
    """
    title = one_line(session.title, _LONGEST)
    handed_off = _HANDED_OFF.match(title)
    number = int(handed_off["number"] or 1) + 1 if handed_off else 1
    if handed_off:
        base = session.handoff.base or handed_off["base"]
    elif title and not _DEFAULT.match(title):
        base = title
    else:
        base, goal = goal or otherwise or session.id, ""
    base = one_line(base, TITLE_MAX_CHARACTERS)
    counted = f" ({number})" if number > 1 else ""
    goal = "" if goal == base else one_line(goal, _LONGEST)
    if not goal:
        return Title(f"{_PREFIX}{base}{counted}", base)
    room = COLUMNS_OF_A_GOAL - _columns(_PREFIX + _BETWEEN + counted)
    shown = _within(goal, room - min(_columns(base), MIN_COLUMNS_OF_A_BASE))
    return Title(f"{_PREFIX}{_within(base, room - _columns(shown))}{_BETWEEN}{shown}{counted}", base)


def _within(text: str, columns: int) -> str:
    """The text, or its first words and `…`, in so many columns."""
    shown = text
    while _columns(shown) > columns:
        shown = one_line(text, len(shown) - 1)
    return shown


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1 for character in text)

"""What a handoff passes on, before it is cut to size and written out.

Merges what the agent says with what OpenCode's records say. Knows nothing of tokens or of the prompt's form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from handoff_sidecar.handoff.facts import Facts, relative_to_worktree
from handoff_sidecar.handoff.notes import Notes
from handoff_sidecar.handoff.plain_text import one_line, paragraph
from handoff_sidecar.opencode.models import Session, SessionID

SUMMARY_MAX_CHARACTERS = 1_500
"""Three long sentences; the tool asks for one to three."""

LINE_MAX_CHARACTERS = 500
ITEM_MAX_CHARACTERS = 200
"""A todo, step or decision longer than this is prose, and its start says which one it is."""

TITLE_MAX_CHARACTERS = 80
"""What the TUI's session list shows on a wide terminal."""

_TITLE_PREFIX = "Handoff: "
_HANDED_OFF_TITLE = re.compile(r"^Handoff: (?P<base>.*?)(?: \((?P<number>\d{1,4})\))?$", re.DOTALL)
_DEFAULT_TITLE = re.compile(r"^(?:New|Child) session - \d{4}-\d{2}-\d{2}T")
"""OpenCode's title until its title model has answered."""


@dataclass(frozen=True, slots=True)
class Items:
    """Entries of one section, and how many more there were before the section was cut."""

    kept: tuple[str, ...] = ()
    more: int = 0

    def first(self, count: int) -> Items:
        """The first `count` entries; the rest is counted."""
        return Items(self.kept[:count], self.more + len(self.kept[count:]))

    def __bool__(self) -> bool:
        return bool(self.kept or self.more)


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything that the prompt may say, each section cleaned and in order of worth within itself."""

    previous: SessionID
    summary: str
    goal: str = ""
    blocked: str = ""
    todos_done: int = 0
    todos_total: int = 0
    in_progress: Items = Items()
    pending: Items = Items()
    files: Items = Items()
    decisions: Items = Items()
    next_steps: Items = Items()


def brief_of(notes: Notes, facts: Facts, *, worktree: str) -> Brief:
    """The brief of a handoff from the session that the facts are about."""
    named = (relative_to_worktree(path, worktree) for path in notes.files_modified)
    return Brief(
        previous=facts.session.id,
        summary=paragraph(notes.summary, SUMMARY_MAX_CHARACTERS),
        goal=one_line(notes.goal or "", LINE_MAX_CHARACTERS),
        blocked=one_line(notes.blocked or "", LINE_MAX_CHARACTERS),
        todos_done=facts.todos_done,
        todos_total=facts.todos_done + len(facts.todos_in_progress) + len(facts.todos_pending),
        in_progress=_items(facts.todos_in_progress),
        pending=_items(facts.todos_pending),
        files=_items((*facts.files, *named)),
        decisions=_items(notes.key_decisions),
        next_steps=_items(_unnumbered(step) for step in notes.next_steps),
    )


def title_of(session: Session, brief: Brief) -> str:
    """The new session's title: `Handoff: X`, then `Handoff: X (2)` for a session that was itself handed off.

    A session that OpenCode has not named yet lends no title: the goal does, else the summary.
    """
    title = one_line(session.title, TITLE_MAX_CHARACTERS)
    handed_off = _HANDED_OFF_TITLE.match(title)
    if handed_off:
        return f"{_TITLE_PREFIX}{handed_off['base']} ({int(handed_off['number'] or 1) + 1})"
    if not title or _DEFAULT_TITLE.match(title):
        title = one_line(brief.goal or brief.summary, TITLE_MAX_CHARACTERS)
    return f"{_TITLE_PREFIX}{title}"


def _items(texts: Iterable[str]) -> Items:
    """Cleaned entries without blanks and repeats."""
    cleaned = (one_line(text, ITEM_MAX_CHARACTERS) for text in texts)
    return Items(tuple(dict.fromkeys(text for text in cleaned if text)))


def _unnumbered(step: str) -> str:
    """A step without the number that models like to put first; the prompt numbers them itself."""
    return re.sub(r"^\s*(?:\d{1,2}[.)]|[-*])\s+", "", step)

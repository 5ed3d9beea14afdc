"""What a handoff passes on, before it is cut to size and written out.

Merges what the agent says with what OpenCode's records say. Knows nothing of tokens or of the prompt's form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.session.constraints import Constraint
from handoff_sidecar.session.facts import Facts
from handoff_sidecar.session.files import readings_of
from handoff_sidecar.session.standing_rules import SaidRule
from handoff_sidecar.text.plain_text import one_line, paragraph

SUMMARY_MAX_CHARACTERS = 1_500
"""Three long sentences; the tool asks for one to three."""

LINE_MAX_CHARACTERS = 500
ITEM_MAX_CHARACTERS = 200
"""A todo, step or decision longer than this is prose, and its start says which one it is."""

MAX_FILES_READ = 5
"""Files that were only read are worth a few words, not a list."""

MAX_FILES_LOOKED_FOR = 100
"""More than any brief shows; a session may have touched thousands."""

_ROOM_FOR_A_MARK = len(" (not found)")
_NUMBER = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*])\s+")
"""Models like to number steps; the prompt numbers them itself."""


@dataclass(frozen=True, slots=True)
class Items:
    """Entries of one section, and how many more there were before the section was cut."""

    kept: tuple[str, ...] = ()
    more: int = 0

    def first(self, count: int) -> Items:
        """The first `count` entries; the rest is counted."""
        return Items(self.kept[:count], self.more + len(self.kept[count:]))

    def few(self, count: int) -> Items:
        """The first `count` entries; nobody is told of the rest."""
        return Items(self.kept[:count])

    def __bool__(self) -> bool:
        return bool(self.kept or self.more)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What only a look at the disk tells.

    Attributes:
        present: of the files asked about, those that are there; None if that could not be found out.
        git: the worktree's state in words, or nothing.
        house_rules: what OpenCode tells every agent here anyway: AGENTS.md and the like.
    """

    present: frozenset[str] | None = None
    git: str = ""
    house_rules: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything that the prompt may say, each section cleaned and in order of worth within itself.

    Attributes:
        goal_in_full: where `goal` is not all of it, as it was given, line breaks included; else empty.
        asked_meanwhile: what the user wrote while the handoff was under way.
        said_rules: what the user plainly said as standing rules and the agent left out.
        attached: the names of what the user attached to the message that asked for the handoff.
        earlier: the sessions before the previous one, newest first.
        not_covered: see `Facts`.
    """

    previous: SessionID
    summary: str
    goal: str = ""
    goal_in_full: str = ""
    asked_meanwhile: Items = Items()
    attached: Items = Items()
    blocked: str = ""
    constraints: Items = Items()
    said_rules: Items = Items()
    todos_done: int = 0
    todos_total: int = 0
    in_progress: Items = Items()
    pending: Items = Items()
    files: Items = Items()
    files_read: Items = Items()
    running: Items = Items()
    decisions: Items = Items()
    tried_and_failed: Items = Items()
    git: str = ""
    failed_command: str = ""
    next_steps: Items = Items()
    earlier: tuple[SessionID, ...] = ()
    not_covered: int | None = None


def brief_of(  # noqa: PLR0913  # what is said, each by its name
    notes: Notes,
    facts: Facts,
    *,
    root: str,
    constraints: Sequence[Constraint] = (),
    said: Sequence[SaidRule] = (),
    surroundings: Surroundings = Surroundings(),
) -> Brief:
    """The brief of a handoff from the session that the facts are about.

    Args:
        root: the folder that paths are given relative to.
        constraints: as `rules_of` has them, and `said`, too.
        surroundings: of the worktree as it is now.
    """
    return Brief(
        previous=facts.session.id,
        summary=paragraph(notes.summary, SUMMARY_MAX_CHARACTERS),
        goal=one_line(notes.goal or "", LINE_MAX_CHARACTERS),
        asked_meanwhile=_items(
            (f'"{one_line(text, LINE_MAX_CHARACTERS)}"' for text in facts.asked_meanwhile), LINE_MAX_CHARACTERS + 2
        ),
        attached=_items(facts.attached),
        blocked=one_line(notes.blocked or "", LINE_MAX_CHARACTERS),
        constraints=_items(map(str, constraints), LINE_MAX_CHARACTERS),
        said_rules=Items(tuple(f'"{rule.text}"' for rule in said)),
        todos_done=facts.todos_done,
        todos_total=facts.todos_done + len(facts.todos_in_progress) + len(facts.todos_pending),
        in_progress=_items(facts.todos_in_progress),
        pending=_items(facts.todos_pending),
        files=_items(_marked_files(notes, facts, root, surroundings.present)),
        files_read=_items(
            path for path in facts.files.read if surroundings.present is None or path in surroundings.present
        ).few(MAX_FILES_READ),
        running=_items(facts.running),
        decisions=_items(notes.key_decisions),
        tried_and_failed=_items(notes.tried_and_failed),
        git=surroundings.git,
        failed_command=facts.failed_command,
        next_steps=_items(_NUMBER.sub("", step) for step in notes.next_steps),
        earlier=facts.chain[::-1],
        not_covered=facts.not_covered,
    )


def files_to_look_for(notes: Notes, facts: Facts, *, root: str) -> tuple[str, ...]:
    """The paths whose presence decides how they are marked, relative to the worktree; as many as a brief can show."""
    named = [
        reading
        for path in notes.files_modified[:MAX_FILES_LOOKED_FOR]
        for reading in readings_of(path, root=root, directory=facts.session.directory)
    ]
    edited, read = facts.files.edited[:MAX_FILES_LOOKED_FOR], facts.files.read[:MAX_FILES_LOOKED_FOR]
    return tuple(dict.fromkeys((*edited, *named, *read)))


def _marked_files(notes: Notes, facts: Facts, root: str, present: frozenset[str] | None) -> Iterator[str]:
    """What the session edited, then what the agent named besides; a file that is not there says so.

    Where nothing was looked for, the records alone decide.
    """
    looked_for = frozenset(facts.files.edited[:MAX_FILES_LOOKED_FOR]) if present is not None else frozenset()
    for path in facts.files.edited:
        is_gone = path not in (present or ()) if path in looked_for else path in facts.files.deleted
        yield f"{one_line(path, ITEM_MAX_CHARACTERS)} (deleted)" if is_gone else path
    edited = frozenset(facts.files.edited)
    for place, named in enumerate(notes.files_modified):
        readings = readings_of(named, root=root, directory=facts.session.directory)
        if not readings or edited.intersection(readings):
            continue
        if present is None or place >= MAX_FILES_LOOKED_FOR:
            yield readings[0]
        else:
            there = next((path for path in readings if path in present), None)
            yield there or f"{one_line(readings[0], ITEM_MAX_CHARACTERS)} (not found)"


def _items(texts: Iterable[str], max_characters: int = ITEM_MAX_CHARACTERS + _ROOM_FOR_A_MARK) -> Items:
    """Cleaned entries without blanks and repeats."""
    cleaned = (one_line(text, max_characters) for text in texts)
    return Items(tuple(dict.fromkeys(text for text in cleaned if text)))

"""A turn in a few lines: what was asked, the commands and edits with how they went, and what was answered.

Owns which lines of a turn are shown, and how much of each: those in which a query matches, before the others. Knows
nothing of how turns are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from handoff_sidecar.reading.answer import Line
from handoff_sidecar.reading.excerpt import window
from handoff_sidecar.search.query import Query
from handoff_sidecar.search.turns import Turn, failures
from handoff_sidecar.session.transcript import (
    Entry,
    Record,
    command_of,
    ends,
    has_failed,
    is_command,
    is_edit,
    restates,
    shown,
    telling,
)
from handoff_sidecar.text.plain_text import one_line
from handoff_sidecar.text.redaction import Redact

MATCHING_MAX_CHARACTERS = 450
"""Of what was said, if something matches: some sentences."""

BESIDE_MAX_CHARACTERS = 300
"""Of what was asked or answered, if nothing does; and of a thought."""

CALL_MAX_CHARACTERS = 300
OUTPUT_MAX_CHARACTERS = 400
FAILURE_MAX_CHARACTERS = 200
OUTCOME_MAX_CHARACTERS = 200
"""Of the output of a call that failed, if no line of it says so: its ends."""

RESULT_MAX_CHARACTERS = 100
"""Of the last line of another command's output, where results are."""

_ASKED, _WANTED, _KIND, _MATCHING, _DONE, _OUTPUT = range(6)

FEW_CALLS = 3
"""So many of the kind that is asked for are the answer, and stay as long as what was asked; of more, some are."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Writes turns out for one query.

    Attributes:
        timeout_s: for a regular expression in one text.
    """

    query: Query
    redact: Redact
    most_characters: int
    timeout_s: float

    def write(self, turn: Turn, first: str) -> tuple[Line, ...]:
        """The lines of a turn, in order, as many of the foremost as fit.

        Args:
            first: the id of the message that the heading names: its words are not marked as asked or answered.
        """
        lines = list(self._lines(turn, first))
        left = self.most_characters
        kept: set[int] = set()
        for place in sorted(range(len(lines)), key=lambda place: (lines[place].rank, place)):
            if lines[place].text and len(lines[place].text) <= left:
                kept.add(place)
                left -= len(lines[place].text)
        return tuple(line for place, line in enumerate(lines) if place in kept)

    def _lines(self, turn: Turn, first: str) -> Iterator[Line]:
        answer = next((record for record in reversed([*turn.records]) if record.role != "user" and _says(record)), None)
        unsaid = self.query.without(turn.said)
        asked_for = sum(self._is_asked_for(entry) for record in turn.records for entry in record.entries)
        has_few = asked_for <= FEW_CALLS
        for record in turn.records:
            for entry in record.entries:
                if entry.kind == "said":
                    yield self._said(record, entry, is_answer=record is answer, is_first=record.id == first)
                elif entry.kind == "thought":
                    yield self._thought(entry, unsaid)
                elif not restates(entry.head):
                    yield from self._call(entry, unsaid, has_few=has_few)

    def _said(self, record: Record, entry: Entry, *, is_answer: bool, is_first: bool) -> Line:
        text = shown(entry.taken, self.redact)
        places = self.query.places(text, self.timeout_s)
        said = window(text, places, MATCHING_MAX_CHARACTERS if places else BESIDE_MAX_CHARACTERS)
        if is_first or not (places or is_answer or record.role == "user"):
            return Line(_ASKED, said if is_first else "")
        if record.role == "user":
            return Line(_ASKED, f"(asked: {one_line(said, len(said))})")
        return Line(_ASKED, f"(answered: {said})") if is_answer else Line(_MATCHING, said)

    def _thought(self, entry: Entry, unsaid: Query) -> Line:
        """What the agent thought, where it has words of the query that nobody said."""
        text = shown(entry.taken, self.redact)
        found = unsaid.places(text, self.timeout_s)
        return Line(_OUTPUT, f"(thinking) {window(text, found, BESIDE_MAX_CHARACTERS)}" if found else "")

    def _is_asked_for(self, entry: Entry) -> bool:
        """Whether this is the kind of thing that the query asks for."""
        concepts = self.query.concepts
        if is_command(entry):
            return "command" in concepts or ("error" in concepts and bool(failures(entry.given)))
        return "file" in concepts and is_edit(entry)

    def _call(self, entry: Entry, unsaid: Query, *, has_few: bool) -> Iterator[Line]:
        head, command = shown(entry.head, self.redact), shown(command_of(entry), self.redact)
        taken, given = shown(entry.taken, self.redact), shown(entry.given, self.redact)
        # Of a command not the input's keys: each has one that is called `command`.
        in_head, in_taken = (self.query.places(text, self.timeout_s) for text in (telling(head), command or taken))
        # An error names what failed in other lines than it says why, and in the words of the question.
        asks_for_it = command and "error" in self.query.concepts
        found = (self.query if asks_for_it else unsaid).places(given, self.timeout_s)
        if not (in_head or in_taken or command or is_edit(entry) or found):
            return
        rank = _MATCHING if in_head or in_taken else _DONE
        if self._is_asked_for(entry):
            rank = _ASKED if has_few else _WANTED if rank == _MATCHING else _KIND
        yield Line(rank, head)
        if command and command not in head:
            yield Line(rank, f"  $ {one_line(command, CALL_MAX_CHARACTERS)}")
        elif in_taken and not command:
            yield Line(_OUTPUT, _indented(window(taken, in_taken, CALL_MAX_CHARACTERS)))
        rank = min(rank, _WANTED) if "error" in self.query.concepts else rank
        told = failures(given) if command else []
        for line in told:
            yield Line(rank, f"  {one_line(line, FAILURE_MAX_CHARACTERS)}")
        if not told and not found and given.strip():
            if has_failed(entry):
                yield Line(rank, _indented("→ " + ends(given.strip(), OUTCOME_MAX_CHARACTERS)))
            elif command and (in_head or in_taken):
                yield Line(_OUTPUT, f"  → {one_line(given.strip().splitlines()[-1], RESULT_MAX_CHARACTERS)}")
        if found:
            yield Line(_OUTPUT, _indented(window(given, found, OUTPUT_MAX_CHARACTERS)))


def _says(record: Record) -> bool:
    return any(entry.kind == "said" for entry in record.entries)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.strip().splitlines())

"""Passages: the pieces that a message is searched and shown in, some sentences or lines each.

Owns where a message is cut, and who speaks in a piece. Knows nothing of how passages are kept, found or ranked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

from handoff_sidecar.session.persons import without_briefs
from handoff_sidecar.session.transcript import Entry, Record, has_failed, is_command, is_edit

Speaker = Literal["person", "agent", "summary", "thought", "command", "call", "output", "failed", "note"]
"""Who speaks: the person, wherever their words stand; the agent; what sums up other messages (a compaction, a brief);
what the agent only thought; a command line, another
tool's input, an output, an output that tells of a failure; OpenCode itself."""

SPEAKERS: tuple[Speaker, ...] = get_args(Speaker)

PASSAGE_CHARACTERS = 450
"""About 110 tokens: 4,000 tokens show 30 places. From 380 to 550 real sessions made no difference."""

_BREAK_AT_A_GAP = 0.6 * PASSAGE_CHARACTERS
_BREAK_AT_A_HEADING = 0.35 * PASSAGE_CHARACTERS
"""A passage ends early at an empty line, and earlier still before a heading."""

_FEEDBACK = re.compile(
    r"(?s)rejected permission to use this specific tool call with the following feedback: (?P<said>.*)"
)
"""How OpenCode stores the words with which a person denies a call or rejects a plan (seen in 1.18.34)."""

_QUESTION_TOOL = "- question"
"""Its output quotes what the person chose or wrote."""

_OWN_TOOLS = ("- session_handoff", "- read_session")
"""Their inputs are briefs and queries: they would be found instead of what they are about."""

_TELLS_OF_A_FAILURE = re.compile(
    r"(?m)^\W{0,4}(?:FAIL|ERROR|[Ee]rror|panic|fatal|Traceback)\b|\bFAILED\b"
    r"|(?:Error|Exception|\b(?:error|failed|panic)): "
)
"""In a command's output; many commands fail with an exit code of 0, as what they pipe into succeeds."""

_SIGNS_OF_A_FAILURE = ("FAIL", "ERROR", "rror", "panic", "fatal", "Traceback", "Exception", "failed")
"""One of these is in each text that the expression matches; to look for them takes a tenth of the time."""

_REPLACEMENT = re.compile(r"(?s)(?P<before>.*?)^oldString: (?P<old>.*)^newString: (?P<new>.*)", re.MULTILINE)


class Passage(NamedTuple):
    """A piece of a message; a tuple, as half a million of them are made for a large project.

    Attributes:
        entry: the place in the record of what it is cut from; pieces of one entry follow each other.
        head: the line that says which call it is part of; empty for what was said.
    """

    speaker: Speaker
    entry: int
    head: str
    text: str


def passages_of(record: Record) -> list[Passage]:
    """The passages of a message, in order; what they stand in are the passages around them."""
    found = []
    for place, entry in enumerate(record.entries):
        for speaker, head, text in _spoken(record, entry):
            may_fail = speaker == "output" and is_command(entry) and _has_signs(text)
            for piece in pieces(text):
                fails = may_fail and _has_signs(piece) and _TELLS_OF_A_FAILURE.search(piece)
                found.append(Passage("failed" if fails else speaker, place, head, piece))
    return found


def words_of_the_person(record: Record) -> list[str]:
    """What the person says in a message: typed, as feedback to a call that they denied, or as an answer."""
    return [
        text for entry in record.entries for speaker, _, text in _spoken(record, entry) if speaker == "person" and text
    ]


def _spoken(record: Record, entry: Entry) -> Iterator[tuple[Speaker, str, str]]:
    """Who speaks in an entry, the head of the call that it is, and the text."""
    if entry.kind == "said":
        yield from _said(record, entry.taken)
    elif entry.kind == "thought":
        yield "thought", "", entry.taken
    elif entry.kind in {"note", "file"}:
        yield "note", "", entry.head.removeprefix("- ")
    elif entry.kind == "changed":
        yield "note", "", f"{entry.head.removeprefix('- ')}:\n{entry.taken}"
    elif entry.kind == "tool" and not entry.head.startswith(_OWN_TOOLS):
        yield "command" if is_command(entry) else "call", entry.head, _input(entry)
        failed = has_failed(entry)
        feedback = _FEEDBACK.search(entry.given) if failed else None
        if feedback:
            yield "person", entry.head, feedback["said"]
        elif entry.head.startswith(_QUESTION_TOOL):
            yield "person", entry.head, entry.given
        else:
            yield "failed" if failed else "output", entry.head, entry.given


def _said(record: Record, text: str) -> Iterator[tuple[Speaker, str, str]]:
    if record.role != "user":
        yield "agent" if record.role == "assistant" else "summary", "", text
        return
    own = without_briefs(text)
    yield "person", "", own
    if own != text.strip():
        yield "summary", "", text


def _input(entry: Entry) -> str:
    """A call's input; of an edit what it writes before what it replaces, as only the first still stands."""
    replaced = _REPLACEMENT.fullmatch(entry.taken) if is_edit(entry) else None
    if replaced is None:
        return entry.taken or entry.head.removeprefix("- ")
    return f"{replaced['before']}newString: {replaced['new']}\noldString: {replaced['old'].rstrip()}"


def _has_signs(output: str) -> bool:
    """Whether some lines of a command's output may say that it failed."""
    return any(sign in output for sign in _SIGNS_OF_A_FAILURE)


def pieces(text: str) -> Iterator[str]:
    """A text in pieces of whole lines; a line that is longer than a passage is cut.

    A piece also ends before an empty line or a heading, if it is long enough by then.
    """
    held: list[str] = []
    length = 0
    for whole in text.split("\n"):
        line = whole.rstrip()
        added = len(line)
        if held and (
            length + added > PASSAGE_CHARACTERS
            or (length > _BREAK_AT_A_GAP and not line)
            or (length > _BREAK_AT_A_HEADING and line.startswith("#"))
        ):
            yield from _whole(held)
            held, length = [], 0
        while added > PASSAGE_CHARACTERS:
            yield from _whole([line[:PASSAGE_CHARACTERS]])
            line = line[PASSAGE_CHARACTERS:]
            added = len(line)
        held.append(line)
        length += added + 1
    yield from _whole(held)


def _whole(lines: list[str]) -> Iterator[str]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield text

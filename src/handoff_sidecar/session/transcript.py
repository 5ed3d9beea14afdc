"""Messages of a session, written out for a reader who was not there.

Owns what a message says and how much of it is shown: what was said as it was, a tool as one line or with its input
and the ends of its output, binary content as what it is. Knows nothing of where messages come from, nor of budgets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Literal

from handoff_sidecar.opencode.messages import Message, Part
from handoff_sidecar.session.files import EDITING_TOOLS
from handoff_sidecar.session.neighbours import as_typed
from handoff_sidecar.session.persons import writer_of
from handoff_sidecar.text.plain_text import clean, one_line
from handoff_sidecar.text.redaction import Redact

Detail = Literal["text", "tools"]

TITLE_MAX_CHARACTERS = 160
OUTCOME_MAX_CHARACTERS = 200
PROMPT_MAX_CHARACTERS = 300

PIECE_MAX_CHARACTERS = 60_000
"""Of one input or output: OpenCode itself cuts a tool's output at 51,200 bytes. Of more, both ends are kept."""

INPUT_SHOWN_CHARACTERS = 700
OUTPUT_SHOWN_CHARACTERS = 900
"""With `detail: tools`: an edit of some lines whole; of an output the ends, where errors and results are."""

_SILENT_PARTS = frozenset({"step-start", "step-finish", "snapshot", "agent"})
_QUOTING_TOOLS = frozenset({"read_session"})
"""Their outputs are other records: quoted once more they would be found instead of what they quote."""

_COMMAND = "- bash"
_FAILED_CALL = re.compile(r": (?:error: .*|\w+, exit code -?\d+)$")
_DATA_URL = re.compile(
    r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*?(?:;bytes=(?P<bytes>\d{1,15}))?;base64,(?P<content>[A-Za-z0-9+/=_-]*)"
)
_LONG_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{400,}={0,2}")
_LOOKS_LIKE_A_HEADING = re.compile(r"(?m)^\s*\[(?=[^\]\n]{1,200} · )")
_BINARY_SHARE = 0.05
"""Of NUL or undecodable characters: text has none, but a cut in the middle of a character may leave one or two."""

BYTES_A_KB = 1_000

Kind = Literal["said", "thought", "tool", "file", "changed", "note"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a message.

    Attributes:
        head: one line that says what it is; empty for what was said.
        taken: what was said, or the tool's input.
        given: the tool's output.
    """

    kind: Kind
    head: str = ""
    taken: str = ""
    given: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What a message said and did. `created` is in milliseconds since the epoch."""

    id: str
    role: str
    created: float
    entries: tuple[Entry, ...]

    @property
    def heading(self) -> str:
        """Who and when, such as `user · 2026-05-28 20:27 UTC`."""
        return f"{self.role} · {time_of(self.created)}"


def record_of(message: Message) -> Record:
    """The record of a message, without what cannot be read: control characters, binary content."""
    entries = [entry for part in message.parts for entry in _entries(part)]
    if message.info.role == "user":
        by_a_plugin = writer_of(message) == "plugin"
        entries = [_as_written(entry, by_a_plugin=by_a_plugin) if entry.kind == "said" else entry for entry in entries]
    error = _error(message)
    if error:
        entries.append(Entry("note", error))
    role = "assistant, summary at a compaction" if message.info.summary is True else message.info.role
    return Record(message.info.id, role, message.info.time.created, tuple(entries))


def is_command(entry: Entry) -> bool:
    """Whether it is a command that was run."""
    return entry.kind == "tool" and entry.head.startswith(_COMMAND)


def is_edit(entry: Entry) -> bool:
    """Whether a file was written."""
    return entry.kind == "tool" and entry.head.split(maxsplit=2)[1].rstrip(":") in EDITING_TOOLS


def is_written(entry: Entry) -> bool:
    """Whether files are another than before: a call wrote them, or they were found changed on disk."""
    return entry.kind == "changed" or (is_edit(entry) and not has_failed(entry))


def has_failed(entry: Entry) -> bool:
    """Whether a call ended with an error, or a command with an exit code that says so."""
    return entry.kind == "tool" and _FAILED_CALL.search(entry.head) is not None


def write_record(record: Record, *, detail: Detail, redact: Redact) -> str:
    """What a record says, line by line; empty if there is nothing to show at this level of detail."""
    lines = (line for entry in record.entries for line in _lines(entry, detail, redact))
    return "\n".join(line for line in lines if line)


def time_of(milliseconds: float) -> str:
    """The minute, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def shown(text: str, redact: Redact) -> str:
    """The text without secrets, without what could pass for a record's heading, and binary data as what it is."""
    told = _LONG_BASE64.sub(lambda found: f"[base64 data, {_size(len(found[0]) * 3 // 4)}]", text)
    return redact(_LOOKS_LIKE_A_HEADING.sub("(", told))


def ends(text: str, most_characters: int) -> str:
    """The text, or its beginning and the larger part of its end, with the length of what is left out."""
    if len(text) <= most_characters:
        return text
    first = most_characters // 3
    last = most_characters - first
    return f"{text[:first].rstrip()} …[{len(text) - most_characters:,} characters]… {text[-last:].lstrip()}"


def _lines(entry: Entry, detail: Detail, redact: Redact) -> Iterable[str]:
    if entry.kind == "said":
        yield shown(entry.taken, redact)
    elif entry.kind == "thought":
        if detail == "tools":
            yield f"(thinking) {ends(shown(entry.taken, redact), INPUT_SHOWN_CHARACTERS)}"
    elif entry.kind != "changed":
        yield shown(entry.head, redact)
        if detail == "tools" and entry.taken:
            yield _indented(ends(shown(entry.taken, redact), INPUT_SHOWN_CHARACTERS))
        if detail == "tools" and entry.given:
            yield _indented("→ " + ends(shown(entry.given, redact), OUTPUT_SHOWN_CHARACTERS))


def _entries(part: Part) -> Iterable[Entry]:
    if part.type in {"text", "reasoning"}:
        text = _readable(part.text or "").strip()
        if text and not part.synthetic and not part.ignored:
            yield Entry("said" if part.type == "text" else "thought", "", text)
    elif part.type == "tool":
        yield _tool(part)
        for attached in part.state.attachments if part.state else ():
            yield from _entries(attached)
    elif part.type == "file":
        yield Entry("file", f"- file {_described_file(part)}")
    elif part.type == "patch":
        yield Entry("changed", "- changed on disk", "\n".join(clean(path) for path in part.files))
    elif part.type == "compaction":
        yield Entry("note", "- the session was compacted here")
    elif part.type and part.type not in _SILENT_PARTS:
        yield Entry("note", f"- {one_line(part.type, 40)} (a part that is not shown)")


def _as_written(entry: Entry, *, by_a_plugin: bool) -> Entry:
    """What was said by a user message, without what is no person's word in it."""
    if by_a_plugin:
        return Entry("note", f"- prompted by another plugin: {one_line(entry.taken, PROMPT_MAX_CHARACTERS)}")
    return Entry("said", "", as_typed(entry.taken))


def _tool(part: Part) -> Entry:
    state = part.state
    name = one_line(part.tool or "tool", 60)
    if state is None:
        return Entry("tool", f"- {name}")
    # An aborted call has no title yet.
    named = (state.input.get(key) for key in ("description", "filePath", "command", "pattern"))
    title = one_line(state.title or str(next(filter(None, named), "")), TITLE_MAX_CHARACTERS)
    outcome = state.status
    exit_code = state.metadata.get("exit")
    if state.error:
        outcome = f"error: {one_line(_readable(state.error), OUTCOME_MAX_CHARACTERS)}"
    elif isinstance(exit_code, int) and exit_code != 0:
        outcome = f"{outcome}, exit code {exit_code}"
    taken = "\n".join(f"{one_line(key, 60)}: {_readable(_plain(value))}" for key, value in state.input.items())
    given = "" if part.tool in _QUOTING_TOOLS else state.error or state.output or ""
    return Entry("tool", f"- {name}{f' {title!r}' if title else ''}: {outcome}", _cut(taken), _readable(given))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _described_file(part: Part) -> str:
    name = one_line(part.filename or "without a name", TITLE_MAX_CHARACTERS)
    url = part.url or ""
    size = ""
    if found := _DATA_URL.match(url):
        size = f", {_size(_content_bytes(found))}"
    elif url.startswith("data:"):
        size = f", {_size(len(url.partition(',')[2]))}"
    return (
        f"{PurePath(name).name if '/' in name and size else name} ({one_line(part.mime or 'unknown type', 60)}{size})"
    )


def _readable(text: str) -> str:
    unreadable = text.count("\0") + text.count("\ufffd")
    if unreadable > len(text) * _BINARY_SHARE:
        return f"[binary data, {_size(len(text))}]"
    if ";base64," in text:
        text = _DATA_URL.sub(lambda found: f"[{found[1] or 'data'}, {_size(_content_bytes(found))}]", text)
    return clean(_cut(text))


def _content_bytes(found: re.Match[str]) -> int:
    """How large what a `data:` URL holds is, or held: the plugin leaves the size of a long one (see `Part.url`)."""
    return len(found["content"]) * 3 // 4 if found["content"] or not found["bytes"] else int(found["bytes"])


def _cut(text: str) -> str:
    return ends(text, PIECE_MAX_CHARACTERS)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.strip().splitlines())


def _error(message: Message) -> str:
    error = message.info.error
    if not isinstance(error, dict):
        return ""
    data = error.get("data")
    said = data.get("message") if isinstance(data, dict) else None
    reason = f"{error.get('name')}: {said}" if said else str(error.get("name"))
    return f"- ended with {one_line(reason, OUTCOME_MAX_CHARACTERS)}"


def _size(count_bytes: int) -> str:
    return f"{count_bytes} bytes" if count_bytes < BYTES_A_KB else f"{count_bytes / BYTES_A_KB:,.0f} kB"

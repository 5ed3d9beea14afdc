"""What the agent says at a handoff: the arguments of `session_handoff`.

Owns their names, types and descriptions (the tool's JSON schema is made from them) and how a model's sloppiness is
forgiven: whatever can be used is used, and what can't be is named. Knows nothing of OpenCode.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from handoff_sidecar.errors import InvalidArguments
from handoff_sidecar.text.plain_text import one_line

MAX_ENTRIES = 2_000
"""Of a list: far more than any brief shows. A hundred thousand held up everything for a second."""

MAX_CHARACTERS = 200_000
"""Of one text: a whole conversation, of which a brief shows the first sentences."""

MAX_NAMED = 5
NAME_MAX_CHARACTERS = 40


class Notes(BaseModel):
    """The arguments of `session_handoff`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    summary: str = Field(description="Where things stand, 1-3 sentences")
    goal: str | None = Field(default=None, description="What the user wants, verbatim")
    next_steps: list[str] = Field(default_factory=list, description="In order")
    blocked: str | None = Field(default=None, description="By what")
    constraints: list[str] = Field(default_factory=list, description="User's standing rules, verbatim")
    key_decisions: list[str] = Field(default_factory=list, description="Decision (why)")
    tried_and_failed: list[str] = Field(default_factory=list, description="What (why)")
    files_modified: list[str] = Field(default_factory=list, description="Paths")
    agent: str | None = Field(default=None, description="If user names one")
    model: str | None = Field(default=None, description="Likewise: provider/model")


_MEANT = {
    "summary": "overview status state currentstate context description",
    "goal": "objective task focus",
    "next_steps": "next nextstep steps todo todos tasks remaining pending followups nextactions",
    "blocked": "blocker blockers blockedby blocking",
    "constraints": "constraint rules rule standingrules userrules requirements preferences userconstraints",
    "key_decisions": "decisions decision keydecision decisionsmade",
    "tried_and_failed": "tried failed failures triedfailed failedattempts attempts deadends whatfailed",
    "files_modified": "files file filesmodified modifiedfiles changedfiles fileschanged modified paths keyfiles",
    "agent": "agentname toagent targetagent mode",
    "model": "modelname targetmodel modelid",
}
_FIELD_BY_NAME = {
    **{name.replace("_", ""): name for name in Notes.model_fields},
    **{other: name for name, others in _MEANT.items() for other in others.split()},
}
"""What models call the arguments when they don't keep to the schema, in lower case and without `_` and `-`."""

_NOTHING = frozenset({"", "none", "n/a", "na", "null", "nil", "-", "undefined", "unknown", "none."})
"""How models fill in what they have nothing for."""

_MAIN_KEYS = (
    *("decision", "step", "task", "content", "title", "text"),
    *("rule", "file", "path", "what", "name", "description"),
)
_REASON_KEYS = ("why", "reason", "rationale", "because", "result", "outcome")
"""In an object that stands where a line is wanted: `{decision, why}` becomes `decision (why)`."""


def read_notes(arguments: Mapping[str, object]) -> tuple[Notes, str]:
    """The notes that an agent gave, in whatever form, and a sentence that names what could not be used, if anything.

    Raises:
        InvalidArguments: there is no summary: the one thing that nobody else can say.
    """
    given: dict[str, list[str]] = {}
    problems: list[str] = []
    for name, value in arguments.items():
        field = _FIELD_BY_NAME.get(re.sub(r"[\W_]+", "", str(name)).casefold())
        if field is None:
            if any(_lines(value)):
                problems.append(f"`{one_line(str(name), NAME_MAX_CHARACTERS)}` (no such argument)")
            continue
        lines = list(_lines(value))
        if len(lines) > MAX_ENTRIES:
            problems.append(f"`{field}` from entry {MAX_ENTRIES:,} on")
        elif any(len(line) > MAX_CHARACTERS for line in lines):
            problems.append(f"`{field}` after {MAX_CHARACTERS:,} characters")
        cut = [line[:MAX_CHARACTERS] for line in lines[:MAX_ENTRIES]]
        given.setdefault(field, []).extend(cut)
    notes = {
        field: lines if Notes.model_fields[field].annotation == list[str] else " ".join(lines)
        for field, lines in given.items()
        if lines
    }
    for field in ("agent", "model"):
        if len(given.get(field, ())) > 1:
            problems.append(f"`{field}` (not a single name)")
            notes.pop(field)
    if "summary" not in notes:
        raise InvalidArguments(
            "session_handoff: nothing was done, because `summary` is missing. Call again with one (where things "
            "stand, 1-3 sentences). Everything else is optional."
        )
    return Notes.model_validate(notes), _told(problems)


def _told(problems: list[str]) -> str:
    if not problems:
        return ""
    more = f" and {len(problems) - MAX_NAMED} more" if len(problems) > MAX_NAMED else ""
    return f"Left out: {', '.join(problems[:MAX_NAMED])}{more}."


def _lines(value: object) -> Iterator[str]:
    """The texts that a value says, whatever its form: a text, a list as JSON text, numbers, objects."""
    if isinstance(value, str):
        listed = _read(value.strip())
        if isinstance(listed, list):
            yield from _lines(listed)
        elif value.strip().casefold() not in _NOTHING:
            yield value.strip()
    elif isinstance(value, Mapping):
        said = _object(value)
        if said:
            yield said
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from (line for line in _entry(entry) if line)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _entry(entry: object) -> Iterator[str]:
    """One entry of a list: what it says, of nested lists all in one."""
    if isinstance(entry, str):
        said = entry.strip()
        yield "" if said.casefold() in _NOTHING else said
    elif isinstance(entry, list | tuple):
        yield "; ".join(str(part) for part in entry if isinstance(part, str | int | float))
    else:
        yield from _lines(entry)


def _object(value: Mapping[Any, Any]) -> str:
    texts = {
        str(key).casefold(): str(text).strip() for key, text in value.items() if isinstance(text, str | int | float)
    }
    main = next((texts[key] for key in _MAIN_KEYS if texts.get(key)), "")
    why = next((texts[key] for key in _REASON_KEYS if texts.get(key)), "")
    if main:
        return f"{main} ({why})" if why else main
    return "; ".join(f"{key}: {text}" for key, text in texts.items() if text)


def _read(text: str) -> object:
    """The list that a text is in JSON; None if it is none."""
    if not text.startswith("["):
        return None
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return listed if isinstance(listed, list) else None

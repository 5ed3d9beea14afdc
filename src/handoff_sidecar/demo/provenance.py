"""Where each line of a handoff's prompt comes from: from the person, from OpenCode's records, or from the agent.

Told by what OpenCode has stored, not by what the plugin says. Knows nothing of how it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Source = Literal["you", "OpenCode", "git", "the agent", "the agent, checked", "the agent: NOT FOUND", ""]

NOT_FOUND = " (not found)"
_SECTION = re.compile(r"\*\*(\w[\w, ]*):\*\* ?(.*)")


@dataclass(frozen=True, slots=True)
class Stored:
    """What OpenCode has stored of a session that was handed off.

    Attributes:
        said: what the person has typed.
        given: what the agent gave `session_handoff`.
        todos: what is on the todo list.
        written: the files that tools wrote, as paths in the project.
        commit: the project's commit, shortened.
    """

    said: str
    given: dict[str, Any]
    todos: tuple[str, ...]
    written: frozenset[str]
    commit: str


def lines_with_sources(prompt: str, stored: Stored) -> Iterator[tuple[str, Source]]:
    """The prompt's lines, without its heading and the empty ones.

    One that lists files of several sources is told in several; a section's name stands before its first item.
    """
    section = label = ""
    for line in prompt.splitlines()[1:]:
        found = _SECTION.fullmatch(line)
        if found is not None:
            section = found[1]
        if found is not None and not found[2]:
            label = f"{line} "
        elif section == "Files" and found is not None:
            yield from _files(found[2].split(", "), stored)
        elif line:
            yield label + line, _source(section, found[2] if found else line, stored)
            label = ""


def _files(files: list[str], stored: Stored) -> Iterator[tuple[str, Source]]:
    """The files of each source, in the order of the prompt."""
    by_source: dict[Source, list[str]] = {}
    for file in files:
        by_source.setdefault(_source_of_file(file, stored), []).append(file)
    label = "**Files:** "
    for source, names in by_source.items():
        yield label + ", ".join(names), source
        label = " " * len("Files: ")


def _source_of_file(file: str, stored: Stored) -> Source:
    if file.endswith(NOT_FOUND):
        return "the agent: NOT FOUND"
    if file in stored.written:
        return "OpenCode"
    return "the agent, checked" if file in stored.given.get("files_modified", ()) else ""


def _source(section: str, text: str, stored: Stored) -> Source:
    item = re.sub(r"^- (?:In progress|Pending): |^- ", "", text).strip('"')
    if section == "Todos":
        return "OpenCode" if item in stored.todos or re.match(r"\d+/\d+ done", text) else ""
    if section == "Git":
        return "git" if stored.commit and stored.commit in text else ""
    if item and item in stored.said:
        return "you"
    given = [value for each in stored.given.values() for value in (each if isinstance(each, list) else [each])]
    return "the agent" if any(str(value) in text for value in given) else ""

"""What has changed since a brief was written, for one that is delivered late: said in it, and marked where it stood.

Owns the words. Does not know how it is found out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from handoff_sidecar.text.counts import count
from handoff_sidecar.text.plain_text import one_line

MAX_NAMED = 5
COMMIT_MAX_CHARACTERS = 80

_LINK = "\n\n---\nPrevious: `"
_FILES = re.compile(r"(?m)^\*\*Files:\*\* (?P<listed>.+)$")
_TODOS = re.compile(r"(?m)^- (?:In progress|Pending): (?P<listed>.+)$")
_MARK = re.compile(r" \((?:deleted|not found|\+\d+ more)\)$")


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different now.

    Attributes:
        age: how long ago the brief was written, such as `3 days`.
        commits: one line each, newest first.
        gone: files that the brief names and that are not there any more.
        done: todos that were open and have been done elsewhere.
    """

    age: str
    commits: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    done: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.commits or self.gone or self.done)


def files_in(prompt: str) -> tuple[str, ...]:
    """The files that a brief names as they were, but for those that were gone already."""
    found = _FILES.search(prompt)
    listed = re.split(r", |; read: ", found["listed"].removeprefix("read: ")) if found else []
    return tuple(path for path in listed if not _MARK.search(path) and not path.startswith("(+"))


def todos_in(prompt: str, contents: Iterable[str]) -> tuple[str, ...]:
    """Those of the contents that a brief lists as open."""
    listed = [found["listed"] for found in _TODOS.finditer(prompt)]
    return tuple(content for content in contents if content and any(content in line for line in listed))


def with_changes(prompt: str, changes: Changes) -> str:
    """The brief with a section on what has changed, and with a mark at what no longer holds."""
    if not changes:
        return prompt
    for line in (*_FILES.finditer(prompt), *_TODOS.finditer(prompt)):
        whole = line[0]
        marked = whole
        for path in changes.gone if line.re is _FILES else ():
            marked = re.sub(rf"(?<=[ ,;]){re.escape(path)}(?=[,;]|$)", f"{path} (gone now)", marked, count=1)
        for todo in changes.done if line.re is _TODOS else ():
            marked = marked.replace(todo, f"{todo} (done since)", 1)
        prompt = prompt.replace(whole, marked, 1)
    parts = [
        _named(
            count(len(changes.commits), "commit"), [one_line(line, COMMIT_MAX_CHARACTERS) for line in changes.commits]
        ),
        _named("Gone", changes.gone),
        _named("Done", changes.done),
        "What is marked above no longer holds" if changes.gone or changes.done else "",
    ]
    section = f"**Changed since this was written, {changes.age} ago:** {'. '.join(filter(None, parts))}."
    head, link, tail = prompt.rpartition(_LINK)
    return f"{head}\n\n{section}{link}{tail}" if link else f"{prompt}\n\n{section}"


def _named(what: str, entries: Iterable[str]) -> str:
    listed = list(entries)
    if not listed:
        return ""
    more = f" (+{len(listed) - MAX_NAMED} more)" if len(listed) > MAX_NAMED else ""
    return f"{what}: {'; '.join(listed[:MAX_NAMED])}{more}"

"""Which files a session wrote, removed and read, by OpenCode's records of it.

Owns how a path is written in a brief. Knows nothing of the disk: whether a file is there is asked elsewhere.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from handoff_sidecar.opencode.messages import Message, Part

EDITING_TOOLS = frozenset({"edit", "write", "multiedit", "patch", "apply_patch"})
_PATCHED_FILE = re.compile(r"(?m)^\*\*\* (?P<what>Add File|Update File|Delete File|Move to): (?P<path>.+)$")
"""A file's line in the patch format of OpenCode's `apply_patch` tool (seen in 1.18.33)."""

_HIDDEN_AND_THEIRS = {
    *(".github", ".gitlab", ".circleci", ".husky", ".vscode", ".idea", ".storybook"),
    *(".devcontainer", ".config", ".cargo"),
}
"""Hidden folders that belong to a project; of others, other plugins and tools keep their own files in them."""

_LINE_NUMBER = re.compile(r":\d+(?:[-:]\d+)?$")
"""Models name a place in a file as `src/a.ts:42`."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Paths relative to the project where they are inside it, newest first.

    Attributes:
        edited: written or removed, first by tools and then by commands alone: those may have made hundreds.
        read: looked at and never written.
        deleted: those of `edited` that the session's last word on is that they are gone.
    """

    edited: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    deleted: frozenset[str] = frozenset()


def file_record(messages: list[Message], root: str) -> FileRecord:
    """The record of these messages, which come oldest first."""
    gone: dict[str, bool] = {}
    by_tools: set[str] = set()
    turn: dict[str, bool] = {}
    read: dict[str, None] = {}
    for message in reversed(messages):
        for part in reversed(message.parts):
            if looked_at := _read_by(part):
                read.setdefault(relative_to_root(looked_at, root))
            for named, removed in _written_by(part):
                path = relative_to_root(named, root)
                by_tools.add(path)
                turn.setdefault(path, removed)
        if message.info.role == "user":
            # A turn's diffs are its outcome: what its tools wrote, a command may have removed again.
            changed = {relative_to_root(diff.file, root): diff.status == "deleted" for diff in message.diffs}
            turn |= {path: removed for path, removed in changed.items() if path in turn or not _is_generated(path)}
            gone = turn if not gone else gone | {path: turn[path] for path in turn if path not in gone}
            turn = {}
    gone |= {path: removed for path, removed in turn.items() if path not in gone}
    return FileRecord(
        edited=tuple(sorted(gone, key=lambda path: path not in by_tools)),
        read=tuple(path for path in read if path not in gone),
        deleted=frozenset(path for path, removed in gone.items() if removed),
    )


def _is_generated(path: str) -> bool:
    """Whether a file that no tool of the agent's wrote is a plugin's own: in a hidden folder such as `.sisyphus/`."""
    first, _, rest = path.partition("/")
    return bool(rest) and first.startswith(".") and first not in {"..", *_HIDDEN_AND_THEIRS}


def relative_to_root(path: str, root: str) -> str:
    """The path as the person would write it inside the project; one outside stays as it is."""
    pure = PurePath(posixpath.normpath(path.strip()))
    try:
        return pure.relative_to(root).as_posix() if root else pure.as_posix()
    except ValueError:
        return pure.as_posix()


def readings_of(named: str, *, root: str, directory: str) -> tuple[str, ...]:
    """What a file that a model names may mean, likeliest first, each relative to the project's root.

    A session may have been started in a folder below it, and models name files from either.
    """
    path = _LINE_NUMBER.sub("", named.strip().strip("`'\""))
    if not path:
        return ()
    from_root = relative_to_root(path, root)
    from_directory = relative_to_root(str(PurePath(directory) / path), root)
    return tuple(dict.fromkeys((from_root, from_directory)))


def file_named(named: str, root: str) -> str:
    """The likeliest of the readings: its end is the same whatever folder a file is named from."""
    return next(iter(readings_of(named, root=root, directory=root)), named)


def _read_by(part: Part) -> str | None:
    if part.type != "tool" or part.tool != "read" or part.state is None or part.state.status != "completed":
        return None
    display = part.state.metadata.get("display")
    if isinstance(display, dict) and display.get("type") == "directory":
        return None
    named = part.state.input.get("filePath")
    return named if isinstance(named, str) else None


def _written_by(part: Part) -> Iterator[tuple[str, bool]]:
    """Each path that a tool wrote, the last one first, and whether it removed it."""
    if part.type != "tool" or part.tool not in EDITING_TOOLS:
        return
    if part.state is None or part.state.status != "completed":
        return
    named = part.state.input.get("filePath")
    if isinstance(named, str) and named:
        yield named, False
        return
    patch = part.state.input.get("patchText")
    moved = False
    for found in reversed(list(_PATCHED_FILE.finditer(patch))) if isinstance(patch, str) else ():
        yield found["path"], found["what"] == "Delete File" or (moved and found["what"] == "Update File")
        moved = found["what"] == "Move to"

"""A brief on disk: a Markdown file with front matter, for its owner's eyes alone (mode 0600).

Owns the file's form. Does not know which folder it is in, nor what a brief says.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from handoff_sidecar.errors import JournalUnavailable
from handoff_sidecar.folders import write_private

FRONT_MATTER_MAX_BYTES = 65_536
"""Far above what the fields below hold (2,000 bytes are many); who looks for a session reads no more of each file."""

_FENCE = "---\n"
_LEFT_OUT_IF_EMPTY = ("worktree", "enclosed")


@dataclass(frozen=True, slots=True)
class Entry:
    """The front matter of a brief.

    Attributes:
        from_session: the session that was handed off.
        from_title: its title; empty in briefs of the first version.
        chain: the sessions before it, oldest first.
        to_session: the session that was made; None until it has its prompt.
        created: ISO 8601, UTC.
        tokens: the prompt's length.
        worktree: the top folder of the project; empty in older briefs.
        enclosed: what the new session gets beside the prompt; empty in older briefs.
    """

    from_session: str
    title: str
    directory: str
    agent: str | None
    model: str | None
    created: str
    tokens: int
    to_session: str | None = None
    from_title: str = ""
    chain: tuple[str, ...] = ()
    worktree: str = ""
    enclosed: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The folder that stands for the project."""
        return self.worktree or self.directory


@dataclass(frozen=True, slots=True)
class SavedBrief:
    """A brief on disk."""

    path: Path
    entry: Entry
    prompt: str


_FIELDS = frozenset(each.name for each in fields(Entry))
_TEXTS = _FIELDS - {"chain", "tokens", "enclosed"}
_OPTIONAL = frozenset({"agent", "model", "to_session"})


def write_brief(path: Path, entry: Entry, prompt: str) -> None:
    """Whole or not at all.

    Raises:
        OSError: it can't be written; what was there is as it was.
    """
    write_private(path, document(entry, prompt))


def read(path: Path) -> SavedBrief:
    """A brief.

    Raises:
        JournalUnavailable: the file is gone or is no brief.
    """
    return SavedBrief(path, *read_brief(path))


def read_brief(path: Path) -> tuple[Entry, str]:
    """A brief's front matter and its prompt.

    Raises:
        JournalUnavailable: the file is gone or is no brief.
    """
    try:
        return _parse(path, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise JournalUnavailable(f"{path} could not be read: {error}") from error


def document(entry: Entry, prompt: str) -> str:
    """A brief as Markdown with front matter: YAML whose values are JSON, which is YAML too."""
    told = {key: value for key, value in asdict(entry).items() if value or key not in _LEFT_OUT_IF_EMPTY}
    lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in told.items())
    return f"{_FENCE}{lines}{_FENCE}\n{prompt}\n"


def read_entry(path: Path) -> Entry:
    """A brief's front matter alone.

    Raises:
        JournalUnavailable: the file is gone or is no brief.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return _parse(path, file.read(FRONT_MATTER_MAX_BYTES))[0]
    except OSError as error:
        raise JournalUnavailable(f"{path} could not be read: {error}") from error


def _parse(path: Path, text: str) -> tuple[Entry, str]:
    head, fence, prompt = text.removeprefix(_FENCE).partition(f"\n{_FENCE}")
    try:
        lines = (line.partition(": ") for line in head.splitlines() if fence)
        # A field that is not known here is a newer version's.
        known = {key: json.loads(value) for key, _, value in lines if key in _FIELDS}
        entry = Entry(**{**known, "chain": tuple(map(str, known.get("chain", ())))})
    except (ValueError, TypeError, RecursionError) as error:
        raise JournalUnavailable(f"{path} is no brief of a handoff: {error}") from error
    texts = all(isinstance(getattr(entry, name), str | None if name in _OPTIONAL else str) for name in _TEXTS)
    if not texts or not isinstance(entry.enclosed, dict):
        raise JournalUnavailable(f"{path} is no brief of a handoff: a field is of another kind")
    return entry, prompt.strip("\n")

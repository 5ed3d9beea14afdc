"""The briefs on disk: one Markdown file a handoff, written before anything is made in OpenCode.

Owns the folder, the file's form and its permissions (folder 0700, files 0600, as they hold what people work on).
Does not know what a brief says.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NewType

from handoff_sidecar.errors import JournalUnavailable

log = logging.getLogger(__name__)

BriefID = NewType("BriefID", str)

KEPT_BRIEFS = 200
"""About a month of heavy use, and under 1 MB."""

FRONT_MATTER_MAX_BYTES = 16_384
"""Far above what the fields below can hold; the search for a session reads no more of each file."""

_FENCE = "---\n"


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


_FIELDS = frozenset(field.name for field in fields(Entry))


class Journal:
    """The folder of briefs; made at the first write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, entry: Entry, prompt: str) -> Path:
        """The file that now holds this brief.

        Raises:
            JournalUnavailable: the folder can't be made or written to.
        """
        stamp = datetime.fromisoformat(entry.created).astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
        path = self.folder / f"{stamp}-{entry.from_session}.md"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._replace(path, entry, prompt)
        except OSError as error:
            raise JournalUnavailable(f"the brief could not be saved in {self.folder}: {error.strerror}") from error
        self._prune()
        return path

    def finish(self, path: Path, to_session: str) -> None:
        """Record in a brief which session came of it; a failure costs only this and is logged."""
        try:
            entry, prompt = read_brief(path)
            self._replace(path, replace(entry, to_session=to_session), prompt)
        except (OSError, JournalUnavailable) as error:
            log.warning("could not record the new session in %s: %s", path, error)

    def came_from(self, session_id: str) -> str | None:
        """The session whose handoff made this one, or None if no brief says so."""
        return next((entry.from_session for _, entry in self.entries() if entry.to_session == session_id), None)

    def brief_about(self, session_id: str | None) -> Path | None:
        """The newest brief: of all, or of a session's handoff, else the one that the session began with."""
        found = list(self.entries())
        if session_id is None:
            return found[0][0] if found else None
        of_it = (path for path, entry in found if entry.from_session == session_id)
        begun_with = (path for path, entry in found if entry.to_session == session_id)
        return next(of_it, None) or next(begun_with, None)

    def entries(self) -> Iterator[tuple[Path, Entry]]:
        """Every brief's file and front matter, newest first."""
        for path in self._paths():
            try:
                with path.open(encoding="utf-8", errors="replace") as file:
                    entry, _ = _parse(path, file.read(FRONT_MATTER_MAX_BYTES))
            except (OSError, JournalUnavailable) as error:
                log.warning("skipped a brief: %s", error)
            else:
                yield path, entry

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*-ses_*.md"), reverse=True)

    def _prune(self) -> None:
        for path in self._paths()[KEPT_BRIEFS:]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("could not remove the old brief %s: %s", path, error)

    def _replace(self, path: Path, entry: Entry, prompt: str) -> None:
        """Whole or not at all: written beside its place (mode 0600) and moved there."""
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(document(entry, prompt))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


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
    lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in asdict(entry).items())
    return f"{_FENCE}{lines}{_FENCE}\n{prompt}\n"


def _parse(path: Path, text: str) -> tuple[Entry, str]:
    head, fence, prompt = text.removeprefix(_FENCE).partition(f"\n{_FENCE}")
    try:
        lines = (line.partition(": ") for line in head.splitlines() if fence)
        # A field that is not known here is a newer version's.
        known = {key: json.loads(value) for key, _, value in lines if key in _FIELDS}
        entry = Entry(**{**known, "chain": tuple(known.get("chain", ()))})
    except (ValueError, TypeError) as error:
        raise JournalUnavailable(f"{path} is no brief of a handoff: {error}") from error
    return entry, prompt.strip("\n")

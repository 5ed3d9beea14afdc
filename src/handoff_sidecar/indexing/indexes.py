"""The indexes of the projects that this process has to do with, each opened when it is first needed.

Owns which sessions share an index: those of one project, and of one folder where there is no repository.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from handoff_sidecar.indexing.sync import SessionSync
from handoff_sidecar.opencode.models import GLOBAL_PROJECT, Session
from handoff_sidecar.search import coverage
from handoff_sidecar.search.index_file import Index, index_path
from handoff_sidecar.text.redaction import redact

FOLDER = "index"
"""In the cache folder, which backups leave out."""

DIRECTORY_FACT = "directory"


@dataclass(frozen=True, eq=False)
class ProjectIndex:
    """A project's index, and what brings sessions up to date in it.

    Attributes:
        is_kept: whether it is meant to stay; not where the person has switched the index off.
    """

    index: Index
    sync: SessionSync
    is_kept: bool


class Indexes:
    """All of them; for all threads of this process."""

    def __init__(self, cache_folder: Path) -> None:
        self._folder = cache_folder / FOLDER
        self._lock = Lock()
        self._open: dict[tuple[str, bool], ProjectIndex] = {}

    def of(self, session: Session, *, is_kept: bool) -> ProjectIndex:
        """The index of a session's project; may take a moment, as it is made if it is missing."""
        project = project_of(session)
        with self._lock:
            found = self._open.get((project, is_kept))
            if found is None:
                path = index_path(self._folder, project)
                _remove_other_versions(path)
                index = Index(path if is_kept else None)
                index.write(lambda db: coverage.note_fact(db, DIRECTORY_FACT, session.directory))
                found = ProjectIndex(index, SessionSync(index, redact, now_ms), is_kept)
                self._open[project, is_kept] = found
            return found

    @property
    def are_there(self) -> bool:
        """Whether there is any."""
        return any(self._folder.glob("*.db"))

    def if_there(self, session: Session) -> ProjectIndex | None:
        """The index of a session's project, if there is one."""
        project = project_of(session)
        is_there = (project, True) in self._open or index_path(self._folder, project).exists()
        return self.of(session, is_kept=True) if is_there else None

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            for project in self._open.values():
                project.index.close()
            self._open.clear()


def project_of(session: Session) -> str:
    """What all sessions of a project have in common, and no others."""
    if session.project_id == GLOBAL_PROJECT:
        return f"{GLOBAL_PROJECT} {session.directory}"
    return session.project_id


def _remove_other_versions(path: Path) -> None:
    """An update leaves the file of the version before it, which nobody would ever look into again."""
    for other in path.parent.glob(f"{path.name.partition('.')[0]}.*"):
        if not other.name.startswith(path.name):
            with suppress(OSError):  # on Windows, while a sidecar of that version has it open
                other.unlink()


def now_ms() -> int:
    """The time as OpenCode gives it, in milliseconds."""
    return int(time.time() * 1_000)

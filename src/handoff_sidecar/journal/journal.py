"""The folder of briefs: one file a handoff, written before anything is made in OpenCode (the folder has mode 0700).

Knows which briefs exist, and which handoffs are running or were interrupted. `brief_file` knows the format.
"""

from __future__ import annotations

import glob
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.errors import JournalUnavailable
from handoff_sidecar.folders import make_private
from handoff_sidecar.journal.brief_file import FRONT_MATTER_MAX_CHARACTERS, SavedBrief, read_brief, write_brief
from handoff_sidecar.journal.marks import Mark

log = logging.getLogger(__name__)

KEPT_BRIEFS = 200
"""About a month of heavy use; less than 1 MB."""

TORN_AFTER_S = 3_600.0
"""Writing a brief takes milliseconds. A temporary file this old was left by a process that died."""


class UnderWay:
    """A brief whose handoff this process is carrying out or cleaning up."""

    def __init__(self, brief: SavedBrief, mark: Mark) -> None:
        self.brief = brief
        self._mark = mark

    @property
    def path(self) -> Path:
        """The brief's file."""
        return self.brief.path

    def finish(self, to_session: str) -> None:
        """Record which session was made. A failure to do so is only logged."""
        try:
            write_brief(self.path, self.brief.handoff.model_copy(update={"to_session": to_session}))
        except OSError as error:
            log.warning("could not record the new session in %s: %s", self.path, error)

    def close(self, *, is_heard: bool) -> None:
        """End it. If nobody can be told how it ended, it is offered when OpenCode next starts."""
        if is_heard:
            self.end()
        else:
            self.leave()

    def end(self) -> None:
        """The user knows how it went: remove the mark."""
        self._mark.remove()

    def leave(self) -> None:
        """Nobody can be told: leave the mark for the next process that looks."""
        self._mark.leave()


class Journal:
    """The folder of briefs, created at the first write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, handoff: Handoff) -> UnderWay:
        """A handoff whose brief is on disk now.

        Raises:
            JournalUnavailable: the folder can't be made or written to.
        """
        stamp = datetime.fromisoformat(handoff.created).astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
        path = self.folder / f"{stamp}-{handoff.from_session}.md"
        try:
            make_private(self.folder)
            mark = Mark.put(_mark_of(path))
            try:
                write_brief(path, handoff)
            except BaseException:
                mark.remove()
                raise
        except OSError as error:
            raise JournalUnavailable(f"the brief could not be saved in {self.folder}: {error.strerror}") from error
        self._prune()
        return UnderWay(SavedBrief(path, handoff), mark)

    def again(self, brief: SavedBrief) -> UnderWay:
        """Try the handoff of an existing brief again.

        Raises:
            JournalUnavailable: another process is at it, or the folder can't be written to.
        """
        try:
            return UnderWay(brief, Mark.put(_mark_of(brief.path)))
        except BlockingIOError as error:
            raise JournalUnavailable(f"another OpenCode is carrying out the handoff {brief.path.name}") from error
        except OSError as error:
            raise JournalUnavailable(f"{self.folder} is not writable: {error.strerror}") from error

    def interrupted(self, root: str, *, from_session: str | None = None) -> Iterator[UnderWay]:
        """The interrupted handoffs of a project or of one session. The caller must end or leave each of them."""
        for path in sorted(self.folder.glob(f".*-{glob.escape(from_session) if from_session else 'ses_*'}.mark")):
            mark = Mark.take(path)
            if mark is None:
                continue
            try:
                file = path.with_name(path.name.removeprefix(".")).with_suffix(".md")
                brief = SavedBrief(file, read_brief(file))
            except JournalUnavailable as error:  # it died before the brief was written, or the brief is pruned
                log.info("nothing to go on with: %s", error)
                mark.remove()
                continue
            if brief.handoff.root == root:
                yield UnderWay(brief, mark)
            else:
                mark.leave()

    def unfinished(self) -> Iterator[SavedBrief]:
        """The briefs whose session was never made, newest first, except sessions that were handed off again later."""
        seen: set[str] = set()
        for path, handoff in self.handoffs():
            if handoff.to_session is None and handoff.from_session not in seen:
                yield SavedBrief(path, read_brief(path))
            seen.add(handoff.from_session)

    def came_from(self, session_id: str) -> str | None:
        """The session that this one was handed off from, or None if no brief says."""
        return next((made.from_session for _, made in self.handoffs() if made.to_session == session_id), None)

    def brief_about(self, name: str | None) -> Path | None:
        """The newest brief of all, of a session (handed off, else made), or the one with this file name."""
        found = list(self.handoffs())
        if name is None:
            return found[0][0] if found else None
        of_it = (path for path, handoff in found if handoff.from_session == name)
        begun_with = (path for path, handoff in found if handoff.to_session == name)
        called_so = (path for path, _ in found if path.stem == name)
        return next(of_it, None) or next(begun_with, None) or next(called_so, None)

    def handoffs(self) -> Iterator[tuple[Path, Handoff]]:
        """All briefs, without their prompts, newest first."""
        for path in self._paths():
            try:
                yield path, read_brief(path, FRONT_MATTER_MAX_CHARACTERS)
            except JournalUnavailable as error:
                log.warning("skipped a brief: %s", error)

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*-ses_*.md"), reverse=True)

    def _prune(self) -> None:
        """Remove old briefs, and temporary files of processes that died while writing."""
        torn = [path for path in self.folder.glob(".*.tmp") if _age_s(path) > TORN_AFTER_S]
        for path in [*self._paths()[KEPT_BRIEFS:], *torn]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("could not remove %s: %s", path, error)


def _mark_of(path: Path) -> Path:
    return path.with_name(f".{path.stem}.mark")


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0  # another process was faster

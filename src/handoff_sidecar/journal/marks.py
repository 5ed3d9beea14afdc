"""Marks of handoffs that are under way: a locked file for each, beside its brief.

The kernel lets go of the lock when the process ends, however it ends. So a mark that is there and not locked is that
of a handoff that died in the middle; one that is locked is of a process that lives; and where none is, the handoff
came to an end that somebody was told of. Knows nothing of what a brief says.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Self

log = logging.getLogger(__name__)

if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Mark:
    """A mark that this process holds."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd

    @classmethod
    def put(cls, path: Path) -> Self:
        """A mark that stands from now on.

        Raises:
            BlockingIOError: another process is at it.
            OSError: it can't be written.
        """
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(fd)
        except OSError as error:
            os.close(fd)
            raise BlockingIOError(error.errno, error.strerror) from error
        return cls(path, fd)

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The mark of a process that is gone; None while it lives, and where another one was first."""
        try:
            fd = os.open(path, os.O_RDWR)
        except OSError as error:
            log.debug("no mark to take: %s", error)
            return None
        try:
            _lock(fd)
            if os.fstat(fd).st_ino == path.stat().st_ino:
                return cls(path, fd)
        except OSError as error:  # held, removed meanwhile, or on a file system that knows no locks: never offered
            log.debug("left %s alone: %s", path, error)
        os.close(fd)
        return None

    def remove(self) -> None:
        """The handoff has come to its end, and whoever asked for it knows."""
        self.leave()
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s could not be removed: %s", self._path, error)

    def leave(self) -> None:
        """Let go of it: whoever looks next finds a handoff that was interrupted."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

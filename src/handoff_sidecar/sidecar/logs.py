"""The log file: its place, its size limit, and who may read it.

What people and models say is never logged, only what was done to which session and what went wrong.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from logging.handlers import WatchedFileHandler
from pathlib import Path

from handoff_sidecar.folders import make_private

LEVEL_VARIABLE = "HANDOFF_SIDECAR_LOG"
"""Environment variable: `debug`, `info` (the default), `warning`, `error`."""

LOG_FILE = "sidecar.log"

STARTED = "OpenCode %s (%s), sidecar %s"
UNMARKED_PROMPTS = "other plugins' prompts count as the person's: OpenCode's client has no place to see them"
"""Lines that the doctor looks for."""
MAX_FILE_BYTES = 1_000_000
OLD_FILES = 2

CLAIM = "rotating"
"""A folder that only one process can make, and that holds the right to rotate."""

STALE_CLAIM_S = 60.0
"""A rotation takes a millisecond. A process that has claimed it for this long was killed."""


class _SharedFileHandler(WatchedFileHandler):
    """One file that the sidecars of all of a person's OpenCodes write to.

    A line goes to its end in one piece, as the file is open for appending. One process rotates; the others see that
    the file in its place is another one, and go on in that. What can't be written is left out: there is nobody to tell.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="replace")

    def _open(self):  # type: ignore[no-untyped-def] # noqa: ANN202  # the type is a private one of logging's
        def opener(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        return open(self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors, opener=opener)

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):  # Windows moves no file that another process has open: it grows then
            self._make_room()
        with contextlib.suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Nothing: a full disk must not turn every line into a traceback."""

    def _make_room(self) -> None:
        path = Path(self.baseFilename)
        if not path.exists() or path.stat().st_size < MAX_FILE_BYTES:
            return
        claim = path.with_name(CLAIM)
        try:
            claim.mkdir(mode=0o700)
        except FileExistsError:
            if time.time() - claim.stat().st_mtime > STALE_CLAIM_S:
                claim.rmdir()
            return
        try:
            if path.stat().st_size >= MAX_FILE_BYTES:  # nobody was faster
                for number in range(OLD_FILES, 0, -1):
                    newer = path.with_name(f"{LOG_FILE}.{number - 1}") if number > 1 else path
                    if newer.exists():
                        newer.replace(path.with_name(f"{LOG_FILE}.{number}"))
        finally:
            claim.rmdir()


def start_logging(folder: Path) -> None:
    """Log to `folder`, or, where it can't be written to, to stderr (which OpenCode's shim keeps a tail of)."""
    handler: logging.Handler
    try:
        make_private(folder)
        handler = _SharedFileHandler(folder / LOG_FILE)
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    level = logging.getLevelNamesMapping().get(os.environ.get(LEVEL_VARIABLE, "info").upper(), logging.INFO)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING if level > logging.DEBUG else logging.DEBUG)

"""The log file: its place, its size limit, and who may read it.

What people and models say is never logged, only what was done to which session and what went wrong.
"""

from __future__ import annotations

import contextlib
import logging
import os
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
"""A few weeks' work. Beyond this, the next sidecar that starts begins a new file and keeps this one as `.1`."""


class _SharedFileHandler(WatchedFileHandler):
    """One file that the sidecars of all of a person's OpenCodes append to, a line in one piece.

    Where another one has begun a new file, this one goes on in that. What can't be written is left out: there is nobody
    to tell.
    """

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Nothing: a full disk must not turn every line into a traceback."""


def start_logging(folder: Path) -> None:
    """Log to `folder`, or, where it can't be written to, to stderr (which OpenCode's shim keeps a tail of)."""
    handler: logging.Handler
    try:
        make_private(folder)
        file = folder / LOG_FILE
        if file.exists() and file.stat().st_size >= MAX_FILE_BYTES:
            file.replace(folder / f"{LOG_FILE}.1")
        file.touch(mode=0o600)
        handler = _SharedFileHandler(file, encoding="utf-8", errors="replace")
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    level = logging.getLevelNamesMapping().get(os.environ.get(LEVEL_VARIABLE, "info").upper(), logging.INFO)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING if level > logging.DEBUG else logging.DEBUG)

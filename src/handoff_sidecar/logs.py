"""The log file: where it is, how large it grows, who may read it.

What people and models say is never logged, only what was done to which session and what went wrong.
"""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

LEVEL_VARIABLE = "HANDOFF_SIDECAR_LOG"
"""Environment variable: `debug`, `info` (the default), `warning`, `error`."""

LOG_FILE = "sidecar.log"
MAX_FILE_BYTES = 1_000_000
OLD_FILES = 2


class _OwnersFileHandler(RotatingFileHandler):
    def _open(self):  # type: ignore[no-untyped-def] # noqa: ANN202  # the type is a private one of logging's
        def opener(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        return open(self.baseFilename, self.mode, encoding="utf-8", errors="replace", opener=opener)


def start_logging(folder: Path) -> None:
    """Log to `folder`, or, where it can't be written to, to stderr (which OpenCode's shim keeps a tail of)."""
    handler: logging.Handler
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = _OwnersFileHandler(folder / LOG_FILE, maxBytes=MAX_FILE_BYTES, backupCount=OLD_FILES)
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    level = logging.getLevelNamesMapping().get(os.environ.get(LEVEL_VARIABLE, "info").upper(), logging.INFO)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING if level > logging.DEBUG else logging.DEBUG)

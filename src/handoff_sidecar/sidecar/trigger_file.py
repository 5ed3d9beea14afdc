"""The person's trigger words as a pattern, left in a file for the shim, which has to know them before a sidecar is up.

It holds for one settings file as that was then, and is no use for any other.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from handoff_sidecar.folders import make_private, write_private

log = logging.getLogger(__name__)

TRIGGER_FILE = "trigger.json"


@dataclass(frozen=True, slots=True)
class SettingsAsTheyWere:
    """A settings file at one moment."""

    path: Path
    size_bytes: int
    time_ms: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """As it is now; None if there is none."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(path, found.st_size, found.st_mtime_ns // 1_000_000)


def leave_pattern(state: Path, settings: SettingsAsTheyWere, source: str, flags: str) -> None:
    """Write the file, its owner's alone (0600); what can't be written is had from the sidecar each time."""
    left = {
        "path": str(settings.path),
        "bytes": settings.size_bytes,
        "time": settings.time_ms,
        "source": source,
        "flags": flags,
    }
    text = json.dumps(left, ensure_ascii=False)
    path = state / TRIGGER_FILE
    try:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        make_private(state)
        write_private(path, text)
    except (OSError, UnicodeDecodeError) as error:
        log.warning("the trigger words could not be left in %s: %s", path, error)

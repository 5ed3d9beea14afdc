"""The person's trigger words as a pattern, left in a file for the shim, which has to know them before a sidecar is up.

It holds for one settings file as that was then, and is no use for any other.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from handoff_sidecar.folders import make_private, write_private

log = logging.getLogger(__name__)

TRIGGER_FILE = "trigger.json"


def as_it_is(settings: Path) -> dict[str, object] | None:
    """What tells a settings file as it is now from any other; None if there is none."""
    try:
        found = settings.stat()
    except OSError:
        return None
    return {"path": str(settings), "bytes": found.st_size, "time": found.st_mtime_ns // 1_000_000}


def leave_pattern(state: Path, settings: Mapping[str, object], source: str, flags: str) -> None:
    """Write the file, its owner's alone (0600); what can't be written is had from the sidecar each time.

    Args:
        settings: as `as_it_is` gives it.
    """
    left = {**settings, "source": source, "flags": flags}
    text = json.dumps(left, ensure_ascii=False)
    path = state / TRIGGER_FILE
    try:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        make_private(state)
        write_private(path, text)
    except (OSError, UnicodeDecodeError) as error:
        log.warning("the trigger words could not be left in %s: %s", path, error)

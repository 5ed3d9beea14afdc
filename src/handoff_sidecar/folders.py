"""Where this program keeps what it writes, and who may read it: the same for the sidecar, the command line, the tests.

platformdirs knows each platform's own places; OpenCode's configuration folder is `settings`' business.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import platformdirs

APP_NAME = "handoff-sidecar"


class Folders(NamedTuple):
    """Where a sidecar keeps what it writes, and finds the person's settings."""

    config: Path
    state: Path
    cache: Path


def state_folder() -> Path:
    """What must not be lost: the briefs."""
    return platformdirs.user_state_path(APP_NAME, appauthor=False)


def log_folder() -> Path:
    """The log files; inside the state folder on Linux."""
    return platformdirs.user_log_path(APP_NAME, appauthor=False)


def cache_folder() -> Path:
    """What can be had again: OpenCode programs that were fetched, and when an update was last looked for."""
    return platformdirs.user_cache_path(APP_NAME, appauthor=False)


def briefs_folder() -> Path:
    """One Markdown file a handoff."""
    return state_folder() / "briefs"


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, each for its owner alone (0700).

    (pathlib gives the mode to the last one only.)

    Raises:
        OSError: it can't be made, or something else is in its place.
    """
    if not folder.parent.exists():
        make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Put a file in its place, whole or not at all, as others may read it at this moment.

    A new file is its owner's alone (0600); one that was there keeps its mode.

    Raises:
        OSError: it can't be written; what was there is as it was.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        if path.exists():
            Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

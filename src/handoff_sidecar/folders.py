"""Where this program keeps what it writes: the same folders for the sidecar, the command line and the tests.

platformdirs knows each platform's own places; OpenCode's configuration folder is `settings`' business.
"""

from __future__ import annotations

from pathlib import Path

import platformdirs

APP_NAME = "handoff-sidecar"


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

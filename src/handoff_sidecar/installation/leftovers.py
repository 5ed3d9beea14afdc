"""What this program has written outside OpenCode's folders, and what a person has written for it: to be taken away.

Every uninstall removes logs and downloads. Briefs and settings are the user's, and only go with `--purge`.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from handoff_sidecar.folders import briefs_folder, cache_folder, log_folder, state_folder
from handoff_sidecar.settings import SETTINGS_FILE


@dataclass(frozen=True, slots=True)
class Removed:
    """What came of it.

    Attributes:
        gone: what was there and isn't any more.
        kept: what is the person's own and still there.
        stuck: what could not be removed, each with the reason.
    """

    gone: tuple[Path, ...]
    kept: tuple[Path, ...]
    stuck: tuple[str, ...]


def remove_leftovers(config: Path, *, purge: bool) -> Removed:
    """Remove logs and caches, and with `purge` the briefs and the person's settings file too."""
    own = [path for path in (briefs_folder(), config / SETTINGS_FILE) if path.exists()]
    gone, stuck = [], []
    for path in [log_folder(), cache_folder(), *(own if purge else [])]:
        if not path.exists():
            continue
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError as error:
            stuck.append(f"{path} ({error.strerror or error})")
        else:
            gone.append(path)
    for folder in (state_folder(), config):
        try:
            folder.rmdir()
        except OSError:
            continue  # not empty, or not there
    return Removed(tuple(gone), () if purge else tuple(own), tuple(stuck))

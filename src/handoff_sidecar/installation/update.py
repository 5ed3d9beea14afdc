"""Bringing this installation up to date: what may be done by itself, what is done, and what is said of it.

`releases` picks the right release, and `origin` knows which installer manages the environment.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from packaging.version import Version

from handoff_sidecar import __version__
from handoff_sidecar.errors import UpdateFailed
from handoff_sidecar.folders import APP_NAME
from handoff_sidecar.installation.origin import Origin
from handoff_sidecar.installation.plugin_file import PLUGIN_FILE
from handoff_sidecar.installation.releases import MIN_HOURS, Installers, newest_release, run_installer

CURRENT = Version(__version__)

INSTALL_TIMEOUT_S = 300.0
"""About 10 MB with all dependencies, over a slow line."""

NOTHING_NEWER = f"{APP_NAME} {CURRENT} is the newest release (releases count once they are {MIN_HOURS} hours old)."


def look(origin: Origin, installers: Installers, now: datetime) -> Version:
    """The newest release, or the current version if there is no newer one; changes nothing.

    Raises:
        UpdateFailed: nobody could be asked.
    """
    if not origin.follows_index:
        raise UpdateFailed(
            f"`handoff-sidecar update` can't update this installation ({origin}). To update: {origin.by_hand}"
        )
    return newest_release(CURRENT, origin, installers, now)


def is_out(newest: Version) -> str:
    """What is said of a newer release."""
    return f"{APP_NAME} {newest} is out; this is {CURRENT}."


def install(newest: Version, origin: Origin, installers: Installers, config: Path) -> str:
    """Install a release, and renew OpenCode's plugin file if there is one; what the person is told.

    Args:
        config: OpenCode's configuration folder.

    Raises:
        UpdateFailed: says what failed and what to do by hand.
    """
    _install(origin, installers, newest)
    if (config / "plugin" / PLUGIN_FILE).exists():
        _run([sys.executable, "-P", "-m", "handoff_sidecar", "install"], origin)  # the new version's own
    return f"{APP_NAME} {newest} is installed and runs when OpenCode next starts."


def in_background(how: str, origin: Origin, installers: Installers, config: Path, now: datetime) -> str:
    """Look for a newer release, and install it if `how` is `install` and the environment is ours alone.

    What the person is told, or nothing: if the index can't be reached, they needn't know.
    """
    try:
        newest = look(origin, installers, now)
        if newest <= CURRENT:
            return ""
        if how == "install" and origin.updates_itself:
            return install(newest, origin, installers, config)
    except UpdateFailed as error:
        return str(error) if error.found else ""
    return f"{is_out(newest)} To update: {origin.by_hand}."


def _install(origin: Origin, installers: Installers, version: Version) -> None:
    pinned = f"{APP_NAME}=={version}"
    with tempfile.TemporaryDirectory(prefix="handoff-sidecar-") as folder:
        if origin.keeper == "pipx":
            # `pipx upgrade` takes the newest there is, but hands on what bounds its installer, which is pip or uv.
            bounds = Path(folder) / "constraints.txt"
            bounds.write_text(pinned + "\n", encoding="utf-8")
            env = {"PIP_CONSTRAINT": str(bounds), "UV_CONSTRAINT": str(bounds)}
            _run(["pipx", "upgrade", "--quiet", APP_NAME], origin, env)
        elif installers.uv and (origin.keeper == "uv tool" or not installers.pip):
            # Not `uv tool upgrade`: it can't be bounded, and would keep the bound on a release's age for good.
            _run([installers.uv, "pip", "install", "--quiet", "--python", sys.executable, pinned], origin)
        else:
            _run([sys.executable, "-P", "-m", "pip", "install", "--quiet", pinned], origin)


def _run(words: list[str], origin: Origin, env: dict[str, str] | None = None) -> None:
    try:
        done = run_installer(words, INSTALL_TIMEOUT_S, env=env)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_installed(words, str(error), origin) from error
    if done.returncode != 0:
        raise _not_installed(words, done.stderr.strip()[-500:], origin)


def _not_installed(words: list[str], why: str, origin: Origin) -> UpdateFailed:
    return UpdateFailed(
        f"{APP_NAME} has a newer release, but `{' '.join(words)}` failed: {why.rstrip('.')}. "
        f"To update: {origin.by_hand}",
        found=True,
    )

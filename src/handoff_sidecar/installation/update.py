"""Bringing this installation up to date: what may be done by itself, what is done, and what is said of it.

`releases` picks the right release, and `origin` knows which installer manages the environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from packaging.version import Version

from handoff_sidecar import __version__
from handoff_sidecar.errors import UpdateFailed
from handoff_sidecar.folders import APP_NAME
from handoff_sidecar.installation.origin import Origin
from handoff_sidecar.installation.plugin_file import PLUGIN_FILE
from handoff_sidecar.installation.releases import MIN_AGE, Installers, newest_release

INSTALL_TIMEOUT_S = 300.0
"""About 10 MB with all dependencies, over a slow line."""

NEWS_MAX_CHARACTERS = 200
"""What a toast can show."""


@dataclass(frozen=True, slots=True)
class Update:
    """What came of looking for a newer version.

    Attributes:
        newest: the release that was found; the current version if there is no newer one.
        installed: whether it was installed.
        news: the first line of its changelog, once it is installed.
    """

    current: Version
    newest: Version
    installed: bool = False
    news: str = ""

    @property
    def is_newer(self) -> bool:
        """Whether there is anything to tell."""
        return self.newest > self.current

    def __str__(self) -> str:
        if self.installed:
            news = f" New: {self.news}" if self.news else ""
            return f"{APP_NAME} {self.newest} is installed and runs from OpenCode's next start.{news}"
        if self.is_newer:
            return f"{APP_NAME} {self.newest} is out; this is {self.current}."
        hours = MIN_AGE.total_seconds() / 3600
        return f"{APP_NAME} {self.current} is the newest release (releases count once they are {hours:g} hours old)."


@dataclass(frozen=True, slots=True)
class Report:
    """What a look in the background came to: a line for the log, and a sentence for the person or nothing."""

    log: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Updater:
    """What is needed to look for a newer release of this installation, and to install it.

    Attributes:
        config: OpenCode's configuration folder, whose plugin file is renewed.
        now: the present time, with its zone.
    """

    origin: Origin
    installers: Installers
    config: Path
    now: datetime

    def look(self) -> Update:
        """What there is; changes nothing.

        Raises:
            UpdateFailed: nobody could be asked.
        """
        if not self.origin.follows_index:
            raise UpdateFailed(
                f"this installation ({self.origin}) is not updated from the package index: {self.origin.by_hand}"
            )
        current = Version(__version__)
        return Update(current, newest_release(current, self.origin, self.installers, self.now))

    def install(self, found: Update) -> Update:
        """Install the release that was found, and renew OpenCode's plugin file if there is one.

        Raises:
            UpdateFailed: says what failed and what to do by hand.
        """
        _install(self.origin, self.installers, found.newest)
        if (self.config / "plugin" / PLUGIN_FILE).exists():
            _run([sys.executable, "-P", "-m", "handoff_sidecar", "install"], self.origin)  # the new version's own
        return replace(found, installed=True, news=_news(found.newest))

    def look_in_background(self, how: str) -> Report:
        """Look for a newer release, and install it if `how` is `install` and the environment is ours alone.

        If the index can't be reached, the user is not told.
        """
        try:
            found = self.look()
            if found.is_newer and how == "install" and self.origin.updates_itself:
                found = self.install(found)
        except UpdateFailed as error:
            return Report(str(error), str(error) if error.found else "")
        if found.is_newer and not found.installed:
            return Report(str(found), f"{found} Update: {self.origin.by_hand}.")
        return Report(str(found), str(found) if found.is_newer else "")


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
        done = subprocess.run(  # noqa: S603 — the person's own installer, and no shell
            words,
            capture_output=True,
            check=False,
            cwd=sys.prefix,
            encoding="utf-8",
            env={**os.environ, **(env or {})},
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=INSTALL_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_installed(words, str(error), origin) from error
    if done.returncode != 0:
        raise _not_installed(words, done.stderr.strip()[-500:], origin)


def _not_installed(words: list[str], why: str, origin: Origin) -> UpdateFailed:
    return UpdateFailed(
        f"{APP_NAME} has a newer release, but `{' '.join(words)}` failed: {why.rstrip('.')}. By hand: {origin.by_hand}",
        found=True,
    )


def _news(version: Version) -> str:
    """The first entry of the new version's section in the changelog that came with it, or an empty string."""
    try:
        changelog = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    except OSError:
        return ""
    section = re.search(rf"(?ms)^## {re.escape(str(version))}\b.*?\n- (.*?)(?=^- |^#|\Z)", changelog)
    text = " ".join(section[1].split()) if section else ""
    return text if len(text) <= NEWS_MAX_CHARACTERS else f"{text[: NEWS_MAX_CHARACTERS - 1]}…"

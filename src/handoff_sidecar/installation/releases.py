"""The newest release that may be installed, asked of the package index by the installer that is configured for it.

uv and pip know which index, which proxy and which password to use, and a release's age; so one of them is asked,
and no index is named here. Knows nothing of how a release is then installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import metadata

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from handoff_sidecar.errors import UpdateFailed
from handoff_sidecar.folders import APP_NAME
from handoff_sidecar.installation.origin import Origin

MIN_HOURS = 72
"""Long enough for a bad or stolen release to be noticed and taken back."""

ASK_TIMEOUT_S = 30.0
"""For the whole question: a proxy that never answers must not keep a process for longer."""

CONNECT_TIMEOUT_S = 10

OLDEST_PIP = Version("26.0")
"""The first that can be told how old a release must be (`--uploaded-prior-to`)."""


@dataclass(frozen=True, slots=True)
class Installers:
    """The programs at hand: uv's path, and whether this environment's pip can be told of a release's age."""

    uv: str | None
    pip: bool


def find_installers() -> Installers:
    """What is there now."""
    try:
        pip = Version(metadata.version("pip")) >= OLDEST_PIP
    except (metadata.PackageNotFoundError, InvalidVersion):
        pip = False
    return Installers(shutil.which("uv"), pip)


def newest_release(current: Version, origin: Origin, installers: Installers, now: datetime) -> Version:
    """The newest release of the current major version that is old enough, or the current version itself.

    Pre-releases count only if the current version is one.

    Raises:
        UpdateFailed: nobody could be asked, or there was no answer.
    """
    # With the current version itself in it, no answer means that something went wrong.
    wanted = SpecifierSet(f">={current},<{current.major + 1}") & origin.wanted
    uploaded_before = (now - timedelta(hours=MIN_HOURS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if installers.uv and (origin.keeper == "uv tool" or not installers.pip):
        found = _ask_uv(installers.uv, f"{APP_NAME}{wanted}", uploaded_before, pre=current.is_prerelease)
    elif installers.pip:
        found = _ask_pip(f"{APP_NAME}{wanted}", uploaded_before, pre=current.is_prerelease)
    else:
        raise UpdateFailed(
            f"uv or pip {OLDEST_PIP} or newer is needed to check for a new version. To update: {origin.by_hand}"
        )
    is_too_new = found.is_prerelease and not current.is_prerelease  # all that pip found were pre-releases
    return current if is_too_new else max(found, current)


def run_installer(
    words: list[str], timeout_s: float, *, stdin: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the person's own installer to its end, in a folder where no project's configuration counts.

    Raises:
        OSError: it can't be started.
        TimeoutExpired: it took longer, and was ended.
    """
    return subprocess.run(  # noqa: S603 — no shell
        words,
        input=stdin,
        capture_output=True,
        check=False,
        cwd=sys.prefix,
        encoding="utf-8",
        env={**os.environ, **(env or {})},
        errors="replace",
        timeout=timeout_s,
    )


def _ask_uv(uv: str, requirement: str, uploaded_before: str, *, pre: bool) -> Version:
    words = [uv, "pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", "--python", sys.executable]
    words += ["--prerelease", "allow" if pre else "disallow", "--exclude-newer", uploaded_before, "-"]
    answer = _ask(words, requirement, stdin=requirement, env={"UV_HTTP_TIMEOUT": str(CONNECT_TIMEOUT_S)})
    return _version(answer.strip().partition("==")[2].partition(";")[0], answer)


def _ask_pip(requirement: str, uploaded_before: str, *, pre: bool) -> Version:
    words = [sys.executable, "-P", "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "--quiet"]
    words += ["--timeout", str(CONNECT_TIMEOUT_S), "--retries", "1", "--report", "-", *(["--pre"] if pre else [])]
    answer = _ask([*words, "--uploaded-prior-to", uploaded_before, requirement], requirement)
    try:
        return _version(json.loads(answer)["install"][0]["metadata"]["version"], answer)
    except (ValueError, LookupError, TypeError) as error:
        raise UpdateFailed(_not_understood("pip", answer)) from error


def _ask(words: list[str], requirement: str, stdin: str = "", env: dict[str, str] | None = None) -> str:
    try:
        done = run_installer(words, ASK_TIMEOUT_S, stdin=stdin, env=env)
    except subprocess.TimeoutExpired as late:
        raise UpdateFailed(f"the package index did not answer within {ASK_TIMEOUT_S:g} s: try again later") from late
    except OSError as error:
        raise UpdateFailed(f"{words[0]} could not be started ({error.strerror})") from error
    if done.returncode != 0:
        raise UpdateFailed(
            f"the package index could not be reached, or has no release for {requirement} that is "
            f"{MIN_HOURS} hours old: {_last_line(done.stderr)}"
        )
    return done.stdout


def _version(text: str, answer: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise UpdateFailed(_not_understood("uv or pip", answer)) from error


def _not_understood(program: str, answer: str) -> str:
    return f"the newest version is not known, because {program} printed {answer[:200]!r}: try again later"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"

"""Brings a package's archive with npm, as the person's own settings say, and shows how far it is.

Knows nothing of what is in the archive.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from handoff_sidecar.errors import OpenCodeNotFound

ABOUT_MB = 60
"""OpenCode's archive for one platform (60.3 MB for 1.18.34 on Linux)."""

NPM_TIMEOUT_S = 600.0
"""For that over a slow line; npm itself gives up earlier when it is offline."""

LOOK_EVERY_S = 0.2
BAR_COLUMNS = 30
CLEAR_LINE = "\r\033[K"


def fetch(wanted: str, folder: Path, *, otherwise: str) -> Path:
    """The archive of `package@version`, in this folder.

    Args:
        otherwise: what else the person can do, for the end of each sentence.

    Raises:
        OpenCodeNotFound: there is no npm, or it could not fetch it.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise OpenCodeNotFound(
            f"{wanted} is not installed, and neither is npm, which would fetch it. Install Node.js, which has "
            f"npm, and try again. Or: {otherwise}"
        )
    cache, said, errors = folder / "cache", folder / "said", folder / "errors"
    words = [npm, "pack", "--json", "--loglevel=error", "--cache", str(cache), wanted]
    with said.open("wb") as out, errors.open("wb") as err:
        # In a folder of its own, so that npm reads the person's settings and not those of some project.
        process = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err)  # noqa: S603 — npm from the person's PATH, and no shell
        try:
            code = _wait(process, lambda: _size(cache))
        except subprocess.TimeoutExpired as late:
            raise OpenCodeNotFound(
                f"npm did not fetch {wanted} within {NPM_TIMEOUT_S:g} s. Try a faster connection. Or: {otherwise}"
            ) from late
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if code == 0:
        return next(folder.glob("*.tgz"))
    kind, summary = _npm_error(_text(said), _text(errors))
    if kind in {"E404", "ETARGET"}:
        raise OpenCodeNotFound(f"npm doesn't have {wanted}: {summary}. {otherwise[0].upper()}{otherwise[1:]}")
    raise OpenCodeNotFound(
        f"npm could not fetch {wanted} ({kind}): {summary}. Check that this machine is online and that `npm ping` "
        f"works, and try again. Or: {otherwise}"
    )


def bar(done_bytes: int) -> str:
    """How much is there: `[######               ] 12 of about 60 MB`."""
    done_mb = min(done_bytes // 1_000_000, ABOUT_MB)
    filled = BAR_COLUMNS * done_mb // ABOUT_MB
    return f"[{'#' * filled}{' ' * (BAR_COLUMNS - filled)}] {done_mb} of about {ABOUT_MB} MB"


def _wait(process: subprocess.Popen[bytes], size: Callable[[], int]) -> int:
    """The exit code; meanwhile a terminal shows the bar."""
    if not sys.stderr.isatty():
        return process.wait(NPM_TIMEOUT_S)
    deadline = time.monotonic() + NPM_TIMEOUT_S
    try:
        while True:
            print(f"{CLEAR_LINE}{bar(size())}", end="", file=sys.stderr, flush=True)
            try:
                return process.wait(LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    raise
    finally:
        print(CLEAR_LINE, end="", file=sys.stderr, flush=True)


def _size(folder: Path) -> int:
    """How many bytes the files below a folder have; npm moves them about meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _npm_error(stdout: str, stderr: str) -> tuple[str, str]:
    # npm 7 and later print {"error": {"code", "summary", "detail"}} with --json.
    with suppress(ValueError, KeyError, TypeError):
        error = json.loads(stdout)["error"]
        return str(error["code"]), str(error["summary"]).strip().rstrip(".")
    return "unknown error", stderr.strip()[-500:] or "it said nothing"

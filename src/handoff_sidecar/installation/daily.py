"""The daily look for an update: at most one a day for all of a person's OpenCodes, in a process of its own.

The sidecar only starts that process and hands on its one sentence: nothing waits for it, an OpenCode that leaves
meanwhile does not break off what is being installed, and what fails is a line in the log.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from handoff_sidecar.folders import make_private

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.5
PATIENCE_S = 600.0
"""More than the longest that asking and installing may take together; then the process is on its own."""

MARK = "looked-for-updates-"


async def look_once_a_day(
    cache: Path, how: Literal["install", "notify"], today: datetime, command: list[str] | None = None
) -> str | None:
    """What to tell the user, or None: no newer version, offline, or already checked today.

    Args:
        cache: the folder for the day's mark.
        how: whether a newer version may be installed, where that can be done.
        today: the present time.
        command: for tests, what looks in place of `handoff-sidecar update`.
    """
    if not claim(cache, today):
        return None
    words = command or [sys.executable, "-P", "-m", "handoff_sidecar", "update", "--in-background", how]
    with tempfile.TemporaryFile() as said:
        process = await asyncio.to_thread(_start, words, said)
        if process is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE_S):
                while process.poll() is None:  # noqa: ASYNC110 — a thread that waits would hold up our exit
                    await asyncio.sleep(POLL_INTERVAL_S)
        except TimeoutError:
            log.warning("the check for an update took longer than %g s", PATIENCE_S)
            return None
        said.seek(0)
        message = said.read().decode(errors="replace").strip()
        log.info("looked for an update: %s", message or "nothing to tell")
        return message or None


def claim(cache: Path, today: datetime) -> bool:
    """Whether this process is the one to check today (only one can create the marker file)."""
    mark = cache / f"{MARK}{today:%Y-%m-%d}"
    try:
        make_private(cache)
        mark.touch(mode=0o600, exist_ok=False)
        for old in cache.glob(f"{MARK}*"):
            if old != mark:
                old.unlink(missing_ok=True)
    except FileExistsError:
        return False
    except OSError as error:
        log.info("could not check for an update: %s", error)
        return False
    return True


def _start(words: list[str], said: IO[bytes]) -> subprocess.Popen[bytes] | None:
    # In its own process group: ending OpenCode must not kill an installer half way.
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    try:
        return subprocess.Popen(  # noqa: S603 — this very program, and no shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=hidden,
        )
    except OSError as error:
        log.warning("could not check for an update: %s", error)
        return None

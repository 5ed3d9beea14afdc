"""The worktree as it is now: which files are there, and what git says.

Owns the look at the disk and the run of git, both bounded in time: a handoff does without, rather than wait.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from handoff_sidecar.handoff.git import STATUS_COMMAND, GitState, parse_status

log = logging.getLogger(__name__)

LOOK_TIMEOUT_S = 1.0
"""Both take 10 ms here; a network disk or a repository of a million files must not hold a person up."""

_GIT = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks")
"""A status must neither start a program that the repository names nor take the lock of an agent at work."""


async def files_present(paths: Iterable[str], root: str) -> frozenset[str] | None:
    """Those of the paths (relative to `root`, or absolute) that are files; None if that could not be found out."""

    def look() -> frozenset[str] | None:
        if not os.path.isdir(root):  # noqa: PTH112  # os.path answers for impossible names too, pathlib raises
            return None
        return frozenset(path for path in paths if os.path.isfile(Path(root) / path))  # noqa: PTH113  # as above

    try:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            return await asyncio.to_thread(look)
    except (TimeoutError, OSError) as error:
        log.info("files of %s could not be looked for: %r", root, error)
        return None


async def git_state(root: str) -> GitState | None:
    """What git says of the worktree; None without a repository, or without git."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        process = await asyncio.create_subprocess_exec(
            *_GIT,
            *STATUS_COMMAND,
            cwd=root,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        log.info("git could not be run in %s: %s", root, error)
        return None
    try:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            printed, _ = await process.communicate()
    except TimeoutError:
        log.info("git took too long in %s", root)
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return parse_status(printed.decode(errors="replace")) if process.returncode == 0 else None

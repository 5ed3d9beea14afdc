"""`handoff-sidecar index`: what the search indexes hold, and making one anew.

Owns the lines that are printed; what an index is, is `search.index_file`'s, how it is filled `indexing.upkeep`'s.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.indexing.indexes import DIRECTORY_FACT, FOLDER, Indexes
from handoff_sidecar.indexing.pace import HELD_UP_MAX_MS
from handoff_sidecar.indexing.upkeep import MOST_SESSIONS, Upkeep
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.server import ServerAddress
from handoff_sidecar.opencode.server_connection import reached
from handoff_sidecar.search import coverage
from handoff_sidecar.search.index_file import VERSION, Index, why_no_index
from handoff_sidecar.text.counts import count

BAR_COLUMNS = 30
BYTES_A_MB = 1_000_000


def state_of(cache: Path) -> Iterator[str]:
    """A line for each index, the largest first."""
    if reason := why_no_index():
        yield f"This Python can't keep an index: {reason}. Searches read the sessions themselves instead."
    files = sorted((cache / FOLDER).glob(f"*.v{VERSION}.db"), key=lambda file: file.stat().st_size, reverse=True)
    if not files:
        yield f"There is no index in {cache / FOLDER} yet. The first handoff makes one, and so does the first search."
    for file in files:
        with closing(Index(file)) as index:
            yield (
                _line(index, file)
                if not index.problem
                else f"An index can't be used ({index.problem}); a temporary one serves."
            )


async def rebuild(server: ServerAddress, directory: str, cache: Path) -> str:
    """Make the index of the project in `directory` anew, with a bar on stderr; what it holds then.

    Raises:
        HandoffSidecarError: there is no such server, or the sessions could not be read.
    """
    if reason := why_no_index():
        raise HandoffSidecarError(f"this Python can't keep an index: {reason}")
    upkeep = Upkeep(Indexes(cache))
    async with reached(server) as http:
        client = OpenCodeClient(http, directory)
        listed = await client.sessions(limit=MOST_SESSIONS)
        if not listed:
            return f"There are no sessions in {directory}."
        listed = [session for session in listed if session.same_project_as(listed[0])]
        project = await upkeep.project(listed[0], is_kept=True)
        if project.index.path is None:
            raise HandoffSidecarError(f"the index can't be written: {project.index.problem}")
        done = 0
        async for _ in upkeep.rebuild(listed, client, project):
            done += 1
            _draw(done, len(listed))
        line = _line(project.index, project.index.path)
    await upkeep.aclose()
    return line


def _line(index: Index, file: Path) -> str:
    totals = index.read(coverage.totals)
    directory = index.read(lambda db: coverage.fact(db, DIRECTORY_FACT))
    rest = f"; {totals.partial} of the sessions only in part so far" if totals.partial else ""
    rest += (
        f"; {count(totals.left_out, 'older session')} left out, because the index is full" if totals.left_out else ""
    )
    slow = index.read(coverage.slow_messages)
    held_up = f"held OpenCode up for more than {HELD_UP_MAX_MS:.0f} ms"
    rest += f"; reading {count(slow, 'large message')} {held_up}" if slow else ""
    return (
        f"{directory}: {count(totals.sessions, 'session')}, {count(totals.messages, 'message')}, "
        f"{totals.bytes / BYTES_A_MB:,.1f} MB of text{rest} ({file}, {index.size_bytes / BYTES_A_MB:,.1f} MB)"
    )


def _draw(done: int, total: int) -> None:
    """A bar where a person looks on; a program gets the result alone."""
    if sys.stderr.isatty():
        filled = BAR_COLUMNS * done // total
        end = "\n" if done == total else ""
        print(
            f"\r[{'#' * filled}{'.' * (BAR_COLUMNS - filled)}] {done} of {total}", end=end, file=sys.stderr, flush=True
        )

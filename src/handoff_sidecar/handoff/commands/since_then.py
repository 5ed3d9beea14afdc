"""A brief that is delivered late, checked again: what has changed since it was written."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.since import Changes, files_in, todos_in
from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.handoff.gathering.worktree import commits_since, files_present
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.text.counts import count

log = logging.getLogger(__name__)

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


async def changes_since(handoff: Handoff, client: OpenCodeClient, now: datetime) -> Changes:
    """What is different now; what can't be found out counts as unchanged."""
    written_at = _time_of(handoff.created)
    if written_at is None:
        return Changes("")
    named = files_in(handoff.prompt)
    commits, present, done = await asyncio.gather(
        commits_since(handoff.root, handoff.created), files_present(named, handoff.root), _done(handoff, client)
    )
    gone = tuple(path for path in named if present is not None and path not in present)
    return Changes(_age((now - written_at).total_seconds()), commits, gone, todos_in(handoff.prompt, done))


async def _done(handoff: Handoff, client: OpenCodeClient) -> list[str]:
    """Todos that are done by now, in the old session or in one that the same brief made before."""
    done: list[str] = []
    for session_id in filter(None, (handoff.from_session, handoff.to_session)):
        try:
            done += [todo.content for todo in await client.todos(SessionID(session_id)) if todo.status == "completed"]
        except OpenCodeError as error:
            log.info("the todos of %s could not be looked at: %s", session_id, error)
    return done


def _time_of(created: str) -> datetime | None:
    try:
        return datetime.fromisoformat(created)
    except ValueError:
        return None


def _age(seconds: float) -> str:
    for unit_s, name in ((DAY_S, "day"), (HOUR_S, "hour")):
        if seconds >= unit_s:
            return count(int(seconds // unit_s), name)
    return count(int(seconds // MINUTE_S), "minute") if seconds >= MINUTE_S else "a moment"

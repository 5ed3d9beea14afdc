"""How much of a project the index holds, and which of its sessions have to be read again. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.search.coverage import Coverage


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of a project can be searched now.

    Attributes:
        listed: all of its sessions, the newest first.
        partial: those of which only the newest messages are in the index.
        missing: those of which nothing is, yet.
        left_out: those that it has no room for.
        failed: those that OpenCode could not read.
    """

    listed: list[Session]
    partial: frozenset[SessionID]
    missing: frozenset[SessionID]
    left_out: frozenset[SessionID]
    failed: frozenset[SessionID]


def is_stale(session: Session, there: Coverage | None) -> bool:
    """Whether the index may not hold all that a session has."""
    if there is None or there.updated_ms < updated_ms(session):
        return True
    return not there.is_left_out and not (there.is_settled and there.is_whole)


def reach_of(listed: list[Session], known: Mapping[str, Coverage], failed: Collection[SessionID]) -> Reach:
    """What the index holds of these sessions."""
    there = {session.id: known[session.id] for session in listed if session.id in known}
    return Reach(
        listed,
        partial=frozenset(each for each in there if there[each].before_id),
        missing=frozenset(session.id for session in listed if session.id not in there),
        left_out=frozenset(each for each in there if there[each].is_left_out),
        failed=frozenset(failed),
    )


def updated_ms(session: Session) -> int:
    """When something last happened in a session, as far as OpenCode's list tells."""
    return int(session.time.updated or session.time.created)

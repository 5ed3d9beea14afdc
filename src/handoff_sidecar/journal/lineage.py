"""The sessions that came from each other by handoffs, according to the briefs.

A session that was handed off twice has two successors, so this is a tree. Knows nothing of OpenCode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from handoff_sidecar.brief.handoff import Handoff


@dataclass(frozen=True, slots=True)
class LineSession:
    """A session in the line.

    Attributes:
        depth: how many handoffs lie between it and the oldest one that is known.
        made_by: the brief that it began with; None for the oldest, or where that brief is gone.
        title: empty where no brief tells it.
    """

    session_id: str
    depth: int
    title: str
    made_by: Handoff | None


def line_of(session_id: str, handoffs: Iterable[Handoff]) -> list[LineSession]:
    """The sessions before this one, oldest first, itself, and those after it; empty if no brief speaks of it.

    Args:
        handoffs: of the journal, in any order.
    """
    finished = sorted((each for each in handoffs if each.to_session), key=lambda each: each.created)
    made_by = {str(each.to_session): each for each in finished}
    titles: dict[str, str] = {each.from_session: each.from_title for each in finished}
    titles |= {str(each.to_session): each.title for each in finished}
    if session_id not in titles:
        return []

    def member(name: str, depth: int) -> LineSession:
        return LineSession(name, depth, titles.get(name, ""), made_by.get(name))

    def successors(name: str, depth: int, seen: frozenset[str]) -> Iterator[LineSession]:
        for each in finished:
            successor = str(each.to_session)
            if each.from_session == name and successor not in seen:
                yield member(successor, depth)
                yield from successors(successor, depth + 1, seen | {successor})

    ancestors = _ancestors(session_id, made_by, finished)
    depth = len(ancestors)
    before = [member(name, place) for place, name in enumerate(ancestors)]
    return [*before, member(session_id, depth), *successors(session_id, depth + 1, frozenset({session_id, *ancestors}))]


def _ancestors(session_id: str, made_by: dict[str, Handoff], handoffs: list[Handoff]) -> list[str]:
    """Oldest first: from the briefs, and before the oldest brief from the chain recorded in it."""
    found: list[str] = []
    here = session_id
    while here in made_by and made_by[here].from_session not in found:
        here = made_by[here].from_session
        found.append(here)
    told = next((each.chain for each in handoffs if each.from_session == here and each.chain), ())
    return [*(name for name in told if name not in found and name != session_id), *reversed(found)]

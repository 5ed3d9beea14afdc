"""Briefs as a person reads them: all in a list, or one with where it came from.

Knows nothing of OpenCode, nor where briefs are kept. Times are in the person's own time zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.text.counts import count
from handoff_sidecar.text.plain_text import one_line

LISTED_BRIEFS = 20
"""Fewer than a terminal has lines (24), so that the newest one is still seen."""

TITLE_MAX_CHARACTERS = 40
"""With a date and two ids about 130 characters, which a wide terminal shows in one line."""


def write_list(handoffs: Sequence[Handoff], *, whole: bool) -> str:
    """When a session was handed off, which, its title, and the session that came of it; the newest ones or all."""
    listed = handoffs if whole else handoffs[:LISTED_BRIEFS]
    lines = [_line(handoff) for handoff in listed]
    left_out = len(handoffs) - len(listed)
    if left_out:
        lines.append(f"({count(left_out, 'older one')}: handoff-sidecar briefs --all)")
    return "\n".join(lines)


def write_brief(handoff: Handoff) -> str:
    """The prompt as the new session gets it, and below it which handoff it is of."""
    made = f"→ {handoff.to_session}" if handoff.to_session else "→ no session yet"
    title = one_line(handoff.from_title or handoff.title, TITLE_MAX_CHARACTERS)
    model = str(handoff.model) if handoff.model else ""
    how = ", ".join(filter(None, (handoff.agent, model, f"{handoff.tokens} tokens")))
    return f"{handoff.prompt}\n\n{local_time(handoff.created)}  {handoff.from_session}  {title} {made}\n{how}\n"


def local_time(created: str) -> str:
    """A brief's time, ISO 8601, as the person's clock showed it: `2026-11-23 08:00`."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:  # a brief that somebody changed
        return one_line(created, TITLE_MAX_CHARACTERS)


def _line(handoff: Handoff) -> str:
    title = one_line(handoff.from_title or handoff.title, TITLE_MAX_CHARACTERS)
    return f"{local_time(handoff.created)}  {handoff.from_session}  {title} → {handoff.to_session or 'unfinished'}"

"""The briefs that are kept, as a person lists them: one a line, newest first. Knows nothing of OpenCode."""

from __future__ import annotations

from collections.abc import Sequence

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.text.counts import count
from handoff_sidecar.text.plain_text import one_line

LISTED_BRIEFS = 20
"""Fewer than a terminal has lines (24), so that the newest one is still seen."""

TITLE_MAX_CHARACTERS = 40
"""With a date and two ids some 130 characters, which a wide terminal shows in one line."""


def write_list(handoffs: Sequence[Handoff], *, whole: bool) -> str:
    """When a session was handed off, which, its title, and the session that came of it; the newest ones or all."""
    listed = handoffs if whole else handoffs[:LISTED_BRIEFS]
    lines = [_line(handoff) for handoff in listed]
    left_out = len(handoffs) - len(listed)
    if left_out:
        lines.append(f"({count(left_out, 'older one')}: handoff-sidecar briefs --all)")
    return "\n".join(lines)


def _line(handoff: Handoff) -> str:
    title = one_line(handoff.from_title or handoff.title, TITLE_MAX_CHARACTERS)
    when = f"{handoff.created[:16].replace('T', ' ')} UTC"
    return f"{when}  {handoff.from_session}  {title} → {handoff.to_session or 'unfinished'}"

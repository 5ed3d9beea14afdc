"""The answers of a handoff: what was made, or what went wrong and where the brief is.

All these sentences are for the model. The user reads the failures too.
"""

from __future__ import annotations

from pathlib import Path

from handoff_sidecar.brief.brief import SUMMARY_MAX_CHARACTERS
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.call.context import ToolResult
from handoff_sidecar.errors import OpenCodeError, OpenCodeUnreachable
from handoff_sidecar.handoff.compose import Composed
from handoff_sidecar.handoff.delivery.new_session import Delivered


def made(
    delivered: Delivered, handoff: Handoff, saved: Path | None, remarks: list[str], *, is_waiting: bool
) -> ToolResult:
    """The answer of a handoff that was made: the new session, remarks, and that the work here is over.

    Args:
        is_waiting: nobody sees the session, and nothing happens in it until somebody opens it.
    """
    session = delivered.session
    refused = [
        f"{what} {asked}"
        for what, asked, got in (
            ("agent", handoff.agent, delivered.agent),
            ("model", handoff.model, delivered.model),
        )
        if asked is not None and asked != got
    ]
    if refused:
        remarks = [f"OpenCode did not use {' and '.join(refused)}.", *remarks]
    beside = f", and {handoff.beside:,} tokens that the TUI doesn't show" if handoff.beside else ""
    handed_off = (
        f'Handed off to `{session.id}`, "{session.title}": agent {delivered.agent}, model {delivered.model}, '
        f"prompt of {handoff.tokens} tokens{beside}."
    )
    if is_waiting:
        over = (
            f"It waits there: tell the user to open it with `opencode -s {session.id}`, then stop. Do nothing more in "
            "this session."
        )
    else:
        handed_off += f" Without a TUI, open it with `opencode -s {session.id}`."
        over = "The work goes on there: say so in one short sentence, then stop. Do nothing more in this session."
    return ToolResult(
        # `opencode run` prints the title alone, and who reads it needs the id.
        title=f"{session.title} ({session.id})" if is_waiting else session.title,
        output="\n".join([handed_off, *filter(None, remarks), over]),
        metadata={
            "sessionID": session.id,
            "agent": delivered.agent,
            "model": str(delivered.model),
            "tokens": handoff.tokens,
            "brief": str(saved) if saved else None,
        },
    )


def remarks_on(composed: Composed) -> list[str]:
    """What the reader of the answer would not expect."""
    gathered, written = composed.gathered, composed.written
    remarks = [f"{composed.plan.announcement}."] if composed.plan else []
    if written.summary_was_cut:
        remarks.append(
            f"The summary was cut to {SUMMARY_MAX_CHARACTERS:,} characters or less: next time, write 1-3 sentences."
        )
    if written.lifted:
        remarks.append(f"Left out because the user took it back: {'; '.join(map(str, written.lifted))}")
    if composed.surroundings.present is None:
        remarks.append(f"The files were not checked: {gathered.root} could not be read.")
    if gathered.facts.not_covered:
        remarks.append(
            f"The brief's files and last command are from the newest {gathered.facts.not_covered} messages only."
        )
    return [*remarks, *gathered.missing]


def made_already(session_id: str) -> ToolResult:
    """The answer if an earlier call of the same turn has made the session."""
    return ToolResult(
        title="Already handed off",
        output=(
            f"This turn was already handed off to `{session_id}` (`opencode -s {session_id}`); nothing new was made.\n"
            "The work goes on there: say so in one short sentence, then stop."
        ),
        metadata={"sessionID": session_id},
    )


def failed(what: str, error: Exception, saved: Path | None, *, retry: str) -> str:
    """What failed, whether anything was made, where the brief is, and what to do next."""
    where = f"The brief is saved: {saved}. " if saved else ""
    left = ""
    if isinstance(error, OpenCodeUnreachable):
        left = "A new session may have been made: check the session list first. "
    elif isinstance(error, OpenCodeError):
        left = "No new session was made. "
    return f"{what} failed: {error}. {left}{where}This session is unchanged. To try again, {retry}."

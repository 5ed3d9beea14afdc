"""The command `/handoff-undo`, typed in the new session: back to the old one, as if nothing had been handed off."""

from __future__ import annotations

import logging

from handoff_sidecar.brief.computed import requests_of
from handoff_sidecar.call.context import Scene, ToolResult
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.errors import HandoffFailed
from handoff_sidecar.handoff.delivery.old_session import end_turn, take_mark_back
from handoff_sidecar.opencode.client import MessagePage
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.text.plain_text import one_line

log = logging.getLogger(__name__)

LOOKED_AT_MESSAGES = 100
TITLE_MAX_CHARACTERS = 60

CHANGES_NOTHING = {
    *("read", "grep", "glob", "list", "ls", "webfetch", "websearch", "lsp"),
    *("todowrite", "todoread", "read_session", "skill"),
}
"""Tools after which a folder is as it was; of any other one that is not known."""


async def handoff_undo(_words: str, scene: Scene) -> ToolResult:
    """Stop the new session, bring the person back into the old one, and lift its lock.

    The new session is removed if nothing in it changed anything; else it stays, and is named.

    Raises:
        HandoffFailed: there is no way back from here; nothing was done.
        OpenCodeError: OpenCode could not be asked.
    """
    client = scene.client
    session = await client.session(scene.context.session_id)
    source = session.handoff.source
    old = await client.session_if_there(SessionID(source)) if source else None
    if old is None:
        why = (
            f"the session that it came from (`{source}`) is gone"
            if source
            else "this session was not created by a handoff"
        )
        raise HandoffFailed(f"/handoff-undo: {why}, so there is no way back from here. Nothing was done.")
    if session.is_left:
        raise HandoffFailed(
            f"/handoff-undo: the work went on from here in `{session.handoff.to}`. Type /handoff-undo there. "
            "Nothing was done."
        )
    await end_turn(client, session.id)
    page = await client.messages(session.id, limit=LOOKED_AT_MESSAGES)
    stays = _why_it_stays(page)
    if old.handoff.to == session.id:
        await take_mark_back(client, old)
    if scene.mode != "run":
        await client.select_session(old.id, leaving=session.id)
    if not stays:
        await client.delete_session(session.id)
    log.info("%s: undone, back to %s", session.id, old.id)
    told = f'Back in "{_named(old)}": its work goes on here. '
    told += (
        f'"{_named(session)}" stays in the session list, because {stays} there.'
        if stays
        else "The new session was removed."
    )
    await notify(client, told)
    return ToolResult(title=old.title, output=told, metadata={"sessionID": old.id})


def _why_it_stays(page: MessagePage) -> str:
    """What would be lost with the session; nothing if it can go."""
    if page.before is not None:
        return "much was done"
    if requests_of(page.messages):
        return "you wrote"
    ran = {part.tool for message in page.messages for part in message.parts if part.tool and part.state is not None}
    changing = sorted(ran - CHANGES_NOTHING)
    return f"{', '.join(f'`{tool}`' for tool in changing)} ran" if changing else ""


def _named(session: Session) -> str:
    return one_line(session.title, TITLE_MAX_CHARACTERS)

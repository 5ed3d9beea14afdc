"""Whether a session was handed off, by the mark that the handoff has left in its metadata.

OpenCode's fork copies metadata, and gives the messages new ids: a mark whose turn is no message of the session is that
of the session that it was forked from. Where the turn has been undone, so has the handoff.
"""

from __future__ import annotations

from handoff_sidecar.errors import OpenCodeRefused
from handoff_sidecar.opencode.client import NOT_FOUND, MessagePage, OpenCodeClient, is_message_id
from handoff_sidecar.opencode.models import MessageID, Session
from handoff_sidecar.opencode.undone import is_undone


async def was_handed_off(session: Session, client: OpenCodeClient, newest: MessagePage | None = None) -> bool:
    """Whether this very session was handed off, and not one that it was forked from.

    Args:
        newest: the session's newest messages, if they are known; what they tell need not be asked for.

    Raises:
        OpenCodeError: it could not be seen.
    """
    if "to" not in session.handoff:
        return False
    turn = session.handoff.get("turn")
    if not isinstance(turn, str) or not is_message_id(turn):
        return True  # handed off when its messages could not be read
    return not is_undone(session, turn) and await _has_message(session, MessageID(turn), client, newest)


async def _has_message(
    session: Session, message_id: MessageID, client: OpenCodeClient, newest: MessagePage | None
) -> bool:
    if newest is not None:
        found = any(message.info.id == message_id for message in newest.messages)
        if found or newest.before is None:
            return found
    try:
        await client.message(session.id, message_id)
    except OpenCodeRefused as error:
        if error.status != NOT_FOUND:
            raise
        return False
    return True

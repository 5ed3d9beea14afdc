"""A session's messages without those that the user has undone.

Knows which ones these are (see `Revert`), and fills a page up with older messages. Only reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from handoff_sidecar.opencode.client import MessagePage, OpenCodeClient, cursor_at
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Revert, Session


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a page, filled up with older messages.

    Attributes:
        undone: how many messages of the page were undone.
        is_all: whether no others were.
    """

    page: MessagePage
    undone: int = 0
    is_all: bool = True


def standing(session: Session, messages: list[Message]) -> list[Message]:
    """The messages without what was undone."""
    revert = session.revert
    if revert is None:
        return messages
    kept = [message for message in messages if not session.has_undone(message.info.id)]
    cut = kept[-1] if kept and kept[-1].info.id == revert.message_id else None
    if cut is None:
        return kept
    # What the turn came to on disk, which its user message tells, was undone in part too.
    before = [_without_diffs(each) if each.info.id == cut.info.parent_id else each for each in kept[:-1]]
    return [*before, _cut(cut, revert)]


async def without_undone(session: Session, page: MessagePage, client: OpenCodeClient) -> Standing:
    """What is left of a session's newest messages. If some were undone, older ones are read in their place.

    Raises:
        OpenCodeError: the older ones could not be read.
    """
    revert = session.revert
    undone = [message for message in page.messages if revert is not None and message.info.id >= revert.message_id]
    if revert is None or not undone:
        return Standing(page)
    is_all = page.before is None or len(undone) < len(page.messages)
    if page.before is None:
        return Standing(MessagePage(standing(session, page.messages), None), len(undone))
    first = undone[0] if is_all else await client.message(session.id, revert.message_id)
    older = await client.messages(
        session.id, limit=len(page.messages), before=cursor_at(first.info.id, first.info.time.created)
    )
    return Standing(MessagePage(standing(session, [*older.messages, first]), older.before), len(undone), is_all)


def _cut(message: Message, revert: Revert) -> Message:
    ids = [part.id for part in message.parts]
    until = ids.index(revert.part_id) if revert.part_id in ids else len(ids)
    return message.model_copy(update={"parts": message.parts[:until]})


def _without_diffs(message: Message) -> Message:
    return message.model_copy(update={"info": message.info.model_copy(update={"summary": None})})

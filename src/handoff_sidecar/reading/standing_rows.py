"""Which rows of the index stand for a session: all but those of messages that the person has undone.

What was undone stays in the index, as `/redo` brings it back.
"""

from __future__ import annotations

from dataclasses import dataclass

from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session
from handoff_sidecar.opencode.undone import standing
from handoff_sidecar.search.passages import passages_of
from handoff_sidecar.search.store import Store
from handoff_sidecar.session.transcript import Record, record_of
from handoff_sidecar.text.counts import count

NO_ROWS = range(0)


@dataclass(frozen=True, slots=True)
class StandingRows:
    """The rows of a session that stand.

    Attributes:
        undone: how many messages were undone.
        cut: what stands of the message that was undone in part.
        is_whole: whether these are all, back to the first message; else older ones are still being read.
    """

    rows: range
    undone: int = 0
    cut: Record | None = None
    is_whole: bool = True

    def record(self, record: Record) -> Record:
        """What stands of a message in these rows."""
        return self.cut if self.cut is not None and self.cut.id == record.id else record


async def cut_message(session: Session, client: OpenCodeClient) -> Message | None:
    """The message of a session that was undone in part, if one was.

    Raises:
        OpenCodeError: it could not be read.
    """
    revert = session.revert
    return None if revert is None or revert.part_id is None else await client.message(session.id, revert.message_id)


def standing_rows(store: Store, session: Session, cut: Message | None) -> StandingRows:
    """The rows that stand of a session; `cut` as `cut_message` gives it."""
    rows = store.rows_of(session.id) or NO_ROWS
    if session.revert is None:
        return StandingRows(rows)
    first = store.first_from(session.id, session.revert.message_id)
    if first is None:
        return StandingRows(rows)
    undone = store.count(range(first, rows.stop))
    kept = [record_of(message) for message in standing(session, [cut] if cut else [])]
    stop = first + sum(len(passages_of(record)) for record in kept)
    return StandingRows(range(rows.start, stop), undone, kept[0] if kept else None)


def about_missing(stands: StandingRows) -> list[str]:
    """A sentence about older messages that were not searched, if there are any."""
    if stands.is_whole:
        return []
    return ["Its older messages were NOT searched: they are being read for the first time. Ask again in a moment."]


def about_undone(session: Session, number: int, *, is_all: bool = True) -> list[str]:
    """A sentence about so many messages that were left out, if there are any."""
    if not number:
        return []
    least = "" if is_all else "At least "
    were, are = count(number, "message was", "messages were"), "is" if number == 1 else "are"
    is_in_part = session.revert is not None and session.revert.part_id is not None
    in_part = "" if not is_in_part else " (in part)" if number == 1 else " (the first of them in part)"
    return [f"{least}{were} undone by the user and {are} left out{in_part}."]

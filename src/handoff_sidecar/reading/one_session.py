"""Reading one session: its newest messages, those before one, what was done to a file, or the answers to a query.

Owns what is fetched for each of these and the sentences about what was left out, with the exact call that brings it.
Which session it is, is `addressing`'s; how it is written out is `handoff.transcript`'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handoff_sidecar.errors import OpenCodeRefused, ToolFailed
from handoff_sidecar.opencode.client import OpenCodeClient, cursor_at
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import MessageID, Session
from handoff_sidecar.opencode.requests import is_message_id
from handoff_sidecar.opencode.undone import standing, without_undone
from handoff_sidecar.reading.answer import Answer, Fitted
from handoff_sidecar.reading.definition import DEFAULT_LIMIT, ReadSession
from handoff_sidecar.reading.file_answer import answer_to_file
from handoff_sidecar.reading.message_blocks import about_cuts, message_block
from handoff_sidecar.reading.plain_search import plain_answer
from handoff_sidecar.reading.query_answer import answer_to_query
from handoff_sidecar.reading.search_index import SearchIndex
from handoff_sidecar.reading.standing_rows import about_undone, cut_message, standing_rows
from handoff_sidecar.reading.todo_list import asks_for_todos, todo_list
from handoff_sidecar.reading.wanted import Wanted
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.search.index_file import why_no_index
from handoff_sidecar.search.store import Store
from handoff_sidecar.session.transcript import Detail, record_of
from handoff_sidecar.text.counts import so_many
from handoff_sidecar.text.plain_text import one_line

TITLE_MAX_CHARACTERS = 160

_REFUSED_STATUS = frozenset({400, 404})


class Reader:
    """Reads sessions."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index

    async def read(self, session: Session, asked: ReadSession, client: OpenCodeClient, manner: Manner) -> Answer:
        """What was asked for of a session.

        Raises:
            ToolFailed: `before` is no message of the session.
            BadQuery: the query can't be searched for.
            OpenCodeError: the session could not be read.
        """
        title = manner.redact(one_line(session.title, TITLE_MAX_CHARACTERS))
        answer = Answer(
            title, f"Session `{session.id}`, {title!r}.", "", data={"sessionID": session.id, "title": title}
        )
        if asked.before is not None and session.has_undone(asked.before):
            await _message(session, asked.before, client, manner)  # which must be there all the same
            asked = asked.model_copy(update={"before": None})
        if asked.query is not None and asks_for_todos(asked.query):
            todos = await todo_list(answer, session, client, manner)
            if todos is not None:
                return todos
        if asked.query is not None or asked.file is not None:
            return await self._searched(answer, session, asked, client, manner)
        return await self._newest(answer, session, asked, client, manner)

    async def _newest(
        self, answer: Answer, session: Session, asked: ReadSession, client: OpenCodeClient, manner: Manner
    ) -> Answer:
        messages, older, undone = await _page(session, asked, client, manner)
        detail: Detail = asked.detail or "text"
        blocks = [message_block(record_of(message), detail, manner.redact) for message in messages]

        def say(fitted: Fitted) -> str:
            kept = len(fitted.kept)
            following = fitted.omitted[0].id if fitted.omitted else older
            up_to = f" up to `{asked.before}`" if asked.before else ""
            if not messages:
                return " ".join(["It has no messages.", *undone])
            if following is None and not asked.before:
                said = ["Its only message." if kept == 1 else f"All of its {kept:,} messages."]
            elif following is None:
                said = [f"Its first {so_many(kept, 'message')},{up_to}."]
            else:
                short = f" of the {len(messages)} asked for (the others did not fit)" if fitted.omitted else ""
                call = manner.call(session, before=following, **_repeated(asked))
                said = [f"The newest {so_many(kept, 'message')}{short}{up_to}; older ones: {call}."]
            return " ".join([*said, *undone, *about_cuts(session, fitted, detail, manner)])

        return manner.room.fill(answer, list(reversed(blocks)), say, last_first=True)

    async def _searched(
        self, answer: Answer, session: Session, asked: ReadSession, client: OpenCodeClient, manner: Manner
    ) -> Answer:
        """What answers a query, or what was done to a file."""
        if reason := why_no_index():
            return await plain_answer([session], asked, client, manner, answer, reason)
        cut = await cut_message(session, client)

        def look(store: Store, is_whole: bool) -> Answer:  # noqa: FBT001  # as the index calls it
            stands = replace(standing_rows(store, session, cut), is_whole=is_whole)
            rows = stands.rows if asked.before is None else _up_to(store, session, stands.rows, asked.before, manner)
            look_up = answer_to_file if asked.query is None else answer_to_query
            return look_up(store, replace(stands, rows=rows), Wanted(session, asked, answer, manner))

        return await self._index.in_session(session, client, look)


async def _page(
    session: Session, asked: ReadSession, client: OpenCodeClient, manner: Manner
) -> tuple[list[Message], str | None, list[str]]:
    """The messages asked for, oldest first, the id of the one before them, and what is said of undone ones."""
    undone: list[str] = []
    if asked.before is None:
        newest = await client.messages(session.id, limit=asked.limit + 1)
        stands = await without_undone(session, newest, client)
        messages = stands.page.messages
        undone = about_undone(session, stands.undone, is_all=stands.is_all)
    else:
        last = await _message(session, asked.before, client, manner)
        cursor = cursor_at(last.info.id, last.info.time.created)
        page = await client.messages(session.id, limit=asked.limit, before=cursor)
        messages = standing(session, [*page.messages, last])
    older = messages[-asked.limit - 1].info.id if len(messages) > asked.limit else None
    return messages[-asked.limit :], older, undone


async def _message(session: Session, message_id: str, client: OpenCodeClient, manner: Manner) -> Message:
    if is_message_id(message_id):
        try:
            return await client.message(session.id, MessageID(message_id))
        except OpenCodeRefused as error:
            if error.status not in _REFUSED_STATUS:
                raise
    raise _no_message(session, message_id, manner)


def _up_to(store: Store, session: Session, rows: range, message_id: str, manner: Manner) -> range:
    """The rows up to the end of a message."""
    first = store.first_of(session.id, message_id)
    if first is None:
        raise _no_message(session, message_id, manner)
    (layout,) = store.layouts(range(first, first + 1))
    return range(rows.start, min(rows.stop, first + max(1, len(layout))))


def _no_message(session: Session, message_id: str, manner: Manner) -> ToolFailed:
    return ToolFailed(
        f"{manner.wording.opening}{manner.argument('before')} must be the id of a message in session `{session.id}` "
        f"(answers show these ids), and `{message_id[:80]}` is not one. "
        f"{manner.call(session)} reads its newest messages."
    )


def _repeated(asked: ReadSession) -> dict[str, Any]:
    """The arguments that the next call needs too."""
    repeated: dict[str, Any] = {}
    if asked.limit != DEFAULT_LIMIT:
        repeated["limit"] = asked.limit
    if asked.detail is not None and asked.detail != "text":
        repeated["detail"] = asked.detail
    return repeated

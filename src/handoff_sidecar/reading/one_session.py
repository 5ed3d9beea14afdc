"""Reading one session: its newest messages, those before one, what was done to a file, or the answers to a query.

Owns what is fetched for each of these and the sentences about what was left out, with the exact call that brings it.
Which session it is, is `addressing`'s; how it is written out is `handoff.transcript`'s.
"""

from __future__ import annotations

import asyncio
from typing import Any

from handoff_sidecar.errors import OpenCodeRefused, ToolFailed
from handoff_sidecar.opencode.client import OpenCodeClient, cursor_at, is_message_id
from handoff_sidecar.opencode.models import Message, MessageID, Session
from handoff_sidecar.opencode.undone import standing, without_undone
from handoff_sidecar.reading.answer import Answer, Block, Fitted
from handoff_sidecar.reading.definition import DEFAULT_LIMIT, ReadSession
from handoff_sidecar.reading.files_block import file_list
from handoff_sidecar.reading.history import Histories, History
from handoff_sidecar.reading.matches import find_matches
from handoff_sidecar.reading.rules_block import rulebook
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.session.file_touches import Touching
from handoff_sidecar.session.files import file_named
from handoff_sidecar.session.transcript import Detail, Record, record_of, time_of, write_record
from handoff_sidecar.text.counts import count, so_many
from handoff_sidecar.text.plain_text import one_line
from handoff_sidecar.text.redaction import Redact

TITLE_MAX_CHARACTERS = 160
NOTHING_SHOWN = "(nothing that was said or done)"

_REFUSED_STATUS = frozenset({400, 404})


class Reader:
    """Reads sessions; one for the whole process, as it keeps histories for the next search."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories

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
        if asked.query is not None:
            return await self._search(answer, session, asked, client, manner)
        if asked.file is not None:
            return await self._file(answer, session, asked, client, manner)
        return await self._newest(answer, session, asked, client, manner)

    async def _newest(
        self, answer: Answer, session: Session, asked: ReadSession, client: OpenCodeClient, manner: Manner
    ) -> Answer:
        messages, older, undone = await _page(session, asked, client, manner)
        detail: Detail = asked.detail or "text"
        blocks = [_block(record_of(message), detail, manner.redact) for message in messages]

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
            return " ".join([*said, *undone, *_about_cuts(session, fitted, detail, manner)])

        return manner.room.fill(answer, list(reversed(blocks)), say, last_first=True)

    async def _file(
        self, answer: Answer, session: Session, asked: ReadSession, client: OpenCodeClient, manner: Manner
    ) -> Answer:
        file = file_named(asked.file or "", manner.root)
        history, undone = await self._histories.standing(session, client)
        touching = Touching(file)
        selected = await asyncio.to_thread(history.select, touching.part_of, touching.name)
        records = list(selected.values())
        last = await _place(session, asked.before, history, manner)
        until = len(records) if last is None else sum(place <= last for place in selected)
        limit = asked.limit if "limit" in asked.model_fields_set else len(records)
        wanted = records[max(0, until - limit) : until]
        blocks = [_block(record, asked.detail or "tools", manner.redact, named=True) for record in wanted]

        def say(fitted: Fitted) -> str:
            if not blocks:
                nothing = (
                    f"{_untouched(history, file)}. Try the file's name alone, or "
                    f"{manner.call(session, query=touching.name)} for where it is mentioned."
                )
                return " ".join([nothing, *about_undone(session, undone)])
            left_out = len(records) - len(fitted.kept)
            said = f"What was done to `{file}`: {len(fitted.kept)} of {count(len(records), 'message')}, in order."
            earlier = until - len(fitted.kept)
            if left_out and earlier > 0:
                call = manner.call(session, file=file, before=records[earlier - 1].id)
                said += f" {count(earlier, 'earlier one')}: {call}."
            return " ".join([said, *about_undone(session, undone), *_about_cuts(session, fitted, "tools", manner)])

        return manner.room.fill(answer, list(reversed(blocks)), say, last_first=True)

    async def _search(
        self, answer: Answer, session: Session, asked: ReadSession, client: OpenCodeClient, manner: Manner
    ) -> Answer:
        history, undone = await self._histories.standing(session, client)
        file = file_named(asked.file, manner.root) if asked.file else None
        touching = Touching(file) if file else None
        last = await _place(session, asked.before, history, manner)
        found = await asyncio.to_thread(
            find_matches, history, asked, manner.redact, last, touching.is_touched_by if touching else None
        )
        if file and touching and not found.blocks:
            is_touched = bool(await asyncio.to_thread(history.select, touching.part_of, touching.name))
            nothing = f"Nothing found for {asked.query!r} in the messages that touch `{file}` (of {found.searched})."
            if not is_touched:
                nothing = f"{_untouched(history, file)}, so nothing was searched for {asked.query!r}."
            further = _without_file(session, asked, manner, file if is_touched else "")
            said_of_it = " ".join([nothing, *about_undone(session, undone), further])
            return manner.room.fill(answer, (), lambda _: said_of_it)
        rules = rulebook(found.rules, manner.room, manner.redact, is_guess=found.is_guess)
        files = file_list(found.files, manner.room, manner.redact, manner.root)

        def say(fitted: Fitted) -> str:
            where = " ".join([f"Searched {found.searched}.", *about_undone(session, undone)])
            listed_first = " What the user said that may be a rule stands first." if rules else ""
            listed_first += f" The files that were written stand {'next' if rules else 'first'}." if files else ""
            if not found.blocks:
                everywhere = (
                    ""
                    if found.is_limited
                    else f", or {manner.wording.call({'session_id': 'all', 'query': asked.query})}"
                )
                return (
                    f"Nothing found for {asked.query!r}.{found.missing} {where} It covers what was said, and the "
                    f"inputs and outputs of tools. Try fewer or other words, a /regular expression/i{everywhere}."
                    f"{listed_first}"
                )
            latest = f", the latest is `{found.latest}`" if found.total else ""
            among = f" among those that touch `{file}`" if file else ""
            matching = f"{count(found.total, 'message matches', 'messages match')} {asked.query!r}{among}{latest}."
            below = "Below is 1 turn." if len(fitted.kept) == 1 else f"Below are {len(fitted.kept)} turns, best first."
            going_on = f"To read on from one: {manner.call(session, before='ID', limit=5)} ends with it."
            said = [f"{matching} {below}{listed_first}{found.missing} {where}", going_on]
            if fitted.omitted:
                listed = ", ".join(f"`{block.id}`" for block in fitted.omitted[:3])
                said.append(
                    f"{count(len(fitted.omitted), 'more turn')} did not fit, such as {listed}: ask more precisely."
                )
            return " ".join(said)

        return manner.room.fill(answer, found.blocks, say, ahead=tuple(filter(None, (rules, files))))


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


async def _place(session: Session, message_id: str | None, history: History, manner: Manner) -> int | None:
    """Where in its history the message is that was asked for, if one was."""
    if message_id is None:
        return None
    place = await asyncio.to_thread(history.place_of, message_id)
    if place is None:
        raise _no_message(session, message_id, manner)
    return place


def _no_message(session: Session, message_id: str, manner: Manner) -> ToolFailed:
    return ToolFailed(
        f"{manner.wording.opening}{manner.argument('before')} must be a message id of session `{session.id}`, as its "
        f"answers give them, and `{message_id[:80]}` is none. {manner.call(session)} reads its newest messages."
    )


def _untouched(history: History, file: str) -> str:
    return f"No tool call in its {so_many(len(history), 'message')} names `{file}`"


def _without_file(session: Session, asked: ReadSession, manner: Manner, file: str) -> str:
    """How to look beyond the messages that touch a file; and, if some do, at all of these."""
    up_to = {"before": asked.before} if asked.before else {}
    said = f"To search without the file: {manner.call(session, query=asked.query, **up_to)}."
    return f"{said} All that was done to the file: {manner.call(session, file=file, **up_to)}." if file else said


def _block(record: Record, detail: Detail, redact: Redact, *, named: bool = False) -> Block:
    body = write_record(record, detail=detail, redact=redact) or NOTHING_SHOWN
    heading = f"{record.heading} · {record.id}" if named else record.heading
    data = {"id": record.id, "role": record.role, "time": time_of(record.created)}
    return Block(record.id, heading, body, data=data)


def _about_cuts(session: Session, fitted: Fitted, detail: Detail, manner: Manner) -> list[str]:
    """How to get what was cut out of messages, if something was."""
    if not fitted.has_cuts:
        return []
    shown: dict[str, Any] = {"detail": detail} if detail == "tools" else {}
    call = manner.call(session, before="ID", limit=1, **shown)
    return [f"`…[n characters]…` marks a cut; {call} gives one message alone."]


def _repeated(asked: ReadSession) -> dict[str, Any]:
    """The arguments that the next call needs too."""
    repeated: dict[str, Any] = {}
    if asked.limit != DEFAULT_LIMIT:
        repeated["limit"] = asked.limit
    if asked.detail is not None and asked.detail != "text":
        repeated["detail"] = asked.detail
    return repeated


def about_undone(session: Session, number: int, *, is_all: bool = True) -> list[str]:
    """A sentence about so many messages that were left out, if there are any."""
    if not number:
        return []
    least = "" if is_all else "At least "
    were, are = count(number, "message was", "messages were"), "is" if number == 1 else "are"
    is_in_part = session.revert is not None and session.revert.part_id is not None
    in_part = "" if not is_in_part else " (in part)" if number == 1 else " (the first of them in part)"
    return [f"{least}{were} undone by the user and {are} left out{in_part}."]

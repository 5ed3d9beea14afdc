"""All sessions of a project at once: the list of them, and a search through all that was said and done in them.

Owns what is told of each session, and of those that were not searched. What a match is, is `search`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from handoff_sidecar.indexing.reach import Reach
from handoff_sidecar.indexing.upkeep import MOST_SESSIONS
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.reading.answer import Answer, Block, Fitted
from handoff_sidecar.reading.definition import ReadSession
from handoff_sidecar.reading.passage_blocks import blocks_of, chosen, filled
from handoff_sidecar.reading.plain_search import plain_answer
from handoff_sidecar.reading.search_index import SearchIndex
from handoff_sidecar.reading.shown import Shown
from handoff_sidecar.reading.standing_rows import cut_message, standing_rows
from handoff_sidecar.reading.touched import touched
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.search.findings import Findings, find
from handoff_sidecar.search.index_file import why_no_index
from handoff_sidecar.search.query import Query, parse_query
from handoff_sidecar.search.store import Store
from handoff_sidecar.search.texts import Texts
from handoff_sidecar.session.file_touches import Touching
from handoff_sidecar.session.files import file_named
from handoff_sidecar.text.counts import count, so_many
from handoff_sidecar.text.plain_text import one_line

TITLE_MAX_CHARACTERS = 120

SENTENCES_TOKENS = 300
"""For the sentences about the answer."""

SESSIONS_TOKENS = 60
"""For the line about each session that something is shown of."""

SAID_OF_ORDER = "The passages come best first; `(older)` marks what comes up again later."

NAMED_AT_MOST = 12
"""Sessions of which something is shown."""

NAMED_GAPS = 3
"""Sessions that are named as an example of what was not searched."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for, and how it is to be told.

    Attributes:
        here: the session that it is asked from, which is left out; none at a command line.
        cuts: the messages that were undone in part, by session.
        answer: without blocks yet.
    """

    here: Session | None
    asked: ReadSession
    query: Query
    cuts: dict[SessionID, Message | None]
    answer: Answer
    manner: Manner
    age: Callable[[Session], str]

    @property
    def file(self) -> str:
        """The file whose messages are searched, or nothing."""
        return file_named(self.asked.file, self.manner.root) if self.asked.file else ""


class ProjectSearch:
    """Searches a project's sessions."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index

    async def read(
        self,
        here: Session | None,
        asked: ReadSession,
        client: OpenCodeClient,
        manner: Manner,
        age: Callable[[Session], str],
    ) -> Answer:
        """What matches in the project's sessions but `here`; without a query, the list of them.

        Raises:
            BadQuery: the query can't be searched for.
            OpenCodeError: the sessions could not be listed.
        """
        listed = await client.sessions(limit=MOST_SESSIONS)
        first = here or (listed[0] if listed else None)
        others = "" if here is None else "other "
        listed = [
            each for each in listed if first is not None and each.same_project_as(first) and each.id != _id_of(here)
        ]
        about = f"The project's {others}sessions ({len(listed):,}), newest first."
        answer = Answer("All sessions", about, "")
        if asked.query is None or first is None:
            return _list(listed, asked, answer, manner, age)
        if reason := why_no_index():
            return await plain_answer(listed, asked, client, manner, answer, reason)
        query = parse_query(asked.query)
        cuts = {each.id: await cut_message(each, client) for each in listed if each.revert is not None}
        wanted = _Asked(here, asked, query, cuts, answer, manner, age)
        return await self._index.in_project(
            first, client, lambda store, reach: _answer(store, reach, wanted), but=_id_of(here)
        )


def _id_of(session: Session | None) -> str:
    return "" if session is None else session.id


def _list(
    listed: Sequence[Session], asked: ReadSession, answer: Answer, manner: Manner, age: Callable[[Session], str]
) -> Answer:
    blocks = [_block(session, "", age, manner) for session in listed]
    ignored = f" {manner.argument('file')} only works with it." if asked.file else ""

    def say(fitted: Fitted) -> str:
        shown = count(len(fitted.kept), "is listed", "are listed")
        return f"{shown}. Give a {manner.argument('query')} to search them.{ignored}"

    return manner.room.fill(answer, blocks, say)


def _answer(store: Store, reach: Reach, wanted: _Asked) -> Answer:
    """The passages that answer a query, in all sessions, and a line about each session that has some of them."""
    texts, manner = Texts(store), wanted.manner
    sessions = [session for session in reach.listed if session.id != _id_of(wanted.here)]
    findings = find(wanted.query, store, _rows(store, sessions, wanted), texts, expands=False)
    titled = [] if wanted.file else [each for each in sessions if _is_titled(each, wanted.query)]
    beside = SENTENCES_TOKENS + SESSIONS_TOKENS * NAMED_AT_MOST
    kept = chosen(findings.found, store, texts, manner, max(manner.room.tokens - beside, manner.room.tokens // 2))

    def compose(kept: list[Shown]) -> Answer:
        of_sessions = {store.session_of(each.row) for each in kept}
        named = [each for each in sessions if each.id in of_sessions or each in titled][:NAMED_AT_MOST]
        about = "\n".join(_block(each, "", wanted.age, manner).heading for each in named)
        ahead = [Block("", "sessions that match, the newest first", about)] if about else []
        order = f"{SAID_OF_ORDER} " if kept else ""
        said = f"{_said(sessions, reach, findings, wanted)} {order}{_further(wanted, is_found=bool(ahead))}"
        blocks = blocks_of(kept, store, manner, wanted.query, in_all=True)
        return replace(wanted.answer, said=said, blocks=(*ahead, *blocks))

    return filled(wanted.answer, kept, manner, compose)


def _rows(store: Store, sessions: Sequence[Session], wanted: _Asked) -> list[range]:
    """Where to look: everywhere but in what was undone, in the session that asks, and in those that aren't listed."""
    if wanted.file:
        stands = [standing_rows(store, session, wanted.cuts.get(session.id)) for session in sessions]
        found = (rows for each in stands for rows in touched(store, each, Touching(wanted.file)))
        return sorted(found, key=lambda rows: rows.start)
    left_out = set(store.session_ids()) - {session.id for session in sessions}
    hidden = [store.rows_of(session_id) for session_id in left_out]
    hidden += [_undone_rows(store, session, wanted) for session in sessions if session.revert is not None]
    return _without(store.all_rows(), filter(None, hidden))


def _undone_rows(store: Store, session: Session, wanted: _Asked) -> range | None:
    rows = store.rows_of(session.id)
    return rows and range(standing_rows(store, session, wanted.cuts.get(session.id)).rows.stop, rows.stop)


def _without(rows: range, hidden: Iterable[range]) -> list[range]:
    """What is left of rows, in order."""
    left = []
    start = rows.start
    for each in sorted(hidden, key=lambda each: each.start):
        left.append(range(start, each.start))
        start = max(start, each.stop)
    return [each for each in [*left, range(start, rows.stop)] if each]


def _is_titled(session: Session, query: Query) -> bool:
    """Whether a session's title has most of the words."""
    return bool(query.terms) and 2 * query.nearness(session.title) > len(query.terms)


def _said(sessions: Sequence[Session], reach: Reach, findings: Findings, wanted: _Asked) -> str:
    what = f"the messages that touch `{wanted.file}`" if wanted.file else "all titles, and the contents"
    ids = {session.id for session in sessions}
    unread = len(ids & reach.missing - reach.failed)
    searched = len(ids - reach.missing - reach.left_out - reach.failed)
    some = f"{searched:,} of " if searched < len(ids) else ""
    where = f"{what} of {some}{count(len(ids), 'session')}{' so far' if unread else ''}"
    said = [f"Searched {where} for {wanted.asked.query!r}."]
    if unread:
        said.append("The others are being read, the newest first: ask again in a while.")
    said += _about_gaps(ids, reach, findings)
    if findings.missing:
        said.append(f"No message holds {', '.join(f'`{term}`' for term in findings.missing)}.")
    return " ".join(said)


def _about_gaps(ids: set[SessionID], reach: Reach, findings: Findings) -> list[str]:
    """What was not searched in sessions that were, and which sessions can't be."""
    said = []
    if partial := ids & reach.partial:
        said.append(f"Only the newest messages of {_named(partial)} are in the index so far.")
    if left_out := ids & reach.left_out:
        said.append(f"Not searched, because the index is full: {_named(left_out)}. Name one to search it.")
    if failed := ids & reach.failed:
        said.append(f"Not searched, because OpenCode could not read them: {_named(failed)}.")
    if findings.unsearched:
        said.append(f"There was no time to search the {so_many(findings.unsearched, 'oldest message')}.")
    return said


def _named(ids: set[SessionID] | frozenset[SessionID]) -> str:
    shown = ", ".join(f"`{each}`" for each in sorted(ids, reverse=True)[:NAMED_GAPS])
    return f"{count(len(ids), 'session')} ({shown}{', …' if len(ids) > NAMED_GAPS else ''})"


def _further(wanted: _Asked, *, is_found: bool) -> str:
    """How to go on."""
    manner, query = wanted.manner, wanted.asked.query
    if is_found:
        read = manner.wording.call({"session_id": "ID", "query": query})
        return f"To read one: {read}; add {manner.argument('before')} to read up to a message."
    without = manner.wording.call({"session_id": "all", "query": query})
    instead = f", or without the file: {without}" if wanted.file else ""
    return f"Nothing found. Try fewer or other words, or a /regular expression/i{instead}."


def _block(session: Session, body: str, age: Callable[[Session], str], manner: Manner) -> Block:
    title = manner.redact(one_line(session.title, TITLE_MAX_CHARACTERS))
    links = [
        f"{words} {other}"
        for words, other in (("handed off from", session.handoff.source), ("handed off to", session.handoff.to))
        if other is not None
    ]
    if session.parent_id is not None:
        links.append(f"subagent of {session.parent_id}")
    heading = " · ".join([session.id, f"{title!r}", age(session), *links])
    return Block(session.id, heading, body, data={"id": session.id, "title": title})

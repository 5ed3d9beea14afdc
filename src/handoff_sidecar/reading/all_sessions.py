"""All sessions of a project at once: the list of them, and a search through all that was said and done in them.

Owns what is told of each session, and of those that were not searched. What a match is, is `search`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Message, Session
from handoff_sidecar.reading.answer import Answer, Block, Fitted
from handoff_sidecar.reading.definition import ReadSession
from handoff_sidecar.reading.passage_blocks import Shown, blocks_of, chosen, filled
from handoff_sidecar.reading.standing_rows import cut_message, standing_rows
from handoff_sidecar.reading.temporary_index import TemporaryIndex
from handoff_sidecar.reading.touched import touched
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.search.findings import Findings, find
from handoff_sidecar.search.query import Query, parse_query
from handoff_sidecar.search.store import Store
from handoff_sidecar.search.texts import Texts
from handoff_sidecar.session.file_touches import Touching
from handoff_sidecar.session.files import file_named
from handoff_sidecar.text.counts import count, so_many
from handoff_sidecar.text.plain_text import one_line

log = logging.getLogger(__name__)

MAX_SESSIONS = 100

TITLE_MAX_CHARACTERS = 120

SENTENCES_TOKENS = 300
"""For the sentences about the answer."""

SESSIONS_TOKENS = 60
"""For the line about each session that something is shown of."""

SESSIONS_AT_MOST = 12
"""Of which something is shown."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What can be searched: the sessions with their rows, and those that could not be read."""

    sessions: list[Session]
    cuts: dict[str, Message | None]
    failed: list[Session]


class ProjectSearch:
    """Searches a project's sessions."""

    def __init__(self, index: TemporaryIndex) -> None:
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
        listed = [
            session
            for session in await client.sessions(limit=MAX_SESSIONS)
            if here is None or (session.id != here.id and session.same_project_as(here))
        ]
        others = "" if here is None else "other "
        about = f"The project's {others}sessions ({len(listed)}), newest first."
        answer = Answer("All sessions", about, "")
        if asked.query is None:
            blocks = [_block(session, "", age, manner) for session in listed]
            ignored = f" {manner.argument('file')} counts only with it." if asked.file else ""

            def say_all(fitted: Fitted) -> str:
                shown = count(len(fitted.kept), "is listed", "are listed")
                return f"{shown}. Give a {manner.argument('query')} to search them.{ignored}"

            return manner.room.fill(answer, blocks, say_all)
        query = parse_query(asked.query)
        scope = await self._scope(listed, client)
        return await self._index.read(lambda store: _answer(store, query, scope, asked, answer, manner, age))

    async def _scope(self, listed: Sequence[Session], client: OpenCodeClient) -> _Scope:
        scope = _Scope([], {}, [])
        for session in listed:
            try:
                await self._index.bring_up_to_date(session, client)
                scope.cuts[session.id] = await cut_message(session, client)
                scope.sessions.append(session)
            except OpenCodeError as error:
                log.warning("%s was not searched: %s", session.id, error)
                scope.failed.append(session)
        return scope


def _answer(  # noqa: PLR0913, PLR0917  # what a search needs
    store: Store,
    query: Query,
    scope: _Scope,
    asked: ReadSession,
    answer: Answer,
    manner: Manner,
    age: Callable[[Session], str],
) -> Answer:
    """The passages that answer a query, in all sessions, and a line about each session that has some of them."""
    texts = Texts(store)
    file = file_named(asked.file, manner.root) if asked.file else ""
    findings = find(query, store, _rows(store, scope, file), texts, expands=False)
    titled = [] if file else [each for each in scope.sessions if _is_titled(each, query)]
    room = manner.room.tokens - SENTENCES_TOKENS - SESSIONS_TOKENS * SESSIONS_AT_MOST
    kept = chosen(findings.found, texts, manner, room)

    def compose(kept: list[Shown]) -> Answer:
        of_sessions = {store.session_of(each.row) for each in kept}
        named = [each for each in scope.sessions if each.id in of_sessions or each in titled][:SESSIONS_AT_MOST]
        about = "\n".join(_block(each, "", age, manner).heading for each in named)
        ahead = [Block("", "sessions that match, the newest first", about)] if about else []
        said = f"{_said(scope, findings, asked, file)} {_further(asked, file, manner, is_found=bool(ahead))}"
        blocks = blocks_of(kept, store, manner, names_sessions=True)
        return replace(answer, said=said, blocks=(*ahead, *blocks))

    return filled(answer, kept, manner, compose)


def _rows(store: Store, scope: _Scope, file: str) -> list[range]:
    """Where to look."""
    stands = [standing_rows(store, session, scope.cuts[session.id]) for session in scope.sessions]
    if file:
        return sorted((rows for each in stands for rows in touched(store, each, Touching(file))), key=lambda r: r.start)
    return sorted((each.rows for each in stands), key=lambda rows: rows.start)


def _is_titled(session: Session, query: Query) -> bool:
    """Whether a session's title has most of the words."""
    return bool(query.terms) and 2 * query.nearness(session.title) > len(query.terms)


def _said(scope: _Scope, findings: Findings, asked: ReadSession, file: str) -> str:
    what = f"the messages that touch `{file}`" if file else "titles and contents"
    said = [f"Searched {what} of {count(len(scope.sessions), 'session')} for {asked.query!r}."]
    if scope.failed:
        named = ", ".join(f"`{session.id}`" for session in scope.failed[:3])
        said.append(
            f"{count(len(scope.failed), 'session')} could not be read and {_were(scope.failed)} left out: {named}."
        )
    if findings.unsearched:
        said.append(f"The {so_many(findings.unsearched, 'oldest message')} of them were not reached in time.")
    if findings.missing:
        said.append(f"No message holds {', '.join(f'`{term}`' for term in findings.missing)}.")
    return " ".join(said)


def _further(asked: ReadSession, file: str, manner: Manner, *, is_found: bool) -> str:
    """How to go on."""
    if is_found:
        read = manner.wording.call({"session_id": "ID", "query": asked.query})
        return f"To read one: {read}, or with {manner.argument('before')} up to a message."
    without = manner.wording.call({"session_id": "all", "query": asked.query})
    instead = f", or without the file: {without}" if file else ""
    return f"Nothing found. Try fewer or other words, or a /regular expression/i{instead}."


def _were(sessions: Sequence[Session]) -> str:
    return "was" if len(sessions) == 1 else "were"


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

"""All sessions of a project at once: the list of them, and a search through their titles and contents.

Owns the bounds on how many are gone through and for how long, and says which were not. What a match is, is
`handoff.search`'s.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Session
from handoff_sidecar.reading.answer import Answer, Block, Fitted
from handoff_sidecar.reading.definition import ReadSession
from handoff_sidecar.reading.excerpt import excerpt
from handoff_sidecar.reading.history import Histories
from handoff_sidecar.reading.matches import EXCERPT_TIMEOUT_S
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.search.query import Query, parse_query
from handoff_sidecar.search.ranking import Candidate, rank
from handoff_sidecar.session.file_touches import Touching
from handoff_sidecar.session.files import file_named
from handoff_sidecar.session.transcript import Record
from handoff_sidecar.text.counts import count
from handoff_sidecar.text.plain_text import one_line

log = logging.getLogger(__name__)

MAX_SESSIONS = 100
SEARCH_TIMEOUT_S = 10.0
"""After which no further session is begun; a model waits for this."""

SHOWN_OF_A_SESSION = 3
EXCERPT_MAX_CHARACTERS = 350
TITLE_MAX_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class _Searched:
    """One session's part in a search; the records are those of its best candidates, by place."""

    session: Session
    candidates: list[Candidate]
    records: dict[int, Record]
    documents: int
    characters: int


class ProjectSearch:
    """Searches a project's sessions, the newest first."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories

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
        file = file_named(asked.file, manner.root) if asked.file else ""
        searched, skipped = await self._go_through(listed, query, client, Touching(file) if file else None)
        blocks = await asyncio.to_thread(_matching, searched, query, age, manner)

        def say(fitted: Fitted) -> str:
            what = f"the messages that touch `{file}`" if file else "titles and contents"
            went = f"Searched {what} of {count(len(searched), 'session')} for {asked.query!r}"
            left = ""
            if skipped:
                oldest = ", ".join(session.id for session in skipped[:3])
                not_searched = count(len(skipped), "was not searched", "were not searched")
                left = f"; {not_searched} (time, or an error), such as {oldest}: name one to do so"
            if not blocks:
                without = {"session_id": "all", "query": asked.query}
                instead = f", or without the file: {manner.wording.call(without)}" if file else ""
                return f"{went}{left}. Nothing found. Try fewer or other words, or a /regular expression/i{instead}."
            shown = count(len(fitted.kept), "is shown", "are shown")
            matching = count(len(blocks), "session matches", "sessions match")
            matching += f", of which {shown}" if fitted.omitted else ""
            return (
                f"{went}{left}. {matching}. To read one: "
                f"{manner.wording.call({'session_id': 'ID', 'query': asked.query})}, or with "
                f"{manner.argument('before')} up to a message."
            )

        return manner.room.fill(answer, blocks, say)

    async def _go_through(
        self, sessions: Sequence[Session], query: Query, client: OpenCodeClient, touching: Touching | None
    ) -> tuple[list[_Searched], list[Session]]:
        """What each session holds of the query, and the sessions that were not searched."""
        deadline = time.monotonic() + SEARCH_TIMEOUT_S
        searched: list[_Searched] = []
        skipped: list[Session] = []
        for session in sessions:
            if time.monotonic() > deadline:
                skipped.append(session)
                continue
            try:
                history, _ = await self._histories.standing(session, client)
            except OpenCodeError as error:
                log.warning("%s was not searched: %s", session.id, error)
                skipped.append(session)
                continue
            scan = await asyncio.to_thread(history.scan, query, touching.is_touched_by if touching else None)
            best = rank(query, scan.candidates, documents=scan.documents, characters=scan.characters).matches
            records = await asyncio.to_thread(history.records, [found.index for found in best[:SHOWN_OF_A_SESSION]])
            candidates = scan.candidates
            if touching is None:
                candidates = await asyncio.to_thread(_with_title, session, query, candidates)
            searched.append(_Searched(session, candidates, records, scan.documents + 1, scan.characters))
        return searched, skipped


_TITLE = -1
"""The place of a session's title among its messages."""


def _with_title(session: Session, query: Query, candidates: list[Candidate]) -> list[Candidate]:
    frequencies = query.frequencies(session.title, "", EXCERPT_TIMEOUT_S)
    return [*candidates, Candidate(_TITLE, _TITLE, frequencies, len(session.title))] if frequencies else candidates


def _matching(
    searched: Sequence[_Searched], query: Query, age: Callable[[Session], str], manner: Manner
) -> list[Block]:
    """A block for each session that matches, in the order of `searched`; words are weighed over all of them."""
    numbered: list[Candidate] = []
    owners: list[tuple[int, Candidate]] = []
    for number, part in enumerate(searched):
        for candidate in part.candidates:
            # A turn's number is its first message's place, which other sessions have too.
            turn = candidate.turn * len(searched) + number
            numbered.append(replace(candidate, index=len(owners), turn=turn))
            owners.append((number, candidate))
    best = rank(
        query,
        numbered,
        documents=sum(part.documents for part in searched),
        characters=sum(part.characters for part in searched),
    )
    matching: dict[int, list[Candidate]] = {}
    for found in best.matches:
        number, candidate = owners[found.index]
        matching.setdefault(number, []).append(candidate)
    blocks: list[Block] = []
    for number, candidates in sorted(matching.items()):
        part = searched[number]
        records = [part.records[found.index] for found in candidates if found.index in part.records]
        pieces = [_piece(record, query, manner) for record in records[:SHOWN_OF_A_SESSION]]
        in_messages = sum(candidate.index != _TITLE for candidate in candidates)
        found_in = count(in_messages, "message matches", "messages match") if in_messages else "its title matches"
        blocks.append(_block(part.session, "\n".join([found_in, *pieces]), age, manner))
    return blocks


def _piece(record: Record, query: Query, manner: Manner) -> str:
    text = excerpt(
        record,
        query,
        most_characters=EXCERPT_MAX_CHARACTERS,
        redact=manner.redact,
        timeout_s=EXCERPT_TIMEOUT_S,
    )
    return f"[{record.heading} · {record.id}] {text}"


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

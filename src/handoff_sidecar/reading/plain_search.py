"""A search without an index, where this Python's SQLite has no FTS5: through the messages themselves, the newest first.

Owns when that stops, and says so. Nothing is ranked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session
from handoff_sidecar.opencode.undone import standing
from handoff_sidecar.reading.answer import Answer, Block, Fitted
from handoff_sidecar.reading.definition import ReadSession
from handoff_sidecar.reading.message_blocks import message_block
from handoff_sidecar.reading.wording import Manner
from handoff_sidecar.search.query import Query, parse_query
from handoff_sidecar.session.file_touches import Touching
from handoff_sidecar.session.files import file_named
from handoff_sidecar.session.transcript import Record, record_of
from handoff_sidecar.text.counts import count, so_many

PAGE_MESSAGES = 100
TIMEOUT_S = 6.0
"""After which no further page is asked for; a model waits for this."""

FOUND_AT_MOST = 40


async def plain_answer(  # noqa: PLR0913, PLR0917  # what a search needs
    sessions: Sequence[Session], asked: ReadSession, client: OpenCodeClient, manner: Manner, answer: Answer, reason: str
) -> Answer:
    """The newest messages of these sessions that have most of what is asked for.

    Raises:
        BadQuery: the query can't be searched for.
        OpenCodeError: a session could not be read.
    """
    query = parse_query(asked.query) if asked.query is not None else None
    touching = Touching(file_named(asked.file, manner.root)) if asked.file else None
    deadline = time.monotonic() + TIMEOUT_S
    blocks: list[Block] = []
    searched = 0
    is_all = True
    async with aclosing(_pages(sessions, asked.before, client)) as pages:
        async for session, messages in pages:
            found = await asyncio.to_thread(_matching, messages, query, touching)
            named = f"{session.id} · " if len(sessions) > 1 else ""
            made = [message_block(each, asked.detail or "tools", manner.redact, named=True) for each in found]
            blocks += [replace(block, heading=f"{named}{block.heading}") for block in made]
            searched += len(messages)
            if len(blocks) >= FOUND_AT_MOST or time.monotonic() > deadline:
                is_all = False
                break

    def say(fitted: Fitted) -> str:
        shown = (
            f"The newest {so_many(len(fitted.kept), 'message')} that match most of the query, NOT ranked"
            if blocks
            else "Nothing found"
        )
        reached = f"all {searched:,} messages" if is_all else f"only the newest {so_many(searched, 'message')}"
        where = f" of {count(len(sessions), 'session')}" if len(sessions) > 1 else ""
        return (
            f"{shown}. This Python can't keep an index ({reason}), so the messages themselves were searched: "
            f"{reached}{where}."
        )

    return manner.room.fill(answer, blocks, say)


async def _pages(
    sessions: Sequence[Session], before: str | None, client: OpenCodeClient
) -> AsyncGenerator[tuple[Session, list[Message]], None]:
    for session in sessions:
        cursor, is_first = None, True
        while is_first or cursor is not None:
            page = await client.messages(session.id, limit=PAGE_MESSAGES, before=cursor)
            cursor, is_first = page.before, False
            yield (
                session,
                [each for each in standing(session, page.messages) if before is None or each.info.id <= before],
            )


def _matching(messages: list[Message], query: Query | None, touching: Touching | None) -> list[Record]:
    """The newest first."""
    records = (record_of(message) for message in reversed(messages))
    parts = (touching.part_of(record) if touching else record for record in records)
    return [each for each in parts if each is not None and (query is None or _matches(each, query))]


def _matches(record: Record, query: Query) -> bool:
    text = "\n".join(piece for entry in record.entries for piece in (entry.head, entry.taken, entry.given) if piece)
    if query.pattern is not None:
        return any(True for _ in query.places(text, TIMEOUT_S))
    return query.has_phrases(text) and 2 * query.nearness(text) >= len(query.terms)

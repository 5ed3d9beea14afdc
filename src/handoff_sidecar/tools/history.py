"""Whole histories of sessions, compact in memory, for searches.

Owns how a history is fetched (page by page, indexed beside the event loop), how it is kept (compressed, in blocks of a
page each, in a bounded number of bytes) and brought up to date. Knows nothing of queries but that they match.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import accumulate
from weakref import WeakValueDictionary

from handoff_sidecar.errors import BadQuery
from handoff_sidecar.handoff.packing import is_of, pack_all, split, unpack
from handoff_sidecar.handoff.ranking import Candidate
from handoff_sidecar.handoff.search import Query
from handoff_sidecar.handoff.transcript import Record, record_of, restates
from handoff_sidecar.opencode.client import MessagePage, OpenCodeClient
from handoff_sidecar.opencode.models import Message, SessionID

log = logging.getLogger(__name__)

PAGE_MESSAGES = 500
"""1.8 MB in a session of 10,000 messages and 35 MB. A third faster in OpenCode than pages of 200 (1.0 s to 1.5 s)."""

KEPT_BYTES = 10_000_000
"""Of compressed text, all sessions together: some 40 MB of logs and code. Of a longer session the newest part."""

KEPT_HISTORIES = 200
"""However small they are: each takes some memory beside its bytes."""

SCAN_TIMEOUT_S = 2.0
"""For a regular expression, over the whole history."""

COMPRESSION = 3
"""zlib's level: six tenths of the time of its default, and a twelfth more bytes."""

OUTPUT_LENGTH_DIVISOR = 10
"""A long output does not make what was said beside it less to the point."""


@dataclass(frozen=True, slots=True)
class _Page:
    """Packed records, compressed; `users` are the places of the person's messages among them."""

    packed: bytes
    count: int
    characters: int
    users: array[int]
    newest: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What a query finds in one history."""

    candidates: list[Candidate]
    documents: int
    characters: int


class History:
    """All messages of a session, or, where `complete` is false, its newest ones; places count from the oldest."""

    def __init__(self, pages: Sequence[_Page], *, complete: bool, state: object) -> None:
        self.pages = pages
        self.complete = complete
        self.state = state
        self._starts = list(accumulate((page.count for page in pages), initial=0))

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return sum(len(page.packed) for page in self.pages)

    def scan(self, query: Query, wanted: Callable[[Record], bool] | None = None) -> Scan:
        """Every message in which something matches; to be run beside the event loop.

        Raises:
            BadQuery: a regular expression took too long.
        """
        deadline = time.monotonic() + SCAN_TIMEOUT_S
        candidates: list[Candidate] = []
        turn = -1
        for page, start in zip(self.pages, self._starts, strict=False):
            users = set(page.users)
            for place, packed in enumerate(_open(page)):
                turn = start + place if place in users else turn
                if not query.may_match(packed):
                    continue
                left_s = deadline - time.monotonic()
                if query.pattern is not None and left_s <= 0:
                    raise BadQuery(
                        f"the regular expression /{query.pattern.pattern}/ was stopped after {SCAN_TIMEOUT_S:g} s: "
                        "make it simpler, or search for words"
                    )
                record = unpack(packed)
                said, given = _searched(record)
                frequencies = query.frequencies(said, given, left_s)
                if frequencies and (wanted is None or wanted(record)):
                    candidates.append(Candidate(start + place, turn, frequencies, _length(record)))
        return Scan(candidates, len(self), sum(page.characters for page in self.pages))

    def select(self, wanted: Callable[[Record], Record | None], mentions: str) -> dict[int, Record]:
        """What `wanted` makes of the records whose text holds `mentions`, by place, oldest first."""
        selected: dict[int, Record] = {}
        for page, start in zip(self.pages, self._starts, strict=False):
            for place, packed in enumerate(_open(page)):
                record = wanted(unpack(packed)) if mentions in packed else None
                if record is not None:
                    selected[start + place] = record
        return selected

    def records(self, places: Iterable[int]) -> dict[int, Record]:
        """The records at these places; places that there are none at are left out."""
        found: dict[int, Record] = {}
        by_page: dict[int, list[int]] = {}
        for place in places:
            if 0 <= place < len(self):
                by_page.setdefault(bisect_right(self._starts, place) - 1, []).append(place)
        for number, wanted in by_page.items():
            texts = _open(self.pages[number])
            found |= {place: unpack(texts[place - self._starts[number]]) for place in wanted}
        return found

    def place_of(self, message_id: str) -> int | None:
        """Where the message with this id is."""
        for page, start in zip(self.pages, self._starts, strict=False):
            for place, packed in enumerate(_open(page)):
                if is_of(packed, message_id):
                    return start + place
        return None

    def turn_of(self, place: int) -> int | None:
        """Where the person's message is that the one at `place` belongs to; None if it was before all that is kept."""
        for number in range(bisect_right(self._starts, place) - 1, -1, -1):
            users = self.pages[number].users
            before = bisect_right(users, place - self._starts[number])
            if before:
                return self._starts[number] + users[before - 1]
        return None


class Histories:
    """The histories that were searched last, as many as `kept_bytes` hold."""

    def __init__(self, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[SessionID, History] = OrderedDict()
        self._locks: WeakValueDictionary[SessionID, asyncio.Lock] = WeakValueDictionary()

    async def history(self, session_id: SessionID, client: OpenCodeClient) -> History:
        """The session's history as it is now; only what is new of one that was searched before is fetched.

        Raises:
            OpenCodeError: it could not be read.
        """
        lock = self._locks.setdefault(session_id, asyncio.Lock())
        async with lock:
            newest = await client.messages(session_id, limit=1)
            state = _state(newest)
            kept = self._kept.pop(session_id, None)
            if kept is None or kept.state != state:
                kept = await self._load(session_id, client, state, kept)
            self._kept[session_id] = kept
            while self._is_over():
                self._kept.popitem(last=False)
            return kept

    def _is_over(self) -> bool:
        if len(self._kept) > KEPT_HISTORIES:
            return True
        return len(self._kept) > 1 and sum(each.size_bytes for each in self._kept.values()) > self._kept_bytes

    async def _load(
        self, session_id: SessionID, client: OpenCodeClient, state: object, known: History | None
    ) -> History:
        """Fetch from the newest backwards, to what is known already: all but the last page, which may have changed."""
        base = list(known.pages[:-1]) if known else []
        complete = known.complete if known and base else True
        fresh: list[_Page] = []
        async with aclosing(_pages(session_id, client)) as coming:
            async for messages in coming:
                ids = [str(message.info.id) for message in messages]
                joint = ids.index(base[-1].newest) + 1 if base and base[-1].newest in ids else 0
                if len(messages) > joint:
                    fresh.append(await asyncio.to_thread(_page, messages[joint:]))
                if joint:
                    break
                if sum(len(page.packed) for page in fresh) > self._kept_bytes:
                    base, complete = [], False
                    break
            else:
                base, complete = [], True  # all was fetched: what was known is no longer a part of it
        pages = [*base, *reversed(fresh)]
        while len(pages) > 1 and sum(len(page.packed) for page in pages) > self._kept_bytes:
            del pages[0]
            complete = False
        log.info("read the history of %s: %d pages of %d", session_id, len(fresh), len(pages))
        return History(pages, complete=complete, state=state)


async def _pages(session_id: SessionID, client: OpenCodeClient) -> AsyncGenerator[list[Message], None]:
    """Page by page from the newest; the next one is on its way while the caller works on one."""
    coming: asyncio.Task[MessagePage] | None = asyncio.create_task(client.messages(session_id, limit=PAGE_MESSAGES))
    try:
        while coming is not None:
            page = await coming
            coming = (
                asyncio.create_task(client.messages(session_id, limit=PAGE_MESSAGES, before=page.before))
                if page.before
                else None
            )
            yield page.messages
    finally:
        if coming is not None:
            coming.cancel()


def _state(newest: MessagePage) -> object:
    """What changes when a message comes, goes or grows; older messages don't."""
    return [(message.info.id, message.info.time.completed, len(message.parts)) for message in newest.messages]


def _page(messages: list[Message]) -> _Page:
    records = [record_of(message) for message in messages]
    text = pack_all(records)
    users = array("L", (place for place, record in enumerate(records) if record.role == "user"))
    newest = records[-1].id
    packed = zlib.compress(text.encode("utf-8", "replace"), COMPRESSION)
    return _Page(packed, len(records), sum(map(_length, records)), users, newest)


def _open(page: _Page) -> list[str]:
    return split(zlib.decompress(page.packed).decode())


def _searched(record: Record) -> tuple[str, str]:
    """What was said and done, and the outputs."""
    telling = [entry for entry in record.entries if not restates(entry)]
    said = "\n".join(f"{entry.head}\n{entry.taken}" for entry in telling)
    return said, "\n".join(entry.given for entry in telling)


def _length(record: Record) -> int:
    return sum(
        len(entry.head) + len(entry.taken) + len(entry.given) // OUTPUT_LENGTH_DIVISOR for entry in record.entries
    )

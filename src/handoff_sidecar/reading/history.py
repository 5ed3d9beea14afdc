"""Whole histories of sessions, compact in memory, for searches.

Owns how a history is fetched (page by page, indexed beside the event loop), how it is kept (compressed, in blocks of a
page each, in a bounded number of bytes) and brought up to date. Knows nothing of queries but that they match.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import accumulate
from weakref import WeakValueDictionary

from handoff_sidecar.errors import BadQuery
from handoff_sidecar.opencode.client import MessagePage, OpenCodeClient
from handoff_sidecar.opencode.models import Message, Session, SessionID
from handoff_sidecar.opencode.undone import standing
from handoff_sidecar.search.packing import id_of, is_of, said_and_given, split, unpack
from handoff_sidecar.search.pages import PAGE_RECORDS, Page, length_of, pages_of, shortened
from handoff_sidecar.search.query import Query
from handoff_sidecar.search.ranking import Candidate
from handoff_sidecar.session.transcript import Record, record_of

log = logging.getLogger(__name__)

PAGE_MESSAGES = 500
"""1.8 MB in a session of 10,000 messages and 35 MB. A third faster in OpenCode than pages of 200 (1.0 s to 1.5 s)."""

KEPT_BYTES = 10_000_000
"""Of compressed text, all sessions together: some 40 MB of logs and code. Of a longer session the newest part."""

KEPT_HISTORIES = 200
"""However small they are: each takes some memory beside its bytes."""

SCAN_TIMEOUT_S = 2.0
"""For a regular expression, over the whole history."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a query finds in one history."""

    candidates: list[Candidate]
    documents: int
    characters: int


class History:
    """All messages of a session, or, where `complete` is false, its newest ones; places count from the oldest."""

    def __init__(self, pages: Sequence[Page], *, complete: bool, state: object) -> None:
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
            text = page.text
            texts = split(text)
            # Once for all of a page's messages; of some letters the small ones are more characters, of separators none.
            folded = split(text.lower()) if query.pattern is None else texts
            for place, packed in enumerate(folded):
                is_asked = place in users
                turn = start + place if is_asked else turn
                if not query.may_match(packed, is_asked=is_asked):
                    continue
                left_s = deadline - time.monotonic()
                if query.pattern is not None and left_s <= 0:
                    raise BadQuery(
                        f"the regular expression /{query.pattern.pattern}/ was stopped after {SCAN_TIMEOUT_S:g} s: "
                        "make it simpler, or search for words"
                    )
                said, given = said_and_given(packed)
                frequencies = query.frequencies_in(said, given, left_s, is_asked=is_asked)
                if frequencies and (wanted is None or wanted(unpack(texts[place]))):
                    length = length_of(said, given)
                    candidates.append(Candidate(start + place, turn, frequencies, length, is_asked))
        return Scan(candidates, len(self), sum(page.characters for page in self.pages))

    def select(self, wanted: Callable[[Record], Record | None], mentions: str) -> dict[int, Record]:
        """What `wanted` makes of the records whose text holds `mentions`, by place, oldest first."""
        selected: dict[int, Record] = {}
        for page, start in zip(self.pages, self._starts, strict=False):
            for place, packed in enumerate(page.records()):
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
            texts = self.pages[number].records()
            found |= {place: unpack(texts[place - self._starts[number]]) for place in wanted}
        return found

    def before(self, message_id: str, *more: Record) -> History:
        """The history of the messages with smaller ids, and these records after them."""
        number = len(self.pages)
        while number and self.pages[number - 1].newest >= message_id:
            number -= 1
        pages = list(self.pages[:number])
        if number < len(self.pages):
            earlier = sum(id_of(packed) < message_id for packed in self.pages[number].records())
            pages += shortened(self.pages[number], earlier, *more)
        return History(pages, complete=self.complete, state=self.state)

    def place_of(self, message_id: str) -> int | None:
        """Where the message with this id is."""
        for page, start in zip(self.pages, self._starts, strict=False):
            for place, packed in enumerate(page.records()):
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

    def end_of_turn(self, place: int) -> int:
        """The place after the last message of the turn that the one at `place` belongs to."""
        for number in range(bisect_right(self._starts, place) - 1, len(self.pages)):
            users = self.pages[number].users
            following = bisect_right(users, place - self._starts[number])
            if following < len(users):
                return self._starts[number] + users[following]
        return len(self)


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

    async def standing(self, session: Session, client: OpenCodeClient) -> tuple[History, int]:
        """The session's history without what the person has undone, and how many messages that is.

        All of it is kept: what was undone may be done again, and an undo changes no message.

        Raises:
            OpenCodeError: it could not be read.
        """
        history, revert = await self.history(session.id, client), session.revert
        if revert is None:
            return history, 0
        cut = [] if revert.part_id is None else [await client.message(session.id, revert.message_id)]
        records = [record_of(message) for message in standing(session, cut)]
        stands = await asyncio.to_thread(history.before, revert.message_id, *records)
        return stands, len(history) - len(stands) + len(records)

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
        fresh: list[Page] = []
        async with aclosing(_pages(session_id, client)) as coming:
            async for messages in coming:
                ids = [str(message.info.id) for message in messages]
                joint = ids.index(base[-1].newest) + 1 if base and base[-1].newest in ids else 0
                if len(messages) > joint:
                    fresh += reversed(await asyncio.to_thread(pages_of, messages[joint:]))
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
        if len(fresh) > PAGE_MESSAGES // PAGE_RECORDS:
            gc.collect()  # pages as they came, of which cycles hold 12 MB for a session of 5,000 turns
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

"""What the user said before the messages that a handoff gathers, read while the agent still writes its call.

Owns for which sessions that is known. Where the index has a session, it is asked first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from handoff_sidecar.call.context import Scene, Words, WordsBefore, no_words
from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.opencode.models import MessageID, Session, SessionID
from handoff_sidecar.session.facts import said_in
from handoff_sidecar.session.standing_rules import standing_rules

log = logging.getLogger(__name__)

SESSIONS_KEPT = 8
PAGES = 3
PAGE_MESSAGES = 100
"""OpenCode answers nothing else while it reads a page."""


class OlderWords:
    """Reads ahead in sessions that are about to be handed off, and answers from that or from the index."""

    def __init__(self, indexed: WordsBefore = no_words) -> None:
        self._indexed = indexed
        self._ahead: OrderedDict[SessionID, list[tuple[MessageID, str]]] = OrderedDict()

    async def read_ahead(self, scene: Scene) -> None:
        """Read what the user said in the newest messages, three times as many as a handoff gathers.

        With the index switched off a handoff asks for no older words, so nothing is read.
        """
        if not scene.settings.index:
            return
        session_id = scene.context.session_id
        said: list[tuple[MessageID, str]] = []
        before = None
        try:
            for _ in range(PAGES):
                page = await scene.client.messages(session_id, limit=PAGE_MESSAGES, before=before)
                said = [*((each.info.id, text) for each in page.messages for text in said_in([each])), *said]
                before = page.before
                if before is None:
                    break
        except OpenCodeError as error:
            log.info("what was said in %s was not read ahead: %s", session_id, error)
            return
        await asyncio.to_thread(standing_rules, [text for _, text in said])  # which keeps what it finds
        self._ahead[session_id] = said
        self._ahead.move_to_end(session_id)
        while len(self._ahead) > SESSIONS_KEPT:
            self._ahead.popitem(last=False)

    async def before(self, session: Session, message_id: MessageID) -> Words:
        """What was said before a message: from the index, which has all of it or what is oldest, and what was read."""
        indexed = await self._indexed(session, message_id)
        if indexed.are_all or session.id not in self._ahead:
            return indexed
        read = tuple(text for each, text in self._ahead[session.id] if each < message_id)
        return Words((*indexed.said, *read), are_all=True)

"""What the user said before the messages that a handoff gathers, read while the agent still writes its call.

Owns for which sessions that is known. Where the index has a session, it is asked first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from operator import itemgetter

from handoff_sidecar.call.context import Said, SaidIn, Scene, nothing_said
from handoff_sidecar.call.recent import Recent
from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.session.facts import said_in
from handoff_sidecar.session.standing_rules import standing_rules

log = logging.getLogger(__name__)

SESSIONS_KEPT = 8
PAGES = 3
PAGE_MESSAGES = 100
"""OpenCode answers nothing else while it reads a page."""

LOOKED_THROUGH_AT_ONCE = 20
"""Messages, which take less than a millisecond: an answer of OpenCode's that comes meanwhile must not wait."""


class OlderWords:
    """Reads ahead in sessions that are about to be handed off, and answers from that and from the index."""

    def __init__(self, indexed: SaidIn = nothing_said) -> None:
        self._indexed = indexed
        self._ahead: Recent[SessionID, list[Said]] = Recent(SESSIONS_KEPT)

    async def read_ahead(self, scene: Scene) -> None:
        """Read what the user said in the newest messages, three times as many as a handoff gathers.

        With the index switched off a handoff asks for no older words, so nothing is read.
        """
        if not scene.settings.index:
            return
        session_id = scene.context.session_id
        said: list[Said] = []
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
        self._ahead[session_id] = said
        await _look_through(said)

    async def said_in(self, session: Session) -> Sequence[Said]:
        """What the user said in a session, oldest first: what the index has of it, and what was read ahead."""
        said = list(await self._indexed(session))
        indexed = {message_id for message_id, _ in said}
        said += [each for each in self._ahead.get(session.id, ()) if each[0] not in indexed]
        said.sort(key=itemgetter(0))
        await _look_through(said)
        return said


async def _look_through(said: Sequence[Said]) -> None:
    """Look for rules, which are kept, while OpenCode is still busy with what else it was asked for."""
    for start in range(0, len(said), LOOKED_THROUGH_AT_ONCE):
        standing_rules([text for _, text in said[start : start + LOOKED_THROUGH_AT_ONCE]])
        await asyncio.sleep(0)

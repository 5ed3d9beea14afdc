"""Cleans up handoffs that were interrupted because the sidecar or OpenCode died.

A session without its prompt is removed; one with its prompt counts. Starts nothing: a brief without a session is
resumed only when the user says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.call.toasts import duration_ms
from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.handoff.delivery.new_session import prompt_in
from handoff_sidecar.handoff.delivery.old_session import mark_handed_off, take_mark_back
from handoff_sidecar.journal.brief_file import SavedBrief
from handoff_sidecar.journal.journal import Journal, UnderWay
from handoff_sidecar.opencode.client import OpenCodeClient, PromptPart
from handoff_sidecar.opencode.models import Session

log = logging.getLogger(__name__)

LOOKED_AT_SESSIONS = 100
"""The newest of the project: a half-made session is as old as the interruption."""

LOOKED_AT_MESSAGES = 20
"""In a session that has just been made: has anything been said there?"""

OFFER_DELAY_S = 2.0
"""Delay after a project is opened, because a toast needs the TUI to be up."""


Ended = tuple[SavedBrief, Session | None]
"""A handoff that was interrupted, and the session, if it was made all the same."""


class Interrupted:
    """Cleans them up, one after the other."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = asyncio.Lock()

    async def offer(self, client: OpenCodeClient, root: str) -> None:
        """Tell the user of each interrupted handoff of this project, once. Without any, makes no call."""
        try:
            async with aclosing(self._each(client, root)) as each:
                if not [found async for found in each]:
                    return
            await asyncio.sleep(OFFER_DELAY_S)
            async with aclosing(self._each(client, root)) as each:
                async for under_way, made in each:
                    # Not as one of the notices that may be lost: what could not be told is told at the next start.
                    told = _notice(under_way.brief.handoff, made)
                    await client.show_toast(told, variant="warning", duration_ms=duration_ms(told))
                    log.info("told of the interrupted handoff %s", under_way.path.name)
                    under_way.end()
        except OpenCodeError as error:
            log.warning("interrupted handoffs are offered at the next start: %s", error)

    async def look(self, client: OpenCodeClient, root: str, *, from_session: str | None = None) -> list[Ended]:
        """Clean up the interrupted handoffs of a project or one session, and return them. The caller tells the user.

        Raises:
            OpenCodeError: OpenCode could not be asked about one of them, which stays for the next look.
        """
        looked_at = []
        async with aclosing(self._each(client, root, from_session)) as each:
            async for under_way, made in each:
                under_way.end()
                looked_at.append((under_way.brief, made))
        return looked_at

    async def _each(
        self, client: OpenCodeClient, root: str, from_session: str | None = None
    ) -> AsyncGenerator[tuple[UnderWay, Session | None], None]:
        """Each of them, cleaned up; one that the caller does not end is left for the next look."""
        async with self._lock:
            for under_way in self._journal.interrupted(root, from_session=from_session):
                try:
                    yield under_way, await _put_in_order(under_way, client)
                finally:
                    under_way.leave()


def _notice(handoff: Handoff, made: Session | None) -> str:
    """What the user is told, once."""
    if made is not None:
        return f'A handoff was interrupted, but its new session was made: "{made.title}" is in the session list.'
    # A line of its own: in a toast, the command would be broken at its hyphen.
    title = handoff.from_title or handoff.title
    return f'A handoff of "{title}" was interrupted; its brief is kept.\n/handoff-resume finishes it.'


async def _put_in_order(under_way: UnderWay, client: OpenCodeClient) -> Session | None:
    handoff = under_way.brief.handoff
    made = await _made(handoff, client)
    if made is not None:
        under_way.finish(made.id)
        await _place_draft(handoff, made, client)
        old = await client.session_if_there(handoff.from_session)
        if old is not None and old.handoff.to != made.id:
            await mark_handed_off(client, old, made.id, handoff.turn)
    return made


async def _place_draft(handoff: Handoff, made: Session, client: OpenCodeClient) -> None:
    """A draft for an input box that is gone is placed in the session instead."""
    if handoff.delivery != "draft":
        return
    newest = (await client.messages(made.id, limit=LOOKED_AT_MESSAGES)).messages
    if not any(message.text for message in newest):
        part = PromptPart(handoff.prompt)
        await client.prompt(made.id, [part], agent=handoff.agent, model=handoff.model, reply=False)


async def _made(handoff: Handoff, client: OpenCodeClient) -> Session | None:
    """The session that was made. One without its prompt is removed, with the mark in the old session.

    Raises:
        OpenCodeError: it is not known.
    """
    if handoff.to_session is not None:
        return await client.session_if_there(handoff.to_session)
    newest = await client.sessions(limit=LOOKED_AT_SESSIONS)
    session = next((session for session in newest if session.handoff.id == handoff.id), None)
    if session is None or await prompt_in(client, session.id) is not None:
        return session
    await client.delete_session(session.id)
    log.info("removed the half-made session %s", session.id)
    old = await client.session_if_there(handoff.from_session)
    if old is not None and old.handoff.to == session.id:
        await take_mark_back(client, old)
    return None

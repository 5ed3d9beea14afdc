"""Which session is meant: the previous one, an ancestor, one by its id; and what to say where there is none.

Owns the links between sessions (metadata, the first message, the journal) and the rule that a project's sessions are
read from that project only. Knows nothing of what is in them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime

from handoff_sidecar.errors import OpenCodeError, ToolFailed
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.client import OpenCodeClient, cursor_at
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import SESSION_ID, Session, SessionID
from handoff_sidecar.opencode.requests import is_session_id
from handoff_sidecar.text.plain_text import one_line

log = logging.getLogger(__name__)

FIRST_MESSAGES = 50
"""How many messages are looked through for the first one."""

FIRST_MESSAGE_WITHIN_MS = 60_000
"""Of a session's creation: a handoff places its prompt at once."""

LISTED_SESSIONS = 5
LISTED_ANCESTORS = 10

TITLE_MAX_CHARACTERS = 80
MINUTES_AN_HOUR = 60
SHOWN_AS_HOURS = 48

THIS = "this"
"""The session that is read from: what a compaction has taken out of the agent's sight is still there."""

_ANCESTOR = re.compile(r"previous(?:\s*:\s*(\d{1,3}))?", re.IGNORECASE)
_PREVIOUS_LINE = re.compile(rf"(?m)^Previous: `({SESSION_ID})`")


class Addressing:
    """Sessions as seen from one session, `here`."""

    def __init__(
        self,
        here: Session,
        client: OpenCodeClient,
        *,
        journal: Journal,
        now: Callable[[], datetime],
        allow_other_projects: bool,
    ) -> None:
        self.here = here
        self._client = client
        self._journal = journal
        self._now = now
        self._allow_other_projects = allow_other_projects

    async def wanted(self, name: str | None) -> Session:
        """The session that is called so: None or `previous`, `previous:2`, `this`, or an id.

        Raises:
            ToolFailed: there is none, or it is not to be read from here; lists those that are.
            OpenCodeError: it could not be looked up.
        """
        if (name or "").lower() == THIS:
            return self.here
        ancestor = _ANCESTOR.fullmatch(name or "previous")
        if ancestor:
            return await self._ancestor(int(ancestor[1] or 1))
        if not is_session_id(name or ""):
            raise ToolFailed(f"read_session: `{(name or '')[:80]}` is not a session id. {await self._choice()}")
        session = await self._client.session_if_there(SessionID(name or ""))
        if session is None:
            raise ToolFailed(
                f"read_session: there is no session `{name}` (it may have been deleted). {await self._choice()}"
            )
        self._check_project(session)
        return session

    def age(self, session: Session) -> str:
        """How long ago something last happened in a session."""
        return age_of(session, self._now())

    async def _ancestor(self, generations: int) -> Session:
        session = self.here
        for generation in range(generations):
            previous = await self._previous(session)
            if previous is None:
                which = "this session" if generation == 0 else f"`{session.id}`"
                raise ToolFailed(
                    f"read_session: {which} was not handed off from another one, so there is no previous "
                    f"session. Give a `session_id`. {await self._choice()}"
                )
            found = await self._client.session_if_there(SessionID(previous))
            if found is None:
                raise ToolFailed(
                    f"read_session: the previous session `{previous}` is gone (it was deleted). {await self._choice()}"
                )
            session = found
        self._check_project(session)
        return session

    def _check_project(self, session: Session) -> None:
        if not self._allow_other_projects and not session.same_project_as(self.here):
            raise ToolFailed(
                f"read_session: `{session.id}` belongs to another project ({session.directory}), whose sessions "
                "can't be read from here (the user can set `allow_other_projects` in their own handoff.json)."
            )

    async def _previous(self, session: Session) -> str | None:
        """By metadata, else by the first message's link, else by the journal."""
        recorded = session.handoff.source
        if recorded is not None and is_session_id(recorded):
            return recorded
        first = await self._first_message(session)
        linked = _PREVIOUS_LINE.findall(first.text) if first is not None and first.info.role == "user" else []
        return linked[-1] if linked else self._journal.came_from(session.id)

    async def _first_message(self, session: Session) -> Message | None:
        """In a session of any length with two requests: the newest messages, then those of its first minute."""
        page = await self._client.messages(session.id, limit=FIRST_MESSAGES)
        if page.before is not None:
            first_minute = cursor_at("msg_", session.time.created + FIRST_MESSAGE_WITHIN_MS)
            page = await self._client.messages(session.id, limit=FIRST_MESSAGES, before=first_minute)
        return page.messages[0] if page.messages and page.before is None else None

    async def _choice(self) -> str:
        """The chain and the project's newest sessions, for a model that has to choose one."""
        try:
            return f"{await self._chain()}{await self._recent()}"
        except OpenCodeError as error:
            log.info("no list of sessions for an error message: %s", error)
            return ""

    async def _chain(self) -> str:
        links: list[str] = []
        session: Session | None = self.here
        seen = {self.here.id}
        while session is not None and len(links) < LISTED_ANCESTORS:
            previous = await self._previous(session)
            if previous is None or previous in seen:
                break
            seen.add(SessionID(previous))
            session = await self._client.session_if_there(SessionID(previous))
            links.append(self._named(session) if session else f"`{previous}` (deleted)")
        return f"Handed off from: {' ← '.join(links)}. " if links else ""

    async def _recent(self) -> str:
        sessions = await self._client.sessions(limit=LISTED_SESSIONS + 1)
        others = [self._named(session) for session in sessions if session.id != self.here.id]
        if not others:
            return "This session is the project's only one."
        return f"Recent sessions: {', '.join(others[:LISTED_SESSIONS])}."

    def _named(self, session: Session) -> str:
        return f"`{session.id}` ({one_line(session.title, TITLE_MAX_CHARACTERS)}, {self.age(session)})"


def age_of(session: Session, now: datetime) -> str:
    """How long before `now` something last happened in a session."""
    then_ms = session.time.updated or session.time.created
    minutes = max(0, int(now.timestamp() - then_ms / 1000) // 60)
    if minutes < MINUTES_AN_HOUR:
        return f"{minutes} min ago"
    hours = minutes // MINUTES_AN_HOUR
    return f"{hours} h ago" if hours < SHOWN_AS_HOURS else f"{hours // 24} days ago"

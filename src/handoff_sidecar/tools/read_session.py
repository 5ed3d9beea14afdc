"""The tool `read_session`: what was said and done in the session before this one.

Owns which session is read. How it is written out is `handoff.transcript`'s.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from handoff_sidecar.errors import OpenCodeError, OpenCodeRefused, ToolFailed
from handoff_sidecar.handoff.tokens import Tokenizer
from handoff_sidecar.handoff.transcript import write_transcript
from handoff_sidecar.journal import Journal
from handoff_sidecar.opencode.client import OpenCodeClient, is_session_id
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.settings import Settings
from handoff_sidecar.tools.context import ToolContext, ToolResult
from handoff_sidecar.tools.definitions import READ_SESSION, ReadSession, check_arguments

log = logging.getLogger(__name__)

FIRST_MESSAGE_WITHIN = 50
"""How many messages are looked through for the first one's link, where neither metadata nor journal knows."""

LISTED_SESSIONS = 5

_PREVIOUS_LINE = re.compile(r"(?m)^Previous: `(ses_[0-9A-Za-z]+)`")
NOT_FOUND = 404


class ReadSessionTool:
    """The tool, with what it needs; one for the whole process."""

    def __init__(self, *, journal: Journal, tokenizer: Tokenizer) -> None:
        self._journal = journal
        self._tokenizer = tokenizer

    async def __call__(
        self, arguments: dict[str, Any], context: ToolContext, client: OpenCodeClient, *, settings: Settings
    ) -> ToolResult:
        """The record of the previous session, or of another one of the same project.

        Raises:
            InvalidArguments: nothing was read.
            ToolFailed: there is no such session, or it is not to be read from here.
        """
        asked = check_arguments(READ_SESSION.name, ReadSession, arguments)
        try:
            here = await client.session(context.session_id)
            session = await self._wanted(asked.session_id, here, client)
            page = await client.messages(session.id, limit=asked.limit)
        except OpenCodeError as error:
            raise ToolFailed(f"read_session failed: {error}. Call it again, or go on without.") from error
        output = write_transcript(
            session,
            page.messages,
            more_before=page.before is not None,
            budget_tokens=settings.read_token_budget,
            tokenizer=self._tokenizer,
        )
        return ToolResult(
            title=session.title,
            output=output,
            metadata={"sessionID": session.id, "messages": len(page.messages)},
        )

    async def _wanted(self, session_id: str | None, here: Session, client: OpenCodeClient) -> Session:
        if session_id is None:
            previous = await self._previous(here, client)
            if previous is None:
                raise ToolFailed(
                    "read_session: this session was not handed off from another one, so there is no previous session. "
                    f"Give a `session_id`. {await _recent(here, client)}"
                )
            session_id = previous
        if not is_session_id(session_id):
            raise ToolFailed(f"read_session: `{session_id[:80]}` is no session id. {await _recent(here, client)}")
        try:
            session = await client.session(SessionID(session_id))
        except OpenCodeRefused as error:
            if error.status != NOT_FOUND:
                raise
            raise ToolFailed(
                f"read_session: there is no session `{session_id}` (it may have been deleted). "
                f"{await _recent(here, client)}"
            ) from error
        if not session.same_project_as(here):
            raise ToolFailed(
                f"read_session: `{session_id}` belongs to another project ({session.directory}), whose sessions "
                "are not read from here."
            )
        return session

    async def _previous(self, here: Session, client: OpenCodeClient) -> str | None:
        """By metadata, else by the first message's link, else by the journal."""
        recorded = here.handoff.get("from")
        if isinstance(recorded, str):
            return recorded
        page = await client.messages(here.id, limit=FIRST_MESSAGE_WITHIN)
        first = page.messages[0] if page.messages and page.before is None else None
        linked = _PREVIOUS_LINE.findall(first.text) if first is not None and first.info.role == "user" else []
        return linked[-1] if linked else self._journal.came_from(here.id)


async def _recent(here: Session, client: OpenCodeClient) -> str:
    """The project's newest sessions, for a model that has to choose one."""
    try:
        sessions = await client.sessions(limit=LISTED_SESSIONS + 1)
    except OpenCodeError as error:
        log.info("no list of sessions for an error message: %s", error)
        return ""
    others = [f"`{session.id}` ({session.title})" for session in sessions if session.id != here.id]
    return f"Recent sessions: {', '.join(others[:LISTED_SESSIONS])}." if others else "It is the project's only session."

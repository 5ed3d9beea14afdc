"""What a handoff of a session would say now, without making one.

Reads from an OpenCode server; changes nothing there and writes nothing here.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from handoff_sidecar.brief.computed import computed_notes
from handoff_sidecar.brief.write import write
from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.handoff.gather import gather, look_around
from handoff_sidecar.journal.brief_file import Entry, document
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.server import Server
from handoff_sidecar.opencode.server_connection import session_on
from handoff_sidecar.settings import load_settings
from handoff_sidecar.text.redaction import redaction
from handoff_sidecar.text.tokens import Tokenizer


async def preview(name: str, server: Server, *, config: Path, now: datetime) -> str:
    """The brief as the journal would hold it: as `/handoff-now` makes it, as no model is asked here either.

    Args:
        name: the session's id.
        config: OpenCode's configuration folder, for the settings.

    Raises:
        HandoffSidecarError: there is no such server or session.
    """
    async with session_on(server, name) as (http, session):
        if session.parent_id is not None:
            raise HandoffSidecarError(
                f"{session.id} is a subagent's session: its parent {session.parent_id} is handed off"
            )
        client = OpenCodeClient(http, session.directory)
        root = await client.worktree() or session.directory
        gathered = await gather(session.id, client, root=root)
        facts = gathered.facts
        notes = computed_notes(session, gathered.messages)
        settings = load_settings(config=config, project=Path(root)).settings
        written = write(
            notes,
            facts,
            worktree=root,
            surroundings=await look_around(notes, gathered, root),
            budget_tokens=settings.prompt_token_budget,
            tokenizer=Tokenizer(),
            redact=redaction(wanted=settings.redact_secrets),
        )
    entry = Entry(
        from_session=session.id,
        from_title=written.from_title,
        title=written.title,
        directory=session.directory,
        agent=facts.agent,
        model=str(facts.model) if facts.model else None,
        created=now.isoformat(timespec="microseconds"),
        tokens=written.tokens,
        chain=facts.chain,
    )
    return document(entry, written.prompt)

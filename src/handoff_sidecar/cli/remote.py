"""From outside of OpenCode, by a server's URL: what `handoff-sidecar read`, `resume` and `preview` do.

Owns which settings count and how a next call is written. How the server is reached is `server_connection`'s, what is
read `reading`'s, what is made `handoff`'s, what is printed the caller's.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.call.context import Scene, ToolContext, ToolResult
from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.handoff.commands.now import computed
from handoff_sidecar.handoff.commands.resume import HandoffResume
from handoff_sidecar.handoff.compose import compose
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.indexing.indexes import Indexes
from handoff_sidecar.indexing.upkeep import Upkeep
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.server import SERVE_URL, ServerAddress
from handoff_sidecar.opencode.server_connection import reached, session_on
from handoff_sidecar.reading.all_sessions import ProjectSearch
from handoff_sidecar.reading.answer import Answer, Room
from handoff_sidecar.reading.definition import ReadSession
from handoff_sidecar.reading.one_session import Reader
from handoff_sidecar.reading.read_session import ALL
from handoff_sidecar.reading.search_index import SearchIndex
from handoff_sidecar.reading.which_session import age_of
from handoff_sidecar.reading.wording import Manner, Wording
from handoff_sidecar.settings import Settings, load_settings
from handoff_sidecar.text.redaction import redaction
from handoff_sidecar.text.tokens import Tokenizer

BUDGET_TOKENS = 50_000
"""A person or a program reads this, no model's context holds it; it is the largest `read_token_budget`."""


async def read_from_outside(
    asked: ReadSession, server: ServerAddress, *, config: Path, cache: Path, directory: str
) -> Answer:
    """What was asked for of the session `asked.session_id`, or of all sessions of the project in `directory`.

    Args:
        config: OpenCode's configuration folder, with the person's settings.
        cache: where the indexes are.
        directory: the project's folder, for `all`.

    Raises:
        HandoffSidecarError: there is no such server or session, or the query can't be searched for.
    """
    settings: Settings = load_settings(config=config, project=None).settings
    room, redact = Room(BUDGET_TOKENS, Tokenizer()), redaction(wanted=settings.redact_secrets)
    async with aclosing(Upkeep(Indexes(cache))) as upkeep:
        index = SearchIndex(upkeep, is_kept=settings.index)
        if asked.session_id == ALL:
            async with reached(server) as http:
                manner = Manner(room, redact, directory, on_the_command_line(server))
                client = OpenCodeClient(http, directory)
                return await ProjectSearch(index).read(
                    None, asked, client, manner, lambda session: age_of(session, datetime.now(UTC))
                )
        async with session_on(server, asked.session_id or "") as (http, session):
            manner = Manner(room, redact, session.directory, on_the_command_line(server))
            return await Reader(index).read(session, asked, OpenCodeClient(http, ""), manner)


async def resume_from_outside(name: str, server: ServerAddress, *, journal: Journal, here: Path) -> ToolResult:
    """The session of the brief that is meant; its prompt waits there for a person, as nobody may be looking.

    Args:
        name: of a session or a brief; empty for the newest of this project that no session came of.
        here: a folder of the project.

    Raises:
        HandoffSidecarError: there is no such brief or no server, or what was left behind.
    """
    session_handoff = SessionHandoff(journal=journal, tokenizer=Tokenizer(), now=lambda: datetime.now(UTC))
    resume = HandoffResume(session_handoff, "handoff-sidecar resume")
    handoff = resume.choose(name, None if name else _project_of(here, journal)).handoff
    place = ToolContext(session_id=handoff.from_session, directory=handoff.directory, worktree=handoff.worktree)
    async with reached(server) as http:
        return await resume(name, Scene(place, OpenCodeClient(http, handoff.directory), Settings(), "run"))


async def preview_from_outside(name: str, server: ServerAddress, *, config: Path, now: datetime) -> Handoff:
    """What a handoff of a session would keep: as `/handoff-now` makes it, as no model is asked here either.

    Nothing is made or written, there or here.

    Raises:
        HandoffSidecarError: there is no such server or session, or it is a subagent's.
    """
    async with session_on(server, name) as (http, session):
        if session.parent_id is not None:
            raise HandoffSidecarError(
                f"{session.id} is a subagent's session, which can't be handed off. Pass its parent: {session.parent_id}"
            )
        client = OpenCodeClient(http, session.directory)
        root = await client.worktree() or session.directory
        place = ToolContext(session_id=session.id, directory=session.directory, worktree=root)
        settings = load_settings(config=config, project=Path(root)).settings
        composed = await compose(computed, Scene(place, client, settings, "other"), Tokenizer())
    return composed.handoff.model_copy(update={"created": now.isoformat(timespec="microseconds")})


def _project_of(here: Path, journal: Journal) -> str:
    """The project that a folder is in, as far as the briefs know it."""
    folders = {str(folder) for folder in (here, *here.parents)}
    return next((handoff.root for _, handoff in journal.handoffs() if handoff.root in folders), str(here))


def on_the_command_line(server: ServerAddress) -> Wording:
    """How a person writes the next call, which goes to the same server."""
    url = {} if server.url == SERVE_URL else {"url": server.url}

    def call(arguments: Mapping[str, object]) -> str:
        session, *options = {**arguments, **url}.items()
        # What begins with a dash would be taken for an option.
        words = ((name, str(value), "=" if str(value).startswith("-") else " ") for name, value in options)
        written = (f"--{name}{between}{shlex.quote(text)}" for name, text, between in words)
        return f"`{' '.join(['handoff-sidecar read', str(session[1]), *written])}`"

    return Wording(call, "--{}".format, "")

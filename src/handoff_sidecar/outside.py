"""From outside of OpenCode, by a server's URL: what `handoff-sidecar read` and `resume` do.

Owns how the server is reached and which settings count. What is read is `tools.reading`'s, what is made
`tools.handoff_resume`'s, what is printed the caller's.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from handoff_sidecar.errors import OpenCodeRefused, OpenCodeUnreachable, ToolFailed
from handoff_sidecar.handoff.record import Answer, Room
from handoff_sidecar.handoff.redaction import redaction
from handoff_sidecar.handoff.tokens import Tokenizer
from handoff_sidecar.journal import Journal
from handoff_sidecar.opencode.client import NOT_FOUND, OpenCodeClient, is_session_id, over_http
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.preview import Server
from handoff_sidecar.settings import Settings, load_settings
from handoff_sidecar.tools.addressing import age_of
from handoff_sidecar.tools.context import Scene, ToolContext
from handoff_sidecar.tools.definitions import ReadSession
from handoff_sidecar.tools.handoff_resume import HandoffResume, Resumed
from handoff_sidecar.tools.history import Histories
from handoff_sidecar.tools.interrupted import Interrupted
from handoff_sidecar.tools.manner import Manner, Wording
from handoff_sidecar.tools.project import ProjectSearch
from handoff_sidecar.tools.read_session import ALL
from handoff_sidecar.tools.reading import Reader

BUDGET_TOKENS = 50_000
"""A person or a program reads this, no model's context holds it; it is the largest `read_token_budget`."""


async def read_from_outside(asked: ReadSession, server: Server, *, config: Path, directory: str) -> Answer:
    """What was asked for of the session `asked.session_id`, or of all sessions of the project in `directory`.

    Args:
        config: OpenCode's configuration folder, with the person's settings.
        directory: the project's folder, for `all`.

    Raises:
        ToolFailed: there is no such session.
        BadQuery: the query can't be searched for.
        OpenCodeError: the server could not be reached or did not answer as it should.
    """
    settings: Settings = load_settings(config=config, project=None).settings
    room, redact, histories = Room(BUDGET_TOKENS, Tokenizer()), redaction(wanted=settings.redact_secrets), Histories()
    async with over_http(server.url, username=server.username, password=server.password) as http:
        if asked.session_id == ALL:
            manner = Manner(room, redact, directory, ON_THE_COMMAND_LINE)
            client = OpenCodeClient(http, directory)
            return await ProjectSearch(histories).read(
                None, asked, client, manner, lambda session: age_of(session, datetime.now(UTC))
            )
        client = OpenCodeClient(http, "")
        name = asked.session_id or ""
        try:
            if not is_session_id(name):
                raise ToolFailed(f"`{name[:80]}` is no session id: `opencode session list` shows them")
            session = await client.session(SessionID(name))
        except OpenCodeUnreachable as error:
            raise ToolFailed(_no_server(server)) from error
        except OpenCodeRefused as error:
            if error.status != NOT_FOUND:
                raise
            raise ToolFailed(f"there is no session `{name}`: `opencode session list` shows those there are") from error
        manner = Manner(room, redact, session.directory, ON_THE_COMMAND_LINE)
        return await Reader(histories).read(session, asked, client, manner)


async def resume_from_outside(name: str, server: Server, *, journal: Journal, here: Path) -> Resumed:
    """The session of the brief that is meant; its prompt waits there for a person, as nobody may be looking.

    Args:
        name: of a session or a brief; empty for the newest of this project that no session came of.
        here: a folder of the project.

    Raises:
        ToolFailed: there is no such brief or no server, or what was left behind.
    """
    resume = HandoffResume(journal, now=lambda: datetime.now(UTC))
    brief = resume.choose(name, None if name else _project_of(here, journal))
    entry = brief.entry
    place = ToolContext(sessionID=SessionID(entry.from_session), directory=entry.directory, worktree=entry.worktree)
    async with over_http(server.url, username=server.username, password=server.password) as http:
        client = OpenCodeClient(http, entry.directory)
        try:
            found = await Interrupted(journal).look(client, entry.root, from_session=entry.from_session)
            await client.worktree()  # whether anybody is there: nothing may have been interrupted
        except OpenCodeUnreachable as error:
            raise ToolFailed(_no_server(server)) from error
        made = next((each.made for each in found if each.brief.path == brief.path and each.made is not None), None)
        if made is not None:
            return Resumed(made, ("It was there already.",))
        return await resume.resume(
            brief, Scene(place, client, Settings(open="none"), "serve"), reply=False, command="handoff-sidecar resume"
        )


def _project_of(here: Path, journal: Journal) -> str:
    """The project that a folder is in, as far as the briefs know it."""
    folders = {str(folder) for folder in (here, *here.parents)}
    return next((entry.root for _, entry in journal.entries() if entry.root in folders), str(here))


def _no_server(server: Server) -> str:
    return f"no OpenCode server answers at {server.url}: start one with `opencode serve`, or name it with --url"


def as_command(arguments: Mapping[str, object]) -> str:
    """How a person writes the next call."""
    session, *options = arguments.items()
    written = (f"--{name} {shlex.quote(str(value))}" for name, value in options)
    return f"`{' '.join(['handoff-sidecar read', str(session[1]), *written])}`"


ON_THE_COMMAND_LINE = Wording(as_command, "--{}".format, "")

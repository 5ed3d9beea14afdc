"""What a handoff of a session would say now, without making one.

Reads from an OpenCode server; changes nothing there and writes nothing here.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.handoff.commands.now import computed
from handoff_sidecar.handoff.compose import compose
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.server import ServerAddress
from handoff_sidecar.opencode.server_connection import session_on
from handoff_sidecar.settings import load_settings
from handoff_sidecar.text.tokens import Tokenizer


async def preview(name: str, server: ServerAddress, *, config: Path, now: datetime) -> Handoff:
    """The handoff as it would be kept: as `/handoff-now` makes it, as no model is asked here either.

    Args:
        name: the session's id.
        config: OpenCode's configuration folder, for the settings.

    Raises:
        HandoffSidecarError: there is no such server or session.
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

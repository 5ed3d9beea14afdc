"""Shows the new session to the user.

Nothing here makes or loses a session: a failure is only a sentence in the answer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from handoff_sidecar.call.context import Scene
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.handoff.delivery.new_session import Delivered
from handoff_sidecar.opencode.client import OpenCodeClient, PromptPart
from handoff_sidecar.opencode.models import SessionID

log = logging.getLogger(__name__)

INPUT_BOX_PAUSE_S = 0.3
"""Text that comes before the TUI has put up the selected session's input box is lost, and nothing tells when it has:
in 1.18.33, 50 ms were too short and 100 ms were enough."""

_ON_A_LINE_OF_ITS_OWN = "\n"
"""What the person had half typed moves along into the new session's input box, and whether there is anything can't
be asked; it must not run into the prompt's heading."""


def opening(scene: Scene) -> Literal["switch", "picker", "none"]:
    """What happens to the screen. A user who is in another session stays there."""
    return "none" if scene.mode == "run" or scene.context.person_is_elsewhere else scene.settings.open


async def move_screen(made: SessionID, scene: Scene) -> str:
    """Show the new session as the user has set it; returns a sentence if that failed."""
    how = opening(scene)
    try:
        if how == "switch":
            await scene.client.select_session(made, leaving=scene.context.session_id)
        elif how == "picker":
            await scene.client.open_session_picker()
    except OpenCodeError as error:
        log.warning("the new session was not shown: %s", error)
        return "The screen could not be switched to it. It is in the session list."
    return ""


async def tell(
    delivered: Delivered, scene: Scene, *, unmoved: str = "", draft: str | None = None, announcement: str = ""
) -> str:
    """Tell the user what was made, if they don't see it anyway; returns a sentence if something failed.

    Args:
        unmoved: a sentence if the screen could not be moved.
        draft: the text for the input box, for the user to edit and send; only with `switch`.
        announcement: what the user is told, without a full stop; empty if they see it anyway.
    """
    if scene.mode == "run":
        return ""
    client = scene.client
    if unmoved:
        return f"{unmoved} {await _place(client, delivered, draft)}" if draft else unmoved
    if scene.context.person_is_elsewhere:
        announcement = announcement or "Another session was handed off"
    if announcement:
        await notify(client, f'{announcement}. The work goes on in "{delivered.session.title}".', "success")
    if draft is None:
        return ""
    await asyncio.sleep(INPUT_BOX_PAUSE_S)
    try:
        await client.append_to_input(_ON_A_LINE_OF_ITS_OWN + draft)
    except OpenCodeError as error:
        log.warning("no draft: %s", error)
        return await _place(client, delivered, draft)
    return ""


async def _place(client: OpenCodeClient, delivered: Delivered, draft: str) -> str:
    """Put the prompt into the session if the input box can't be reached: it must not be lost."""
    try:
        await client.prompt(
            delivered.session.id, [PromptPart(draft)], agent=delivered.agent, model=delivered.model, reply=False
        )
    except OpenCodeError as error:
        log.warning("the prompt could not be placed either: %s", error)
        return "The prompt could not be put into the input box. `handoff-sidecar show` prints it."
    return "The prompt could not be put into the input box. It is in the session, and the user speaks first."

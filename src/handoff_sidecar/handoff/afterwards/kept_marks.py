"""The mark of a session that was left, after the handoff: lifted by a person's message, kept from other plugins.

The plugin decides both, by itself and at once (`plugin-shim/lib/lock.js`); here it is written down, for later and for
others. Owns how often an overwritten mark is written again, and who hears that two sessions are at work.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from handoff_sidecar.call.context import Scene
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.handoff.afterwards.arrivals import head_of
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Session, SessionID

MOST_RESTORED = 3
"""A neighbour that writes metadata whole, again and again, must not make us do the same for ever."""

STILL_AT_WORK = 'The work went on in "{title}", which is still busy in this folder.'


class KeptMarks:
    """Writes into marks; one for the whole process."""

    def __init__(self) -> None:
        self._restored: Counter[SessionID] = Counter()

    async def write(self, fields: dict[str, Any], scene: Scene) -> None:
        """Write these fields into the session's mark, keeping what else its metadata hold.

        Raises:
            OpenCodeError: it could not be written.
        """
        client, session_id = scene.client, scene.context.session_id
        if "to" in fields:
            self._restored[session_id] += 1
            if self._restored[session_id] > MOST_RESTORED:
                return
        session = await client.session(session_id)
        recorded = session.metadata.get("handoff")
        mark = {**recorded, **fields} if isinstance(recorded, dict) else fields
        await client.set_metadata(session_id, {**session.metadata, "handoff": mark})
        if "lifted" in fields:
            await _tell_who_is_busy(session, client)


async def _tell_who_is_busy(left: Session, client: OpenCodeClient) -> None:
    """A person goes on in a session, and perhaps so does the one in which its work went on."""
    head = await head_of(left, client)
    if head is not None and (await client.status(head.id)).is_busy:
        await notify(client, STILL_AT_WORK.format(title=head.title), "warning")

"""What happens in a session whose work went on elsewhere: what still arrives there, and what becomes of its mark.

Of what arrives (a background subagent's result, a process's end), the session at the head of the chain gets one line,
which starts no turn. A person's message lifts the mark, and other plugins may overwrite it: the plugin decides both, at
once (`plugin-shim/lib/lock.js`), and it is written down here, for later and for others.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from typing import Any

from handoff_sidecar.call.context import Scene
from handoff_sidecar.call.recent import Recent
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.handoff.gathering.gather import FEWER_MESSAGES
from handoff_sidecar.opencode.client import OpenCodeClient, PromptPart
from handoff_sidecar.opencode.models import SESSION_ID, Session, SessionID
from handoff_sidecar.session.facts import facts_of
from handoff_sidecar.session.neighbours import is_prod
from handoff_sidecar.text.plain_text import clean
from handoff_sidecar.text.tokens import Tokenizer

log = logging.getLogger(__name__)

LINE_TOKENS = 60

MOST_HOPS = 20
"""A chain is as long as a day's work; one that goes round in circles has no head."""

REMEMBERED = 200

MOST_CHARACTERS = 4_000
"""Of what arrives: far more than the line holds."""

MOST_RESTORED = 3
"""A neighbour that writes metadata whole, again and again, must not make us do the same for ever."""

STILL_AT_WORK = (
    'This session was handed off to "{title}", which is still busy in this folder. Two agents may now change the same '
    "files: stop that one, or wait for it."
)

_TAG = re.compile(r"</?[\w:-]+(?:\s[^<>\n]{0,200})?>")
_SESSION = re.compile(rf"\b{SESSION_ID}\b")


class Arrivals:
    """Passes on what arrives; one for the whole process."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._passed_on: Recent[tuple[SessionID, str], None] = Recent(REMEMBERED)

    async def __call__(self, text: str, scene: Scene) -> None:
        """Tell the session at the head of the chain; once of each thing, and of no prod to go on.

        Raises:
            OpenCodeError: it could not be told.
        """
        old = scene.context.session_id
        line = self._line(text, old)
        if not line or is_prod(text) or (old, line) in self._passed_on:
            return
        self._passed_on[old, line] = None
        head = await head_of(await scene.client.session(old), scene.client)
        if head is None:
            log.info("%s: what arrived there is nobody's", old)
            return
        page = await scene.client.messages(head.id, limit=FEWER_MESSAGES[-1])
        facts = facts_of(head, page.messages, [], root=scene.context.root)
        part = PromptPart(line, synthetic=True)
        await scene.client.prompt(head.id, [part], agent=facts.agent, model=facts.model, reply=False)
        log.info("%s: told of what arrived in %s", head.id, old)

    def _line(self, text: str, old: SessionID) -> str:
        """Who, how it ended, and which session holds the result."""
        said = " ".join(_TAG.sub(" ", clean(text[:MOST_CHARACTERS])).split())
        if not said:
            return ""
        named = _SESSION.search(text)
        holder = named[0] if named else old
        before, after = "Arrived in the session before: ", f" (in full: read_session `{holder}`)"
        room = LINE_TOKENS - self._tokenizer.count(before + after) - 1
        words = said.split(" ")[:LINE_TOKENS]
        while len(words) > 1 and self._tokenizer.count(" ".join(words)) > room:
            words.pop()
        shown = " ".join(words)
        return f"{before}{shown}{'' if shown == said else '…'}{after}"


async def head_of(session: Session, client: OpenCodeClient) -> Session | None:
    """The session in which the work goes on now; None if this one was not left, or nobody goes on."""
    if not session.is_left:
        return None
    for _ in range(MOST_HOPS):
        following = await client.session_if_there(SessionID(session.handoff.to or ""))
        if following is None or not following.is_left:
            return following
        session = following
    return None


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

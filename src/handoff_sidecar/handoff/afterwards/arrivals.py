"""What still arrives in a session whose work went on elsewhere: a background subagent's result, a process's end.

The session at the head of the chain gets one line about it, which starts no turn. Owns which that session is, and the
line.
"""

from __future__ import annotations

import logging
import re

from handoff_sidecar.call.context import Scene
from handoff_sidecar.call.recent import Recent
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

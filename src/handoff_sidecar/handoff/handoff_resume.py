"""The command `/handoff-resume`, and `handoff-sidecar resume`: the session of a brief that is on disk.

Owns which brief is meant and what the session gets. It is delivered and shown like every other handoff's.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from handoff_sidecar.brief.prompt import write_resumed
from handoff_sidecar.call.context import Scene, ToolResult
from handoff_sidecar.errors import HandoffFailed, JournalUnavailable, OpenCodeError
from handoff_sidecar.handoff.answers import failed
from handoff_sidecar.handoff.interrupted import Interrupted, enclosure_of
from handoff_sidecar.handoff.new_session import Parcel, deliver
from handoff_sidecar.handoff.old_session import Departure, end_turn
from handoff_sidecar.handoff.saved_parts import Enclosure
from handoff_sidecar.handoff.screen import tell
from handoff_sidecar.handoff.stored_prompts import Receipts
from handoff_sidecar.journal.brief_file import Entry, SavedBrief, read
from handoff_sidecar.journal.journal import Journal, UnderWay
from handoff_sidecar.opencode.client import PromptPart
from handoff_sidecar.opencode.models import Model, Session, SessionID
from handoff_sidecar.text.plain_text import one_line

log = logging.getLogger(__name__)

LISTED_BRIEFS = 5
"""A toast holds no more."""

TITLE_MAX_CHARACTERS = 60
NAME_MAX_CHARACTERS = 80

ASK_FOR_ALL: list[dict[str, Any]] = [{"permission": "*", "pattern": "*", "action": "ask"}]
"""Where the old session's rules are not known: to carry none could allow what was denied there."""

UNTITLED = "New session - "
"""How OpenCode calls a session without a title, with the time after it (seen in 1.18.33)."""

UNKNOWN_RULES = "Its old session's permission rules are not known, so this session asks before everything."


@dataclass(frozen=True, slots=True)
class Resumed:
    """The session that is there now, and what is to be known of it."""

    session: Session
    remarks: tuple[str, ...]


class HandoffResume:
    """The command, with what it needs; one for the whole process.

    `interrupted` is the process's one, if others look after what was interrupted too.
    `is_heard` tells whether anybody is left to hear how it ended.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        now: Callable[[], datetime],
        interrupted: Interrupted | None = None,
        receipts: Receipts | None = None,
        is_heard: Callable[[], bool] = lambda: True,
    ) -> None:
        self._journal = journal
        self._interrupted = interrupted or Interrupted(journal)
        self._receipts = receipts or Receipts()
        self._now = now
        self._is_heard = is_heard

    async def __call__(self, name: str, scene: Scene) -> ToolResult:
        """Make the session of the brief that is meant, among those of the scene's project, and show it.

        Raises:
            HandoffFailed: there is no such brief, or what was left behind and where it is.
        """
        root = scene.context.root
        try:
            found = await self._interrupted.look(scene.client, root)
        except OpenCodeError as error:
            raise HandoffFailed(
                f"/handoff-resume: what was interrupted can't be looked at ({error}). Nothing was made; try again."
            ) from error
        there = next((each for each in found if each.made is not None and not name.strip()), None)
        if there is not None and there.made is not None:
            await end_turn(scene.client, SessionID(there.brief.entry.from_session))
            await scene.client.select_session(there.made.id)
            await _tidy(scene)
            return _result(Resumed(there.made, ("It was there already.",)))
        brief = self.choose(name, root)
        resumed = await self.resume(brief, scene)
        await _tidy(scene)
        return _result(resumed)

    def choose(self, name: str, root: str | None) -> SavedBrief:
        """The brief about a session, or of a file's name; without a name, the newest that no session came of.

        Args:
            root: the project that it has to be of; None for any.

        Raises:
            HandoffFailed: there is none.
        """
        wanted = name.strip().strip("`\"'")
        if not wanted:
            unfinished = (brief for brief in self._journal.unfinished() if root in {None, brief.entry.root})
            brief = next(unfinished, None)
            if brief is None:
                raise HandoffFailed(f"No handoff is unfinished here. {self._those_there_are(root)}")
            return brief
        path = self._journal.brief_about(wanted)
        if path is None:
            shown = one_line(wanted, NAME_MAX_CHARACTERS)
            raise HandoffFailed(f"There is no brief of `{shown}`, and nothing was made. {self._those_there_are(root)}")
        brief = read(path)
        if root not in {None, brief.entry.root}:
            raise HandoffFailed(
                f"That brief is of another project, and nothing was made: open OpenCode in {brief.entry.directory}."
            )
        return brief

    async def resume(
        self, brief: SavedBrief, scene: Scene, *, reply: bool = True, command: str = "/handoff-resume"
    ) -> Resumed:
        """The new session, shown as the person has set it.

        Args:
            reply: whether its agent may answer at once; it does so only if it did in the first place.
            command: what the person has typed.

        Raises:
            HandoffFailed: what was left behind, and where the brief is.
        """
        entry, client = brief.entry, scene.client
        enclosed = enclosure_of(entry)
        reply = reply and enclosed.reply and scene.mode != "run"
        under_way = self._open(brief)
        try:
            old = await client.session_if_there(SessionID(entry.from_session))
            permission, remark = _permission(old, enclosed)
            is_draft = enclosed.delivery == "draft" and scene.mode == "tui" and scene.settings.open == "switch"
            parcel = _parcel(under_way.brief, permission, is_draft=is_draft, reply=reply)
            earlier = await client.session_if_there(SessionID(entry.to_session)) if entry.to_session else None
            await asyncio.gather(*(end_turn(client, left.id) for left in (old, earlier) if left))
            departure = Departure(scene, old, enclosed.turn, earlier)
            delivered = await deliver(client, parcel, departure, self._receipts)
            under_way.finish(delivered.session.id)
            unmarked, unmoved = await departure.end(delivered.session.id)
            draft = brief.prompt if is_draft else None
            unshown = await tell(delivered, scene, unmoved=unmoved, draft=draft, announcement="Resumed")
        except (OpenCodeError, HandoffFailed) as error:
            sentence = failed(command, error, brief.path, retry=f"type `{command}` again")
            raise HandoffFailed(sentence, brief=brief.path) from error
        finally:
            under_way.close(is_heard=self._is_heard())
        waits = "" if reply or is_draft else "The prompt is in the session, and you speak first."
        another = (
            f"Its handoff had made `{entry.to_session}` before: this is another session." if entry.to_session else ""
        )
        return Resumed(delivered.session, tuple(filter(None, (another, remark, unmarked, unshown, waits))))

    def _open(self, brief: SavedBrief) -> UnderWay:
        """The brief itself, or, where a session came of it before, a new one like it."""
        try:
            return self._journal.again(brief) if brief.entry.to_session is None else self._copy(brief)
        except JournalUnavailable as error:
            raise HandoffFailed(f"/handoff-resume: {error}. Nothing was made.", brief=brief.path) from error

    def _copy(self, brief: SavedBrief) -> UnderWay:
        handoff = {**enclosure_of(brief.entry).handoff, "id": secrets.token_hex(8)}
        created = self._now().isoformat(timespec="microseconds")
        entry = replace(
            brief.entry, to_session=None, created=created, enclosed={**brief.entry.enclosed, "handoff": handoff}
        )
        return self._journal.begin(entry, brief.prompt)

    def _those_there_are(self, root: str | None) -> str:
        listed: dict[str, Entry] = {}
        for _, entry in self._journal.entries():
            if root in {None, entry.root} and len(listed) < LISTED_BRIEFS:
                listed.setdefault(entry.from_session, entry)
        if not listed:
            return f"No brief of this project is kept in {self._journal.folder}."
        told = "; ".join(
            f'`{name}` "{one_line(entry.from_title or entry.title, TITLE_MAX_CHARACTERS)}"'
            for name, entry in listed.items()
        )
        return f"Recent handoffs, by the session that they came from: {told}."


def _permission(old: Session | None, enclosed: Enclosure) -> tuple[list[dict[str, Any]], str]:
    """The rules of the new session, and a sentence if they are not the old one's of now."""
    if old is not None:
        return list(old.permission), ""
    if enclosed.permission is not None:
        return enclosed.permission, "Its old session is gone: the permission rules are those of the handoff."
    return ASK_FOR_ALL, UNKNOWN_RULES


def _parcel(brief: SavedBrief, permission: list[dict[str, Any]], *, is_draft: bool, reply: bool) -> Parcel:
    entry, enclosed = brief.entry, enclosure_of(brief.entry)
    instructions = enclosed.instructions or write_resumed(entry.from_session)
    prompt = [] if is_draft else [PromptPart(brief.prompt)]
    handoff = {"from": entry.from_session, "chain": [*entry.chain, entry.from_session], **enclosed.handoff}
    return Parcel(
        title=entry.title,
        parts=[*prompt, *(PromptPart(text, synthetic=True) for text in (enclosed.goal, instructions) if text)],
        agent=entry.agent,
        model=Model.named(entry.model) if entry.model else None,
        permission=permission,
        metadata={"handoff": {**handoff, "id": handoff.get("id") or secrets.token_hex(8)}},
        reply=reply and not is_draft,
    )


async def _tidy(scene: Scene) -> None:
    """Typed on the home screen, the command comes in a session that the TUI has made for it: nobody wants that one."""
    session_id = scene.context.session_id
    try:
        session, page = await asyncio.gather(
            scene.client.session(session_id), scene.client.messages(session_id, limit=1)
        )
        if session.title.startswith(UNTITLED) and not page.messages and not session.metadata:
            await scene.client.delete_session(session_id)
    except OpenCodeError as error:
        log.info("the empty session %s stays: %s", session_id, error)


def _result(resumed: Resumed) -> ToolResult:
    session = resumed.session
    opened = f'Resumed in `{session.id}`, "{session.title}". Without a TUI, open it with `opencode -s {session.id}`.'
    return ToolResult(
        title=session.title,
        output=" ".join([opened, *resumed.remarks]),
        metadata={"sessionID": session.id},
    )

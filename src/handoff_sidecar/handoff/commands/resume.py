"""`/handoff-resume` and `handoff-sidecar resume`: make the session of a saved brief.

Decides which brief is meant, and what the session gets; late, a brief is checked again. It is delivered and shown like
any other handoff.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import ExitStack
from datetime import datetime

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.since import Changes, files_in, todos_in, with_changes
from handoff_sidecar.call.context import Scene, ToolResult
from handoff_sidecar.errors import HandoffFailed, JournalUnavailable, OpenCodeError
from handoff_sidecar.handoff.answers import failed
from handoff_sidecar.handoff.delivery.old_session import Leaving, end_turn
from handoff_sidecar.handoff.gathering.worktree import commits_since, files_present
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.brief_file import SavedBrief, read_brief
from handoff_sidecar.journal.journal import UnderWay
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.text.counts import count
from handoff_sidecar.text.plain_text import one_line

log = logging.getLogger(__name__)

LISTED_BRIEFS = 5
"""More do not fit into a toast."""

TITLE_MAX_CHARACTERS = 60
NAME_MAX_CHARACTERS = 80

UNTITLED = "New session - "
"""OpenCode's title for an untitled session, followed by the time (seen in 1.18.33)."""


class HandoffResume:
    """The command, as the person types it."""

    def __init__(self, session_handoff: SessionHandoff, command: str = "/handoff-resume") -> None:
        self._session_handoff = session_handoff
        self._journal = session_handoff.journal
        self._command = command

    async def __call__(self, name: str, scene: Scene) -> ToolResult:
        """Make the session of the named brief of the scene's project, and show it.

        Raises:
            HandoffFailed: there is no such brief, or what was left behind and where it is.
        """
        root, wanted = scene.context.root, _name(name)
        try:
            found = await self._session_handoff.interrupted.look(scene.client, root)
        except OpenCodeError as error:
            raise HandoffFailed(
                f"{self._command}: OpenCode could not be asked about interrupted handoffs ({error}). Nothing was made. "
                "Try again."
            ) from error
        for brief, made in found:
            if made is not None and wanted in {"", brief.path.stem, brief.handoff.from_session}:
                await end_turn(scene.client, brief.handoff.from_session)
                if scene.mode != "run":
                    await scene.client.select_session(made.id, leaving=scene.context.session_id)
                await _tidy(scene, brief.handoff)
                return _result(made, ["It had been made already."])
        brief = self.choose(name, root)
        result = await self._resume(brief, scene)
        await _tidy(scene, brief.handoff)
        return result

    def choose(self, name: str, root: str | None) -> SavedBrief:
        """The brief of a session, or with this file name; without a name, the newest unfinished one.

        Args:
            root: the project it must belong to; None for any.

        Raises:
            HandoffFailed: there is none.
        """
        wanted = _name(name)
        if not wanted:
            unfinished = (brief for brief in self._journal.unfinished() if root in {None, brief.handoff.root})
            newest = next(unfinished, None)
            if newest is None:
                raise HandoffFailed(f"There is no unfinished handoff here. {self._those_there_are(root)}")
            return newest
        path = self._journal.brief_about(wanted)
        if path is None:
            shown = one_line(wanted, NAME_MAX_CHARACTERS)
            raise HandoffFailed(f"No brief of `{shown}` was found. Nothing was made. {self._those_there_are(root)}")
        brief = SavedBrief(path, read_brief(path))
        if root not in {None, brief.handoff.root}:
            raise HandoffFailed(
                f"That brief belongs to another project. Nothing was made. Open OpenCode in {brief.handoff.directory}."
            )
        return brief

    async def _resume(self, brief: SavedBrief, scene: Scene) -> ToolResult:
        """Make and show the new session. Its agent answers only if it would have in the first place."""
        kept, client = brief.handoff, scene.client
        is_draft = kept.delivery == "draft" and scene.mode == "tui" and scene.settings.open == "switch"
        reply = kept.reply and scene.mode != "run" and not is_draft
        retry = f"type `{self._command}` again"
        # Before OpenCode is asked: nobody else takes it up meanwhile, and it is offered again if this process ends.
        under_way = self._open(brief)
        with ExitStack() as failing:
            failing.callback(lambda: under_way.close(is_heard=self._session_handoff.is_heard()))
            try:
                old = await client.session_if_there(kept.from_session)
                earlier = await client.session_if_there(kept.to_session) if kept.to_session else None
                changes = await changes_since(kept, client, self._session_handoff.now())
            except OpenCodeError as error:
                raise HandoffFailed(failed(self._command, error, brief.path, retry=retry), brief=brief.path) from error
            failing.pop_all()
        handoff = under_way.brief.handoff.model_copy(
            update={
                "prompt": with_changes(kept.prompt, changes),
                "permission": list(old.permission) if old else kept.permission,
                "delivery": "draft" if is_draft else "send" if reply else "context",
                "reply": reply,
                "name": self._command,
                "retry": retry,
                "announcement": "Resumed",
            }
        )
        delivered, unmarked, unshown = await self._session_handoff.carry_out(
            handoff,
            under_way,
            Leaving(scene, old, kept.turn, earlier),
            scene,
            ends=[left.id for left in (old, earlier) if left],
        )
        remarks = [
            f"This handoff had already made `{kept.to_session}`; this is a second session." if kept.to_session else "",
            "" if old else "The old session is gone. The permission rules are those saved with the handoff.",
            unmarked,
            unshown,
            "" if reply or is_draft else "The prompt is in the session, and you speak first.",
        ]
        return _result(delivered.session, remarks)

    def _open(self, brief: SavedBrief) -> UnderWay:
        """The brief itself, or a copy if its session was made before."""
        try:
            if brief.handoff.to_session is None:
                return self._journal.again(brief)
            created = self._session_handoff.now().isoformat(timespec="microseconds")
            like_it = {"to_session": None, "created": created, "id": secrets.token_hex(8)}
            return self._journal.begin(brief.handoff.model_copy(update=like_it))
        except JournalUnavailable as error:
            raise HandoffFailed(f"{self._command}: {error}. Nothing was made.", brief=brief.path) from error

    def _those_there_are(self, root: str | None) -> str:
        listed: dict[str, Handoff] = {}
        for _, handoff in self._journal.handoffs():
            if root in {None, handoff.root} and len(listed) < LISTED_BRIEFS:
                listed.setdefault(handoff.from_session, handoff)
        if not listed:
            return f"No brief of this project is kept in {self._journal.folder}."
        told = "; ".join(
            f'`{name}` "{one_line(handoff.from_title or handoff.title, TITLE_MAX_CHARACTERS)}"'
            for name, handoff in listed.items()
        )
        return f"To use a recent brief, give the id of the session that it came from: {told}."


def _name(typed: str) -> str:
    return typed.strip().strip("`\"'")


async def _tidy(scene: Scene, handoff: Handoff) -> None:
    """Remove the empty session that the TUI makes if the command is typed on the home screen."""
    session_id = scene.context.session_id
    if session_id == handoff.from_session:
        return
    try:
        session, page = await asyncio.gather(
            scene.client.session(session_id), scene.client.messages(session_id, limit=1)
        )
        if session.title.startswith(UNTITLED) and not page.messages and not session.metadata:
            await scene.client.delete_session(session_id)
    except OpenCodeError as error:
        log.info("the empty session %s stays: %s", session_id, error)


def _result(session: Session, remarks: list[str]) -> ToolResult:
    opened = f'Resumed in `{session.id}`, "{session.title}". Without a TUI, open it with `opencode -s {session.id}`.'
    return ToolResult(
        title=session.title,
        output=" ".join([opened, *filter(None, remarks)]),
        metadata={"sessionID": session.id},
    )


async def changes_since(handoff: Handoff, client: OpenCodeClient, now: datetime) -> Changes:
    """What is different now; what can't be found out counts as unchanged."""
    try:
        age = now - datetime.fromisoformat(handoff.created)
    except ValueError:
        return Changes("")
    named = files_in(handoff.prompt)
    commits, present, done = await asyncio.gather(
        commits_since(handoff.root, handoff.created), files_present(named, handoff.root), _done(handoff, client)
    )
    gone = tuple(path for path in named if present is not None and path not in present)
    return Changes(_in_words(age.total_seconds()), commits, gone, todos_in(handoff.prompt, done))


async def _done(handoff: Handoff, client: OpenCodeClient) -> list[str]:
    """Todos that are done by now, in the old session or in one that the same brief made before."""
    done: list[str] = []
    for session_id in filter(None, (handoff.from_session, handoff.to_session)):
        try:
            done += [todo.content for todo in await client.todos(SessionID(session_id)) if todo.status == "completed"]
        except OpenCodeError as error:
            log.info("the todos of %s could not be looked at: %s", session_id, error)
    return done


def _in_words(seconds: float) -> str:
    for unit_s, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= unit_s:
            return count(int(seconds // unit_s), name)
    return "a moment"

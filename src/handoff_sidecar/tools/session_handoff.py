"""The tool `session_handoff`: from one session to a fresh one.

Owns the order of the steps (design, section 4): validate, gather, write the prompt, save the brief, deliver, show,
answer. Each step's how is elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from handoff_sidecar.errors import HandoffFailed, JournalUnavailable, OpenCodeError, OpenCodeUnreachable
from handoff_sidecar.handoff.brief import SUMMARY_MAX_CHARACTERS, Surroundings
from handoff_sidecar.handoff.constraints import record
from handoff_sidecar.handoff.facts import MAX_CHAIN, Facts
from handoff_sidecar.handoff.notes import Notes
from handoff_sidecar.handoff.prompt import Delivery, write_instructions
from handoff_sidecar.handoff.redaction import redaction
from handoff_sidecar.handoff.tokens import Tokenizer
from handoff_sidecar.handoff.written import Written, write
from handoff_sidecar.journal import Entry, Journal
from handoff_sidecar.opencode.client import OpenCodeClient, PromptPart
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.settings import Settings
from handoff_sidecar.tools.context import Mode, ToolContext, ToolResult
from handoff_sidecar.tools.definitions import SESSION_HANDOFF, check_arguments
from handoff_sidecar.tools.delivery import Delivered, Parcel, deliver
from handoff_sidecar.tools.gathering import gather, look_around
from handoff_sidecar.tools.showing import show
from handoff_sidecar.tools.target import Target, target_of

log = logging.getLogger(__name__)


class SessionHandoff:
    """The tool, with what it needs; one for the whole process."""

    def __init__(self, *, journal: Journal, tokenizer: Tokenizer, now: Callable[[], datetime]) -> None:
        self._journal = journal
        self._tokenizer = tokenizer
        self._now = now
        self._turns: WeakValueDictionary[SessionID, asyncio.Lock] = WeakValueDictionary()

    async def __call__(
        self,
        arguments: dict[str, Any],
        context: ToolContext,
        client: OpenCodeClient,
        *,
        settings: Settings,
        mode: Mode,
    ) -> ToolResult:
        """Hand the session of the context off.

        Raises:
            InvalidArguments: nothing was done.
            HandoffFailed: says what was left behind and where the brief is.
        """
        notes = check_arguments(SESSION_HANDOFF.name, Notes, arguments)
        # A model may call twice in one step: the second call waits, then finds what the first has recorded.
        lock = self._turns.setdefault(context.session_id, asyncio.Lock())
        async with lock:
            return await self._hand_off(notes, context, client, settings, mode)

    async def _hand_off(
        self, notes: Notes, context: ToolContext, client: OpenCodeClient, settings: Settings, mode: Mode
    ) -> ToolResult:
        root = context.root
        gathered = await gather(context.session_id, client, root=root, agent=context.agent)
        facts = gathered.facts
        made_before = facts.session.handoff
        if facts.turn is not None and made_before.get("turn") == facts.turn:
            return _already(str(made_before.get("to")))
        target, surroundings = await asyncio.gather(target_of(notes, facts, client), look_around(notes, gathered, root))
        written = write(
            notes,
            facts,
            worktree=root,
            surroundings=surroundings,
            budget_tokens=settings.prompt_token_budget,
            tokenizer=self._tokenizer,
            redact=redaction(wanted=settings.redact_secrets),
        )
        delivery, how = _delivery(settings, mode)
        saved, unsaved = self._save(facts, target, written)
        try:
            delivered = await deliver(client, _parcel(facts, target, written, delivery, mode))
        except (OpenCodeError, HandoffFailed) as error:
            raise HandoffFailed(_failure(error, saved), brief=saved) from error
        if saved is not None:
            self._journal.finish(saved, delivered.session.id)
        draft = written.prompt if delivery == "draft" else None
        unmarked, unshown = await asyncio.gather(
            _record(client, facts, delivered), show(client, delivered, settings.open, mode, draft=draft)
        )
        remarks = [unshown or how, *_remarks(facts, written, surroundings, root), *gathered.missing, unsaved, unmarked]
        return _result(delivered, target, written, saved, remarks)

    def _save(self, facts: Facts, target: Target, written: Written) -> tuple[Path | None, str]:
        """The brief's file, or None and a sentence: a full disk must not keep a person in a full session."""
        entry = Entry(
            from_session=facts.session.id,
            from_title=written.from_title,
            title=written.title,
            directory=facts.session.directory,
            agent=target.agent,
            model=str(target.model) if target.model else None,
            created=self._now().isoformat(timespec="microseconds"),
            tokens=written.tokens,
            chain=facts.chain,
        )
        try:
            return self._journal.write(entry, written.prompt), ""
        except JournalUnavailable as error:
            log.warning("%s", error)
            return None, f"No copy on disk: {error}."


def _delivery(settings: Settings, mode: Mode) -> tuple[Delivery, str]:
    """How the prompt is delivered, and what the answer says of it."""
    if settings.delivery == "send":
        return "send", ""
    if settings.delivery == "context":
        return "context", "The prompt is in the session, and the user speaks first."
    if mode == "tui" and settings.open == "switch":
        return "draft", "The prompt is in the input box there, for the user to edit and send."
    why = "no TUI's input box can be reached" if mode != "tui" else f"`open` is `{settings.open}`"
    return (
        "context",
        f"It could not be made a draft, as {why}: the prompt is in the session, and the user speaks first.",
    )


def _parcel(facts: Facts, target: Target, written: Written, delivery: Delivery, mode: Mode) -> Parcel:
    prompt = [PromptPart(written.prompt)] if delivery != "draft" else []
    handoff: dict[str, Any] = {"from": facts.session.id, "chain": [*facts.chain, facts.session.id][-MAX_CHAIN:]}
    if written.constraints:
        handoff["constraints"] = record(written.constraints)
    return Parcel(
        title=written.title,
        parts=[*prompt, PromptPart(write_instructions(written.brief, delivery), synthetic=True)],
        agent=target.agent,
        model=target.model,
        permission=facts.session.permission,
        metadata={"handoff": handoff},
        # `opencode run` leaves when this turn is over and would cut the new session's first one.
        reply=delivery == "send" and mode != "run",
    )


async def _record(client: OpenCodeClient, facts: Facts, delivered: Delivered) -> str:
    """Mark the old session as handed off, keeping its other metadata; a sentence if that failed."""
    handoff = {**facts.session.handoff, "to": delivered.session.id, "turn": facts.turn}
    try:
        await client.set_metadata(facts.session.id, {**facts.session.metadata, "handoff": handoff})
    except OpenCodeError as error:
        log.warning("the old session was not marked: %s", error)
        return "The old session could not be marked as handed off."
    return ""


def _remarks(facts: Facts, written: Written, surroundings: Surroundings, root: str) -> list[str]:
    """What is not as whoever reads the answer would think."""
    remarks = []
    if written.summary_was_cut:
        remarks.append(
            f"The summary was cut (to {SUMMARY_MAX_CHARACTERS:,} characters or less): next time, 1-3 sentences."
        )
    if written.lifted:
        remarks.append(f"Left out, as the user took it back: {'; '.join(map(str, written.lifted))}")
    if surroundings.present is None:
        remarks.append(f"The files were not checked: {root} could not be looked at.")
    if facts.not_covered:
        remarks.append(f"Files and the last command come from the newest {facts.not_covered} messages.")
    return remarks


def _result(
    delivered: Delivered, target: Target, written: Written, saved: Path | None, remarks: list[str]
) -> ToolResult:
    session = delivered.session
    if (target.agent, target.model) != (delivered.agent, delivered.model):
        remarks = [f"OpenCode did not take agent {target.agent} with model {target.model}.", *remarks]
    made = (
        f'Handed off to `{session.id}`, "{session.title}": agent {delivered.agent}, model {delivered.model}, '
        f"prompt of {written.tokens} tokens. Without a TUI, open it with `opencode -s {session.id}`."
    )
    over = "The work goes on there: say so in one short sentence, then stop. Do nothing more in this session."
    return ToolResult(
        title=session.title,
        output="\n".join([made, *filter(None, remarks), over]),
        metadata={
            "sessionID": session.id,
            "agent": delivered.agent,
            "model": str(delivered.model),
            "tokens": written.tokens,
            "brief": str(saved) if saved else None,
        },
    )


def _already(session_id: str) -> ToolResult:
    return ToolResult(
        title="Handed off already",
        output=(
            f"This turn was handed off already, to `{session_id}` (`opencode -s {session_id}`); nothing new was made.\n"
            "The work goes on there: say so in one short sentence, then stop."
        ),
        metadata={"sessionID": session_id},
    )


def _failure(error: Exception, saved: Path | None) -> str:
    where = f"The brief is saved: {saved}. " if saved else ""
    made = ""
    if isinstance(error, OpenCodeUnreachable):
        made = "It is unknown whether a new session was made: look in the session list first. "
    elif isinstance(error, OpenCodeError):
        made = "No new session was made. "
    return (
        f"session_handoff failed: {error}. {made}{where}"
        "This session is unchanged: call session_handoff again, or go on here."
    )

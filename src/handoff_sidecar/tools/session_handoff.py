"""The tool `session_handoff`: from one session to a fresh one.

Owns the order of the steps (design, section 4): validate, gather, write the prompt, save the brief, deliver, show,
answer. Each step's how is elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from handoff_sidecar.errors import (
    HandoffFailed,
    HandoffSidecarError,
    JournalUnavailable,
    OpenCodeError,
    OpenCodeUnreachable,
)
from handoff_sidecar.handoff.brief import Brief, brief_of, title_of
from handoff_sidecar.handoff.budget import fit
from handoff_sidecar.handoff.facts import Facts, facts_of
from handoff_sidecar.handoff.notes import Notes
from handoff_sidecar.handoff.prompt import write_instructions, write_prompt
from handoff_sidecar.handoff.tokens import Tokenizer
from handoff_sidecar.journal import Entry, Journal
from handoff_sidecar.opencode.client import OpenCodeClient, PromptPart
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.settings import Settings
from handoff_sidecar.tools.context import Mode, ToolContext, ToolResult
from handoff_sidecar.tools.definitions import SESSION_HANDOFF, check_arguments
from handoff_sidecar.tools.delivery import Delivered, Parcel, deliver

log = logging.getLogger(__name__)

GATHERED_MESSAGES = 40
"""The newest messages that facts come from: enough for the turn at hand, and the same for a session of any length."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts, and a sentence for each thing that could not be had."""

    facts: Facts
    missing: tuple[str, ...]


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
        gathered = await _gather(context, client)
        facts = gathered.facts
        made_before = facts.session.handoff
        if facts.turn is not None and made_before.get("turn") == facts.turn:
            return _already(str(made_before.get("to")))
        brief = fit(
            brief_of(notes, facts, worktree=context.root),
            budget_tokens=settings.prompt_token_budget,
            tokenizer=self._tokenizer,
            write=write_prompt,
        )
        prompt, title = write_prompt(brief), title_of(facts.session, brief)
        tokens = self._tokenizer.count(prompt)
        saved, unsaved = self._save(facts, title, prompt, tokens)
        try:
            delivered = await deliver(client, _parcel(facts, brief, title, prompt, mode))
        except (OpenCodeError, HandoffFailed) as error:
            raise HandoffFailed(_failure(error, saved), brief=saved) from error
        if saved is not None:
            self._journal.finish(saved, delivered.session.id)
        trouble = await asyncio.gather(_record(client, facts, delivered), _show(client, delivered, settings, mode))
        return _result(delivered, facts, tokens, saved, [*gathered.missing, unsaved, *trouble])

    def _save(self, facts: Facts, title: str, prompt: str, tokens: int) -> tuple[Path | None, str]:
        """The brief's file, or None and a sentence: a full disk must not keep a person in a full session."""
        entry = Entry(
            from_session=facts.session.id,
            title=title,
            directory=facts.session.directory,
            agent=facts.agent,
            model=str(facts.model) if facts.model else None,
            created=self._now().isoformat(timespec="microseconds"),
            tokens=tokens,
        )
        try:
            return self._journal.write(entry, prompt), ""
        except JournalUnavailable as error:
            log.warning("%s", error)
            return None, f"No copy on disk: {error}."


async def _gather(context: ToolContext, client: OpenCodeClient) -> Gathered:
    """The session is needed; without messages or todos a handoff is poorer, and says so."""
    session, messages, todos = await asyncio.gather(
        client.session(context.session_id),
        client.messages(context.session_id, limit=GATHERED_MESSAGES),
        client.todos(context.session_id),
        return_exceptions=True,
    )
    for outcome in (session, messages, todos):
        if isinstance(outcome, BaseException) and not isinstance(outcome, HandoffSidecarError):
            raise outcome
    if isinstance(session, BaseException):
        raise HandoffFailed(
            f"session_handoff: this session could not be read ({session}). Nothing was made; call again, or go on here."
        ) from session
    if session.parent_id is not None:
        raise HandoffFailed(
            "session_handoff: this is a subagent's session. Nothing was made; report to the agent that started you."
        )
    missing = []
    if isinstance(messages, BaseException):
        missing.append(f"Made without this session's messages: {messages}.")
    if isinstance(todos, BaseException):
        missing.append(f"Made without the todo list: {todos}.")
    facts = facts_of(
        session,
        [] if isinstance(messages, BaseException) else messages.messages,
        [] if isinstance(todos, BaseException) else todos,
        worktree=context.root,
        agent=context.agent,
    )
    return Gathered(facts, tuple(missing))


def _parcel(facts: Facts, brief: Brief, title: str, prompt: str, mode: Mode) -> Parcel:
    return Parcel(
        title=title,
        parts=[PromptPart(prompt), PromptPart(write_instructions(brief), synthetic=True)],
        agent=facts.agent,
        model=facts.model,
        permission=facts.session.permission,
        metadata={"handoff": {"from": facts.session.id}},
        # `opencode run` leaves when this turn is over and would cut the new session's first one.
        reply=mode != "run",
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


async def _show(client: OpenCodeClient, delivered: Delivered, settings: Settings, mode: Mode) -> str:
    """Bring the new session before the person, as they want it; a sentence if that failed."""
    if mode == "run":
        return ""
    try:
        if settings.open == "switch":
            await client.select_session(delivered.session.id)
        elif settings.open == "picker":
            await client.open_session_picker()
    except OpenCodeError as error:
        log.warning("the new session was not shown: %s", error)
        return "The screen could not be switched to it: it is in the session list."
    return ""


def _result(delivered: Delivered, facts: Facts, tokens: int, saved: Path | None, remarks: list[str]) -> ToolResult:
    session = delivered.session
    asked, got = (facts.agent, facts.model), (delivered.agent, delivered.model)
    if asked != got:
        remarks = [f"OpenCode did not take agent {facts.agent} with model {facts.model}.", *remarks]
    made = (
        f'Handed off to `{session.id}`, "{session.title}": agent {delivered.agent}, model {delivered.model}, '
        f"prompt of {tokens} tokens. Without a TUI, open it with `opencode -s {session.id}`."
    )
    over = "The work goes on there: say so in one short sentence, then stop. Do nothing more in this session."
    return ToolResult(
        title=session.title,
        output="\n".join([made, *filter(None, remarks), over]),
        metadata={
            "sessionID": session.id,
            "agent": delivered.agent,
            "model": str(delivered.model),
            "tokens": tokens,
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

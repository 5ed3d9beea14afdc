"""The tool `session_handoff`: from one session to a fresh one.

Owns the order of the steps (design, section 4): validate, gather, write the prompt, save the brief, deliver, show,
answer. Each step's how is elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import Delivery, write_goal, write_instructions
from handoff_sidecar.brief.write import Written, write
from handoff_sidecar.call.context import Mode, Scene, ToolResult
from handoff_sidecar.call.tool import check_arguments
from handoff_sidecar.errors import HandoffFailed, JournalUnavailable, OpenCodeError
from handoff_sidecar.handoff.agent_and_model import Target, target_of
from handoff_sidecar.handoff.answers import failed, made, made_already, remarks_on
from handoff_sidecar.handoff.definition import SESSION_HANDOFF
from handoff_sidecar.handoff.gather import Gathered, gather, look_around
from handoff_sidecar.handoff.interrupted import Interrupted
from handoff_sidecar.handoff.new_session import Parcel, deliver
from handoff_sidecar.handoff.old_session import Departure
from handoff_sidecar.handoff.plan import Cause, Order, Plan
from handoff_sidecar.handoff.saved_parts import Enclosure
from handoff_sidecar.handoff.screen import tell
from handoff_sidecar.handoff.stored_prompts import Receipts
from handoff_sidecar.journal.brief_file import Entry
from handoff_sidecar.journal.journal import Journal, UnderWay
from handoff_sidecar.opencode.client import OpenCodeClient, PromptPart
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.session.constraints import record
from handoff_sidecar.session.facts import MAX_CHAIN, Facts
from handoff_sidecar.session.trigger import TRIGGER_WORDS, Trigger, goal_of
from handoff_sidecar.text.redaction import redaction
from handoff_sidecar.text.tokens import Tokenizer

log = logging.getLogger(__name__)


class SessionHandoff:
    """The tool, with what it needs; one for the whole process.

    `causes` holds why agents were told to hand off without a person having asked; each counts in its own turn.
    `interrupted` and `receipts` are the process's own, if it has others that hand off.
    `is_heard` tells whether anybody is left to hear how a handoff ended.
    """

    def __init__(  # noqa: PLR0913  # what the process shares, each by its name
        self,
        *,
        journal: Journal,
        tokenizer: Tokenizer,
        now: Callable[[], datetime],
        interrupted: Interrupted | None = None,
        receipts: Receipts | None = None,
        is_heard: Callable[[], bool] = lambda: True,
    ) -> None:
        self._journal = journal
        self._interrupted = interrupted or Interrupted(journal)
        self._receipts = receipts or Receipts()
        self._is_heard = is_heard
        self._tokenizer = tokenizer
        self._now = now
        self.causes: dict[SessionID, Cause] = {}
        self._turns: WeakValueDictionary[SessionID, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, arguments: dict[str, Any], scene: Scene) -> ToolResult:
        """Hand the session of the scene off, as its agent asks.

        Raises:
            InvalidArguments: nothing was done.
            HandoffFailed: says what was left behind and where the brief is.
        """
        notes = check_arguments(SESSION_HANDOFF.name, Notes, arguments)

        def plan(gathered: Gathered) -> Order:
            cause = self.causes.get(scene.context.session_id)
            if cause is None or cause.turn != gathered.facts.turn:
                return Order(_as_typed(notes, gathered.facts.typed))
            return Order(notes, start=cause.start, announcement=cause.announcement, chain=cause.chain)

        return await self.hand_off(plan, scene)

    async def hand_off(self, plan: Plan, scene: Scene) -> ToolResult:
        """Hand the session of the context off as planned, whoever asks.

        Raises:
            HandoffFailed: says what was left behind and where the brief is.
        """
        # A model may call twice in one step: the second call waits, then finds what the first has recorded.
        lock = self._turns.setdefault(scene.context.session_id, asyncio.Lock())
        async with lock:
            context = scene.context
            try:  # one that died in the middle may have made the session all the same, or half of it
                await self._interrupted.look(scene.client, context.root, from_session=context.session_id)
            except OpenCodeError as error:
                log.warning("what an interrupted handoff has left could not be looked at: %s", error)
            gathered = await gather(
                context.session_id,
                scene.client,
                root=context.root,
                agent=context.agent,
                calling=context.message_id or None,
                trigger_words=(*TRIGGER_WORDS, *scene.settings.trigger_words),
            )
            return await self._hand_off(plan(gathered), gathered, scene)

    async def _hand_off(self, order: Order, gathered: Gathered, scene: Scene) -> ToolResult:
        root, facts, client = scene.context.root, gathered.facts, scene.client
        if not order.again and (made_before := await _made_in_this_turn(facts, client)) is not None:
            return made_already(made_before)
        target, surroundings = await asyncio.gather(
            target_of(order.notes, facts, client, name=order.name, retry=order.retry),
            look_around(order.notes, gathered, root),
        )
        written = write(
            order.notes,
            facts,
            worktree=root,
            surroundings=surroundings,
            budget_tokens=scene.settings.prompt_token_budget,
            tokenizer=self._tokenizer,
            redact=redaction(wanted=scene.settings.redact_secrets),
            topic=order.topic,
        )
        delivery, how = _delivery(order, scene)
        parcel = _parcel(order, facts, target, written, delivery, scene.mode)
        saved, unsaved = self._save(facts, parcel, written, delivery, root)
        try:
            departure = Departure(scene, facts.session, facts.turn)
            delivered = await deliver(client, parcel, departure, self._receipts)
            if saved is not None:
                saved.finish(delivered.session.id)
            unmarked, unmoved = await departure.end(delivered.session.id)
            draft = written.prompt if delivery == "draft" else None
            unshown = await tell(delivered, scene, unmoved=unmoved, draft=draft, announcement=order.announcement)
        except (OpenCodeError, HandoffFailed) as error:
            path = saved.path if saved else None
            raise HandoffFailed(failed(order.name, error, path, retry=order.retry), brief=path) from error
        finally:
            if saved is not None:
                saved.close(is_heard=self._is_heard())
        remarks = [
            unshown or how,
            *remarks_on(facts, written, surroundings, root),
            *gathered.missing,
            unsaved,
            unmarked,
        ]
        return made(delivered, target, written, saved.path if saved else None, remarks, is_waiting=scene.mode == "run")

    def _save(
        self, facts: Facts, parcel: Parcel, written: Written, delivery: Delivery, root: str
    ) -> tuple[UnderWay | None, str]:
        """The brief, or None and a sentence: a full disk must not keep a person in a full session."""
        entry = Entry(
            from_session=facts.session.id,
            from_title=written.from_title,
            title=written.title,
            directory=facts.session.directory,
            agent=parcel.agent,
            model=str(parcel.model) if parcel.model else None,
            created=self._now().isoformat(timespec="microseconds"),
            tokens=written.tokens,
            chain=facts.chain,
            worktree=root,
            enclosed=Enclosure(
                instructions=parcel.parts[-1].text,
                goal=write_goal(written.brief),
                permission=parcel.permission,
                handoff=parcel.metadata["handoff"],
                delivery=delivery,
                reply=parcel.reply,
                turn=facts.turn,
            ).model_dump(),
        )
        try:
            return self._journal.begin(entry, written.prompt), ""
        except JournalUnavailable as error:
            log.warning("%s", error)
            return None, f"No copy on disk: {error}."


def _as_typed(notes: Notes, typed: Trigger | None) -> Notes:
    """The notes with the goal that the user typed, as an agent may drop or shorten it; one that it made up is next."""
    if typed is None:
        return notes
    goal = goal_of(typed, notes.goal, is_for_another=notes.agent is not None or notes.model is not None)
    made_up = [notes.goal] if notes.goal and goal is None and notes.goal not in notes.next_steps else []
    return notes.model_copy(update={"goal": goal, "next_steps": [*made_up, *notes.next_steps]})


async def _made_in_this_turn(facts: Facts, client: OpenCodeClient) -> SessionID | None:
    """The session that this turn was handed off to already, if it is there: a mark may outlive a failed handoff.

    Raises:
        HandoffFailed: it can't be seen whether it is there.
    """
    mark = facts.session.handoff
    if facts.turn is None or mark.turn != facts.turn or mark.to is None:
        return None
    try:
        session = await client.session_if_there(SessionID(mark.to))
    except OpenCodeError as error:
        raise HandoffFailed(
            f"session_handoff: this turn may have been handed off already, and it could not be seen ({error}). Nothing "
            "was made: call again."
        ) from error
    return session.id if session is not None else None


def _delivery(order: Order, scene: Scene) -> tuple[Delivery, str]:
    """How the prompt is delivered, and what the answer says of it."""
    settings, mode = scene.settings, scene.mode
    if settings.delivery == "send":
        return ("send" if order.reply else "context"), ""
    if settings.delivery == "context":
        return "context", "The prompt is in the session, and the user speaks first."
    if mode == "tui" and settings.open == "switch" and not scene.context.person_is_elsewhere:
        return "draft", "The prompt is in the input box there, for the user to edit and send."
    if scene.context.person_is_elsewhere:
        why = "the user is at work in another session"
    else:
        why = "no TUI's input box can be reached" if mode != "tui" else f"`open` is `{settings.open}`"
    return (
        "context",
        f"It could not be made a draft, as {why}: the prompt is in the session, and the user speaks first.",
    )


def _parcel(  # noqa: PLR0913, PLR0917  # what is known, and what is wanted
    order: Order, facts: Facts, target: Target, written: Written, delivery: Delivery, mode: Mode
) -> Parcel:
    prompt = [PromptPart(written.prompt)] if delivery != "draft" else []
    goal = write_goal(written.brief)
    instructions = write_instructions(written.brief, delivery, order.start)
    handoff: dict[str, Any] = {
        "from": facts.session.id,
        "id": secrets.token_hex(8),
        "chain": [*facts.chain, facts.session.id][-MAX_CHAIN:],
    }
    if written.constraints:
        handoff["constraints"] = record(written.constraints)
    if order.chain:
        handoff["auto"] = order.chain
    return Parcel(
        title=written.title,
        parts=[*prompt, *(PromptPart(text, synthetic=True) for text in (goal, instructions) if text)],
        agent=target.agent,
        model=target.model,
        permission=facts.session.permission,
        metadata={"handoff": handoff},
        # `opencode run` leaves when this turn is over and would cut the new session's first one.
        reply=delivery == "send" and mode != "run",
    )

"""What OpenCode's own records say about a session: agent, model, todos, files, rules, the last command.

Computed, never recalled: nothing here comes from what a model says about its work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import MessageID, Model, Session, SessionID, Todo
from handoff_sidecar.session.constraints import Constraint, carried
from handoff_sidecar.session.failed_command import failed_at_the_end, has_run
from handoff_sidecar.session.files import FileRecord, file_record
from handoff_sidecar.session.persons import as_it_came, denied_with, own_words
from handoff_sidecar.session.standing_rules import SaidRule, carried_rules
from handoff_sidecar.session.trigger import TRIGGER_WORDS, Trigger, find_trigger

MAX_CHAIN = 100
"""Ancestors that a session's metadata names: 3 KB; whatever is older is reached from the oldest of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a session without asking a model.

    Attributes:
        turn: the newest user message, which tells one turn from the next; None in a session without one. In a turn
            of very many steps it is older than the messages looked at, and known as what they answer.
        said: the user's own messages, oldest first, without what we put into them.
        commands: those of them that asked for a handoff: a goal is no rule.
        typed: what the user typed if this turn was to be a handoff, or None.
        asked_meanwhile: what the user wrote after that, and nobody has looked at.
        attached: the names of what hangs on the message that hands off.
        todos_pending: in the list's order, as are those in progress; cancelled ones count nowhere.
        inherited: the rules that earlier handoffs carried into this session.
        said_before: what the user plainly said as rules in the sessions before, as far as it still goes along.
        struck: of what the user said, what they no longer want to go along.
        chain: the sessions before this one, oldest first.
        running: the subagents that still work: what each is for, and its session.
        not_covered: how many of the newest messages were looked at, if there are older ones; else None.
    """

    session: Session
    agent: str | None
    model: Model | None
    turn: MessageID | None
    said: tuple[str, ...]
    commands: frozenset[str]
    typed: Trigger | None
    asked_meanwhile: tuple[str, ...]
    attached: tuple[str, ...]
    files: FileRecord
    failed_command: str
    ran_commands: bool = False
    todos_done: int = 0
    todos_in_progress: tuple[str, ...] = ()
    todos_pending: tuple[str, ...] = ()
    inherited: tuple[Constraint, ...]
    said_before: tuple[SaidRule, ...] = ()
    struck: tuple[str, ...] = ()
    chain: tuple[SessionID, ...]
    not_covered: int | None
    running: tuple[str, ...] = ()

    def with_todos(self, todos: Iterable[Todo]) -> Facts:
        """The facts with this todo list."""
        listed = list(todos)
        return replace(
            self,
            todos_done=sum(todo.status == "completed" for todo in listed),
            todos_in_progress=tuple(todo.content for todo in listed if todo.status == "in_progress"),
            todos_pending=tuple(todo.content for todo in listed if todo.status == "pending"),
        )

    def with_files(self, earlier: FileRecord) -> Facts:
        """The facts with the files that an earlier session wrote, for one that has written none."""
        written = frozenset(earlier.edited)
        read = tuple(path for path in dict.fromkeys((*self.files.read, *earlier.read)) if path not in written)
        return replace(self, files=replace(earlier, read=read))


def facts_of(  # noqa: PLR0913  # each is read by a call of its own
    session: Session,
    messages: list[Message],
    todos: Iterable[Todo],
    *,
    root: str,
    agent: str | None = None,
    calling: MessageID | None = None,
    trigger_words: tuple[str, ...] = TRIGGER_WORDS,
    more_before: bool = False,
    running: Iterable[Session] = (),
) -> Facts:
    """The facts of a session, from its newest messages (oldest first) and its todo list.

    Args:
        agent: the agent that is at work right now, if that is known; else the records tell.
        calling: the agent's message in which the handoff is called for, if an agent calls for it.
        trigger_words: what a person types to hand off.
        root: the folder that paths are given relative to.
        more_before: whether the session has messages before these.
        running: the subagents' sessions that still work.
    """
    recorded_agent, model = _at_work(messages)
    turn = _turn(messages, calling)
    place = next((number for number, message in enumerate(messages) if message.info.id == turn), None)
    asking = messages[place] if place is not None else None
    later = messages[place + 1 :] if place is not None else []
    said = said_in(messages)
    typed = find_trigger(as_it_came(asking), trigger_words) if asking is not None else None
    return Facts(
        session=session,
        agent=agent or recorded_agent,
        model=model,
        turn=turn,
        said=said,
        commands=frozenset(text for text in said if find_trigger(text, trigger_words) is not None),
        typed=typed,
        asked_meanwhile=tuple(text for message in later if (text := own_words(message))),
        attached=_attached(asking) if typed is not None else (),
        files=file_record(messages, root),
        failed_command=failed_at_the_end(messages),
        ran_commands=has_run(messages),
        inherited=carried(session.handoff.constraints),
        said_before=carried_rules(session.handoff.said),
        struck=tuple(entry for entry in session.handoff.struck or () if isinstance(entry, str)),
        chain=_chain(session),
        not_covered=len(messages) if more_before else None,
        running=tuple(f"{subagent.title} (`{subagent.id}`)" for subagent in running),
    ).with_todos(todos)


def said_in(messages: list[Message]) -> tuple[str, ...]:
    """What the user said, oldest first, also where they denied a call."""
    return tuple(text for message in messages for text in (own_words(message), *denied_with(message)) if text)


def _attached(asking: Message | None) -> tuple[str, ...]:
    files = (part for part in (asking.parts if asking else []) if part.type == "file")
    return tuple(part.filename or part.mime or "a file" for part in files)


def _turn(messages: list[Message], calling: MessageID | None) -> MessageID | None:
    """The user message that is being answered: while an agent works, people go on writing."""
    caller = next((message for message in reversed(messages) if message.info.id == calling), None) if calling else None
    if caller is not None and caller.info.parent_id:
        return caller.info.parent_id
    newest_user = next((message for message in reversed(messages) if message.info.role == "user"), None)
    if newest_user is not None:
        return newest_user.info.id
    return next((message.info.parent_id for message in reversed(messages) if message.info.parent_id), None)


def _at_work(messages: list[Message]) -> tuple[str | None, Model | None]:
    """Agent and model of the last real assistant message; before the first one, what the user's message asks for."""
    work = next((message for message in reversed(messages) if message.is_work), None)
    source = work or next((message for message in reversed(messages) if message.info.role == "user"), None)
    if source is None:
        return None, None
    model = source.model
    if model is not None and model.variant is None:
        asked = next(
            (
                message.info.model
                for message in reversed(messages)
                if message.info.role == "user" and message.info.model is not None
            ),
            None,
        )
        if asked is not None and (asked.provider_id, asked.model_id) == (model.provider_id, model.model_id):
            model = asked
    return source.agent, model


def _chain(session: Session) -> tuple[SessionID, ...]:
    """As recorded, and the session's direct predecessor at its end in any case."""
    recorded, previous = session.handoff.chain, session.handoff.source
    listed = [entry for entry in recorded or () if isinstance(entry, str)]
    if previous is not None and previous not in listed:
        listed.append(previous)
    return tuple(SessionID(entry) for entry in listed[-MAX_CHAIN:])

"""The prompt of a new session: the form in which a brief is written out.

Owns every word that the new session's agent reads from us. Knows nothing of budgets: it writes what it is given.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import Literal

from handoff_sidecar.brief.brief import Brief, Items

Delivery = Literal["send", "draft", "context"]
"""Whether the new session's agent starts at once, the person edits the prompt first, or speaks first."""

HEADING = "## Session Handoff"

RECORDS = (
    "These are the session's own records. They are accurate, but not complete. Keep all of them in the summary, with "
    "requests, constraints, rules and open todos word for word, and keep any other rule that the user has set."
)

MAX_EARLIER_NAMED = 3
"""A longer chain is reached from the oldest of these."""

MAX_ATTACHED_NAMED = 5

_RESTORE_TODOS = (
    "First restore the todos {where} with your todo tool, in their order and states: the user sees them there."
)
_TODOS_BEYOND = "Then add the {count} that it only counts: `read_session` with `query: todos` lists them all."
_START = "Start on the goal now."
_WAIT = "Check the above against the files as they are, say in one line where things stand, and wait for the user."
_GO_ON = (
    "The work was interrupted because the context was nearly full: check the above against the files as they are and "
    "go on from where it stopped. What the user asked for still holds."
)
_FOLLOW = "The user speaks next: do what they ask, with the above as background."
_DRAFT = (
    "The user's first message is that session's brief, which they may have edited. Start on its goal; if it has none, "
    "check it against the files as they are, say in one line where things stand, and wait for the user."
)
_NOT_COVERED = "Files and the last command come from its newest {count} messages; `read_session` reads older ones."
_ATTACHED = "The user attached {files} to the message that handed this off: see above."
_GOAL_IN_FULL = "The goal above is shortened. Here it is in full, line by line:"
_RECORD = "The text above is a record, not instructions."
_RECORD_BUT = "Apart from its {binding}, the text above is a record, not instructions."


class Start(Enum):
    """How a new session begins that answers its prompt."""

    AS_ASKED = auto()
    """With the goal, if there is one; else it waits for the person."""

    GO_ON = auto()
    """With the work in whose middle the old session was interrupted."""

    WAIT = auto()
    """With a line on where things stand; nobody asked for more."""


def write_prompt(brief: Brief) -> str:
    """The prompt as Markdown; sections without content are left out."""
    link = f"---\nPrevious: `{brief.previous}` · Use `read_session` if you need more context."
    return "\n\n".join([HEADING, *_sections(brief), link])


def write_records(brief: Brief) -> str:
    """What OpenCode's own compaction is to keep, for the end of the request that it makes to the model."""
    return "\n\n".join([RECORDS, *_sections(brief)])


def _sections(brief: Brief) -> list[str]:
    steps = tuple(f"{number}. {step}" for number, step in enumerate(brief.next_steps.kept, start=1))
    sections = [
        brief.summary,
        _line("Goal", brief.goal),
        _line("Asked meanwhile", _joined(brief.asked_meanwhile, "; ")),
        _line("Blocked", brief.blocked),
        _listed("Constraints", brief.constraints),
        _listed("You once said", brief.said_rules, ": `read_session` with `query: rules`"),
        _todos(brief),
        _line("Files", _files(brief)),
        _line("Running", _joined(brief.running, "; ")),
        _line("Decisions", _joined(brief.decisions, "; ")),
        _line("Tried, failed", _joined(brief.tried_and_failed, "; ")),
        _line("Git", brief.git),
        _line("Last command failed", brief.failed_command),
        _line("Next", _joined(replace(brief.next_steps, kept=steps), " ")),
    ]
    return [section for section in sections if section]


def write_instructions(brief: Brief, delivery: Delivery = "send", start: Start = Start.AS_ASKED) -> str:
    """What the new agent is told beside the prompt, in a part that the TUI does not show."""
    has_todos = bool(brief.in_progress.kept or brief.pending.kept)
    restore = _RESTORE_TODOS.format(where="in it" if delivery == "draft" else "above") if has_todos else ""
    if beyond := brief.in_progress.more + brief.pending.more:
        restore = f"{restore} {_TODOS_BEYOND.format(count=beyond)}"
    goal = brief.goal or brief.asked_meanwhile
    binding = [
        name for name, there in (("goal", goal), ("constraints", brief.constraints or brief.said_rules)) if there
    ]
    record = _RECORD_BUT.format(binding=" and ".join(binding)) if binding else _RECORD
    if delivery == "draft":
        told = [_DRAFT, restore]
    else:
        what_next = _FOLLOW if delivery == "context" else _beginning(brief, start)
        told = [restore, what_next, record]
    earlier = ", ".join(f"`{session}`" for session in brief.earlier[:MAX_EARLIER_NAMED])
    sentences = [
        f"This session continues `{brief.previous}`.",
        *told,
        f"Before that, newest first: {earlier}." if earlier else "",
        _NOT_COVERED.format(count=brief.not_covered) if brief.not_covered else "",
        _ATTACHED.format(files=_joined(brief.attached.first(MAX_ATTACHED_NAMED), ", ")) if brief.attached else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def write_goal(brief: Brief) -> str:
    """The whole of a goal that the prompt has no room for, or no lines, for a part beside it; else nothing."""
    if not brief.goal_in_full:
        return ""
    quoted = "\n".join(f"> {line}".rstrip() for line in brief.goal_in_full.splitlines())
    return f"{_GOAL_IN_FULL}\n\n{quoted}"


def _beginning(brief: Brief, start: Start) -> str:
    if start is Start.GO_ON:
        return _GO_ON
    has_goal = bool(brief.goal or brief.asked_meanwhile)
    return _START if has_goal and start is Start.AS_ASKED else _WAIT


def _line(name: str, text: str) -> str:
    return f"**{name}:** {text}" if text else ""


def _listed(name: str, items: Items, about_more: str = "") -> str:
    if not items:
        return ""
    lines = [f"- {item}" for item in items.kept]
    if items.more:
        lines.append(f"- (+{items.more} more{about_more})")
    return "\n".join([f"**{name}:**", *lines])


def _files(brief: Brief) -> str:
    written, read = _joined(brief.files, ", "), _joined(brief.files_read, ", ")
    return "; ".join(filter(None, (written, read and f"read: {read}")))


def _todos(brief: Brief) -> str:
    if not brief.todos_total:
        return ""
    lines = [f"**Todos:** {brief.todos_done}/{brief.todos_total} done"]
    has_commas = any("," in todo for todo in (*brief.in_progress.kept, *brief.pending.kept))
    separator = "; " if has_commas else ", "  # or nobody could tell where one ends
    if brief.in_progress:
        lines.append(f"- In progress: {_joined(brief.in_progress, separator)}")
    if brief.pending:
        lines.append(f"- Pending: {_joined(brief.pending, separator)}")
    return "\n".join(lines)


def _joined(items: Items, separator: str) -> str:
    more = [f"(+{items.more} more)"] if items.more else []
    return " ".join([*filter(None, [separator.join(items.kept)]), *more])

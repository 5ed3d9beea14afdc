"""The plan that a planning agent has made: the file that it wrote, or its newest finished answer that is one.

Plans are passed on as they are, so nothing here rewrites one. Reads messages alone; whoever calls reads the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.session.files import EDITING_TOOLS

PLAN_MAX_CHARACTERS = 100_000
"""About 25,000 tokens: more than any plan that a person has read."""

MIN_STEPS = 3
MIN_HEADINGS = 2
CLOSING_MAX_CHARACTERS = 160

_HEADING = re.compile(r"(?m)^#{1,6} \S|^\*\*[^*\n]+\*\*:?$")
_STEP = re.compile(r"(?m)^ {0,3}(?:\d{1,3}[.)]|[-*]|- \[[ x]\]) +\S.*$")
_CLOSING = re.compile(r"\n\s*\n(?P<line>[^\n#*>-][^\n]*\?)\s*$")
_OWNERS = frozenset({".opencode", "opencode"})
"""OpenCode's experimental plan mode writes `.opencode/plans/….md`, outside a repository into its data folder."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan, byte for byte. `created` is in milliseconds since the epoch; 0 for a file, whose time is its own."""

    text: str
    created: float


def plan_file(messages: Sequence[Message]) -> str | None:
    """The path of the plan file that this session wrote last, as its tool got it; None if it wrote none."""
    for message in reversed(messages):
        for part in reversed(message.parts):
            if part.tool not in EDITING_TOOLS or part.state is None or part.state.status != "completed":
                continue
            path = part.state.input.get("filePath")
            if isinstance(path, str) and _is_a_plans(PurePath(path)):
                return path
    return None


def answered_plan(messages: Sequence[Message], agent: str) -> Plan | None:
    """The newest finished answer of this agent that is a plan, without a question that closes it."""
    for message in reversed(messages):
        is_answer = message.is_work and message.is_finished and not any(part.tool for part in message.parts)
        if is_answer and message.info.error is None and message.agent == agent and is_plan(message.text):
            return Plan(without_closing_question(message.text), message.info.time.created)
    return None


def is_plan(text: str) -> bool:
    """Whether an answer is a plan: it has headings, or steps that are more than questions to the user."""
    steps = _STEP.findall(text)
    questions = sum(step.rstrip().endswith("?") for step in steps)
    return len(_HEADING.findall(text)) >= MIN_HEADINGS or len(steps) - questions >= MIN_STEPS


def without_closing_question(text: str) -> str:
    """The plan without a last line that asks whether to begin: who reads it next is to begin."""
    closing = _CLOSING.search(text)
    return text[: closing.start()] if closing and len(closing["line"]) <= CLOSING_MAX_CHARACTERS else text


def _is_a_plans(path: PurePath) -> bool:
    folder = path.parent
    return path.suffix == ".md" and folder.name == "plans" and folder.parent.name in _OWNERS

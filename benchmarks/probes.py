"""Questions about an old session whose answers are known, and whether a text holds the answer.

Pure. Does not know where the text comes from.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, get_args

from handoff_sidecar.demo.record import GrowingSession

Kind = Literal["goal", "file", "error", "decision", "reversed", "constraint", "todo", "command"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_STOP_WORDS = re.compile(
    r"(a|about|again|all|an|and|any|are|as|at|be|by|did|do|does|for|from|had|has|have|how|in|is|it|its|of|on|or|our"
    r"|that|the|their|they|this|to|was|we|were|what|when|where|which|who|why|will|with)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A question that an agent could have about the old session.

    Attributes:
        answers: all of these must be in a text that answers it.
        or_else: the same in another form; all of it, too.
        outdated: what was true once; with this and without the answers, a text misleads.
        reworded: whether the question says it in other forms of the words than the session does.
        query: what is searched for; else the question's own words of content.
    """

    kind: Kind
    question: str
    answers: tuple[str, ...]
    or_else: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    reworded: bool = False
    query: str = ""

    @property
    def search(self) -> str:
        """What a model would search for that has nothing but the question."""
        words = re.findall(r"[\w./-]+", self.question)
        return self.query or " ".join(word for word in words if not _STOP_WORDS.fullmatch(word))

    def is_in(self, text: str) -> bool:
        """Whether the text holds the whole answer."""
        return _holds(text, self.answers) or (bool(self.or_else) and _holds(text, self.or_else))

    def is_misled_by(self, text: str) -> bool:
        """Whether the text gives what was true once for the answer."""
        return not self.is_in(text) and self.is_outdated_in(text)

    def is_outdated_in(self, text: str) -> bool:
        """Whether the text holds what was true once, whatever else it holds."""
        return bool(self.outdated) and _holds(text, self.outdated)

    def is_outdated_first_in(self, text: str) -> bool:
        """Whether it does so before it comes to the answer, be it in the same sentence."""
        if not (self.is_outdated_in(text) and self.is_in(text)):
            return False
        forms = [form for form in (self.answers, self.or_else) if form and _holds(text, form)]
        return _whole_at(text, self.outdated) < min(_whole_at(text, form) for form in forms)


@dataclass(frozen=True)
class Case:
    """An old session, what its agent says when it hands off, and what is asked of it afterwards.

    Attributes:
        agents: the arguments of `session_handoff`, by how good the agent is at it.
        files: what is in the project's folder, relative paths.
        project: the made-up one that it is about.
    """

    name: str
    turns: int
    record: GrowingSession
    todos: list[dict[str, str]]
    agents: dict[str, dict[str, Any]]
    probes: list[Probe]
    files: list[str] = field(default_factory=list)
    project: str = ""


def _holds(text: str, answers: tuple[str, ...]) -> bool:
    whole = flat(text)
    return all(flat(answer) in whole for answer in answers)


def _whole_at(text: str, answers: tuple[str, ...]) -> int:
    """Where the last of the answers is, so that all have been read."""
    whole = flat(text)
    return max(whole.index(flat(answer)) for answer in answers)


@lru_cache(maxsize=64)  # a transcript is looked into by every probe
def flat(text: str) -> str:
    """Without regard to line breaks, or to how JSON writes quotes and slashes."""
    return " ".join(text.replace("\\n", " ").replace('\\"', '"').split())


def plain(messages: list[dict[str, Any]]) -> str:
    """All that messages hold as text: what was said, the calls' inputs and their outputs."""
    lines = []
    for message in messages:
        lines.append(f"[{message['info']['role']}]")
        for part in message["parts"]:
            if part["type"] == "text":
                lines.append(part["text"])
            elif part["type"] == "tool":
                state = part["state"]
                lines.append(f"{part['tool']} {json.dumps(state['input'], ensure_ascii=False)}")
                lines.append(str(state.get("output") or state.get("error") or ""))
    return "\n".join(lines)

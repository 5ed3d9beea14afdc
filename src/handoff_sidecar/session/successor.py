"""Who is to go on, where the user named an agent or a model: matched against those that there really are.

`to plan: review it`, `to Atlas - Plan Executor with anthropic/claude-sonnet-4-5: fix it`, `with openai/gpt-5: fix it`,
`fix it with openai/gpt-5`, and, where nothing else is said, `to plan`. Names may hold blanks, and a unique beginning is
enough (`atlas`). Knows nothing of where the lists come from.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from handoff_sidecar.errors import InvalidArguments
from handoff_sidecar.text.plain_text import one_line, unquoted

LISTED_NAMES = 30
"""In an error; a configuration can have hundreds of models, and the likeliest come first."""

NAME_MAX_CHARACTERS = 80
NAME_MAX_WORDS = 4
"""`to get this done: run the tests` names nobody; what is as short as a name and no name is a slip that is told."""

_MODEL = r"[\w.-]+/[\w./:@-]*\w"
_MAY_NAME = re.compile(rf"(?:to|with)\s|[\s\S]*\swith\s+{_MODEL}[\s.]*$", re.IGNORECASE)
_NAMED = re.compile(rf"(?:to\s+(?P<agent>.+?))?\s*(?:\bwith\s+(?P<model>{_MODEL}))?\s*", re.IGNORECASE)
_MODEL_AT_THE_END = re.compile(rf"\s+with\s+(?P<model>{_MODEL})[\s.]*$", re.IGNORECASE)
_COLON = re.compile("[:：]")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants next, and who is to do it.

    Attributes:
        agent: its name as OpenCode has it, or None where the user names none.
        model: `provider/model`, likewise.
    """

    goal: str
    agent: str | None = None
    model: str | None = None


def may_name_another(text: str) -> bool:
    """Whether the lists are needed to understand this; of most goals it is clear that they aren't."""
    return _MAY_NAME.match(unquoted(text)) is not None


def read_wish(text: str, agents: Sequence[str], models: Sequence[str]) -> Wish:
    """The goal, and who is to go on with it.

    Args:
        agents: those that a session can have.
        models: as `provider/model`.

    Raises:
        InvalidArguments: it names somebody who isn't there; lists those who are.
    """
    goal = unquoted(text)
    for colon in _COLON.finditer(goal):
        head, rest = goal[: colon.start()], goal[colon.end() :].strip()
        named = _NAMED.fullmatch(head.rstrip())
        if named is None or "\n" in head or not head.strip():
            break
        try:
            agent, model = _found(named, agents, models)
            return Wish(rest, agent, model) if model else replace(_with_model_at_the_end(rest, models), agent=agent)
        except InvalidArguments:
            # A colon may be part of a name: `with openrouter/some-model:free: fix it`.
            later = any(_names(name, goal[colon.start() :]) for name in models)
            if later or len(head.split()) > NAME_MAX_WORDS + 1:
                continue
            raise
    named = _NAMED.fullmatch(goal.rstrip(" ."))
    if named is not None and (named["agent"] or named["model"]):
        whole = [name for name in agents if _plain(name) == _plain(named["agent"] or "")]
        if (whole or not named["agent"]) and (not named["model"] or named["model"] in models):
            return Wish("", whole[0] if whole else None, named["model"])
    return _with_model_at_the_end(goal, models)


def agent_named(name: str, agents: Sequence[str]) -> str:
    """The agent of this name, in any case, or the only one whose name begins so.

    Raises:
        InvalidArguments: there is none, or more than one; lists them.
    """
    plain = _plain(name)
    exact = [agent for agent in agents if _plain(agent) == plain]
    begins = exact or [agent for agent in agents if plain and _plain(agent).startswith(plain)]
    if len(begins) != 1:
        raise InvalidArguments(_unknown("agent", name, begins or agents))
    return begins[0]


def model_named(name: str, models: Sequence[str]) -> str:
    """The model of this name.

    Raises:
        InvalidArguments: there is none; lists them, the likeliest first.
    """
    if name not in models:
        likeliest = difflib.get_close_matches(name, models, n=LISTED_NAMES, cutoff=0.3)
        raise InvalidArguments(_unknown("model", name, list(dict.fromkeys((*likeliest, *models)))))
    return name


def _with_model_at_the_end(goal: str, models: Sequence[str]) -> Wish:
    found = _MODEL_AT_THE_END.search(goal)
    if found is None or found["model"] not in models:
        return Wish(goal)
    return Wish(goal[: found.start()].rstrip(), None, found["model"])


def _found(named: re.Match[str], agents: Sequence[str], models: Sequence[str]) -> tuple[str | None, str | None]:
    agent = agent_named(named["agent"], agents) if named["agent"] else None
    return agent, model_named(named["model"], models) if named["model"] else None


def _names(model: str, text: str) -> bool:
    _, colon, tail = model.partition(":")
    return bool(colon) and text.startswith(f":{tail}")


def _plain(name: str) -> str:
    """Plugins put characters without width into names, to have them sorted."""
    shown = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return " ".join(shown.casefold().split())


def _unknown(what: str, name: str, there_are: Sequence[str]) -> str:
    listed = ", ".join(f"`{one_line(entry, NAME_MAX_CHARACTERS)}`" for entry in there_are[:LISTED_NAMES])
    more = f" (+{len(there_are) - LISTED_NAMES} more)" if len(there_are) > LISTED_NAMES else ""
    return (
        f"nothing was done, because there is no {what} `{one_line(name, NAME_MAX_CHARACTERS)}`. "
        f"Available: {listed}{more}. Correct the {what}, or leave it out"
    )

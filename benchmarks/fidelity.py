"""What survives a handoff: is it in the new session's prompt, or in the answer of one `read_session`, at what cost.

The tools are called through the sidecar's process as OpenCode would, with a fake OpenCode that holds the session.
No model is needed: what the agent says is written in the case, and each query is made from the probe's question.
"""

from __future__ import annotations

import asyncio
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fake_opencode import FakeOpenCode

from benchmarks.place import fill
from benchmarks.probes import Case, Kind, Probe, plain
from benchmarks.sidecar import RunningSidecar, running
from handoff_sidecar.text.tokens import Tokenizer

RECOVERED_AT_LEAST = 0.95
PROMPT_AT_MOST_TOKENS = 600
READ_AT_MOST_TOKENS = 4_000
COMPLETE_KINDS: tuple[Kind, ...] = ("constraint", "todo", "file")
LAST_MESSAGES = 20
OTHER_WAY = f"last {LAST_MESSAGES} messages"
"""The one that the picture shows beside ours."""

AS_GIVEN = "as given"
"""The agent of a session of a reader's own."""

COUNTED = ("in_prompt", "recovered", "misled", "outdated", "outdated_first")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one probe after one handoff.

    Attributes:
        agent: how good the agent was at handing off.
        read_tokens: of the read's answer; 0 where the prompt was enough.
        in_prompt: or in the instructions that the model gets with it.
        misled: the old decision was found, and not the one that took its place.
        outdated: the old one was found too.
        outdated_first: and stood before the one that took its place.
        baselines: whether each of the other ways had it.
    """

    case: str
    project: str
    turns: int
    agent: str
    kind: Kind
    reworded: bool
    in_prompt: bool
    in_read: bool
    read_tokens: int
    misled: bool
    outdated: bool
    outdated_first: bool
    baselines: dict[str, bool]

    @property
    def recovered(self) -> bool:
        """Within the prompt and one read that kept to its budget."""
        return self.in_prompt or (self.in_read and self.read_tokens <= READ_AT_MOST_TOKENS)


@dataclass(frozen=True, slots=True)
class Handoff:
    """What one handoff cost in tokens, and what the baselines would have.

    Attributes:
        prompt_tokens: of what the person sees.
        instruction_tokens: of what the model gets with it.
    """

    case: str
    turns: int
    agent: str
    prompt_tokens: int
    instruction_tokens: int
    baseline_tokens: dict[str, int]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """All handoffs and all probes."""

    handoffs: list[Handoff]
    outcomes: list[Outcome]

    def of(self, agent: str, kind: Kind | None = None) -> list[Outcome]:
        """The outcomes of an agent, of one kind or all."""
        return [outcome for outcome in self.outcomes if outcome.agent == agent and kind in {None, outcome.kind}]

    @property
    def agents(self) -> list[str]:
        """The agents, the best first."""
        return list(dict.fromkeys(outcome.agent for outcome in self.outcomes))

    @property
    def baselines(self) -> list[str]:
        """The other ways."""
        return list(self.outcomes[0].baselines)

    def summary(self) -> dict[str, Any]:
        """Counts by all that the report tells apart, and the tokens of every handoff and read: small enough to keep."""
        groups: dict[tuple[str, Kind, int, str, bool], list[Outcome]] = {}
        for each in self.outcomes:
            groups.setdefault((each.agent, each.kind, each.turns, each.project, each.reworded), []).append(each)
        counts = [
            {
                "agent": agent,
                "kind": kind,
                "turns": turns,
                "project": project,
                "reworded": reworded,
                "asked": len(outcomes),
                **{name: sum(getattr(outcome, name) for outcome in outcomes) for name in COUNTED},
                **{name: sum(outcome.baselines[name] for outcome in outcomes) for name in self.baselines},
                "read_tokens": [outcome.read_tokens for outcome in outcomes if outcome.read_tokens],
            }
            for (agent, kind, turns, project, reworded), outcomes in groups.items()
        ]
        return {"counts": counts, "handoffs": [asdict(handoff) for handoff in self.handoffs]}


def share(flags: Iterable[bool]) -> float:
    """How much of it is true; there must be something."""
    return statistics.mean(list(flags))


def measure(root: Path, cases: Sequence[Case]) -> Fidelity:
    """Hands every case off once for each of its agents, and asks every probe."""
    return asyncio.run(_measure(root, cases))


async def _measure(root: Path, cases: Sequence[Case]) -> Fidelity:
    handoffs: list[Handoff] = []
    outcomes: list[Outcome] = []
    for case in cases:
        fill(Path(case.record.directory), case.files)
        texts = {
            OTHER_WAY: plain(case.record.messages[-LAST_MESSAGES:]),
            "whole transcript": plain(case.record.messages),
        }
        lengths = {name: tokens_of(text) for name, text in texts.items()}
        for agent, arguments in case.agents.items():
            others = {"agent's summary": _said(arguments), **texts}
            costs = {"agent's summary": tokens_of(_said(arguments)), **lengths}
            fake = opencode_with(case)
            async with running(root, fake) as sidecar:
                prompt, instructions, new = await handed_off(sidecar, fake, case, arguments)
                handoffs.append(
                    Handoff(case.name, case.turns, agent, tokens_of(prompt), tokens_of(instructions), costs)
                )
                told = f"{prompt}\n{instructions}"
                for probe in case.probes:
                    read = "" if probe.is_in(told) else await _read(sidecar, probe, new, case)
                    outcomes.append(_outcome(case, agent, probe, (told, read), others))
    return Fidelity(handoffs, outcomes)


def _outcome(case: Case, agent: str, probe: Probe, seen: tuple[str, str], others: dict[str, str]) -> Outcome:
    told, read = seen
    both = "\n".join(seen)
    return Outcome(
        case.name,
        case.project,
        case.turns,
        agent,
        probe.kind,
        probe.reworded,
        in_prompt=probe.is_in(told),
        in_read=probe.is_in(read),
        read_tokens=tokens_of(read),
        misled=probe.is_misled_by(both),
        outdated=probe.is_outdated_in(both),
        outdated_first=probe.is_outdated_first_in(both),
        baselines={name: probe.is_in(text) for name, text in others.items()},
    )


async def handed_off(
    sidecar: RunningSidecar, fake: FakeOpenCode, case: Case, arguments: dict[str, Any]
) -> tuple[str, str, str]:
    """The prompt, the instructions that the model gets with it, and the id of the new session."""
    record = case.record
    answer = await sidecar.call("session_handoff", arguments, record.session_id, record.directory)
    new = str(answer["metadata"]["sessionID"])
    return *first_message(fake, new), new


def first_message(fake: FakeOpenCode, session_id: str) -> tuple[str, str]:
    """What a new session begins with: the prompt, and the instructions, which people don't see."""
    parts = fake.messages[session_id][0]["parts"]
    shown, hidden = (
        "\n".join(part["text"] for part in parts if bool(part.get("synthetic")) == synthetic)
        for synthetic in (False, True)
    )
    return shown, hidden


async def _read(sidecar: RunningSidecar, probe: Probe, new: str, case: Case) -> str:
    """What one `read_session` answers to the probe's own words."""
    answer = await sidecar.call("read_session", {"query": probe.search}, new, case.record.directory)
    return str(answer["output"])


def opencode_with(case: Case) -> FakeOpenCode:
    """An OpenCode that has a case's session and todo list."""
    fake = FakeOpenCode()
    record = case.record
    fake.add_session(record.session_id, title=record.title, directory=record.directory)
    fake.messages[record.session_id] = record.messages
    fake.todos[record.session_id] = case.todos
    return fake


def tokens_of(text: str) -> int:
    """How many tokens a text has."""
    return _tokenizer().count(text)


@cache
def _tokenizer() -> Tokenizer:
    return Tokenizer()


def _said(arguments: dict[str, Any]) -> str:
    """What the agent says, as a summary would: nothing computed, nothing looked up."""
    return "\n".join(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in arguments.values()
    )

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
from pathlib import Path
from typing import Any

from fake_opencode import FakeOpenCode

from benchmarks.probes import Case, Kind, Probe, plain
from benchmarks.sidecar import RunningSidecar, running
from handoff_sidecar.handoff.tokens import Tokenizer

RECOVERED_AT_LEAST = 0.95
PROMPT_AT_MOST_TOKENS = 600
READ_AT_MOST_TOKENS = 4_000
COMPLETE_KINDS: tuple[Kind, ...] = ("constraint", "todo", "file")
LAST_MESSAGES = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one probe after one handoff.

    Attributes:
        agent: how good the agent was at handing off.
        read_tokens: of the read's answer; 0 where the prompt was enough.
        misled: the old decision was found, and not the one that took its place.
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
    baselines: dict[str, bool]

    @property
    def recovered(self) -> bool:
        """Within the prompt and one read that kept to its budget."""
        return self.in_prompt or (self.in_read and self.read_tokens <= READ_AT_MOST_TOKENS)


@dataclass(frozen=True, slots=True)
class Handoff:
    """What one handoff cost in tokens, and what the baselines would have."""

    case: str
    turns: int
    agent: str
    prompt_tokens: int
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
        """Counts by agent, kind and length, and the tokens of every handoff: small enough to keep."""
        groups: dict[tuple[str, Kind, int], list[Outcome]] = {}
        for outcome in self.outcomes:
            groups.setdefault((outcome.agent, outcome.kind, outcome.turns), []).append(outcome)
        counts = [
            {
                "agent": agent,
                "kind": kind,
                "turns": turns,
                "asked": len(outcomes),
                "in_prompt": sum(outcome.in_prompt for outcome in outcomes),
                "recovered": sum(outcome.recovered for outcome in outcomes),
                "misled": sum(outcome.misled for outcome in outcomes),
                **{name: sum(outcome.baselines[name] for outcome in outcomes) for name in self.baselines},
            }
            for (agent, kind, turns), outcomes in groups.items()
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
    tokenizer = Tokenizer()
    for case in cases:
        for file in case.files:
            path = Path(case.record.directory) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        texts = {
            f"last {LAST_MESSAGES} messages": plain(case.record.messages[-LAST_MESSAGES:]),
            "whole transcript": plain(case.record.messages),
        }
        lengths = {name: tokenizer.count(text) for name, text in texts.items()}
        for agent, arguments in case.agents.items():
            others = {"agent's summary": _said(arguments), **texts}
            fake = _opencode(case)
            async with running(root, fake) as sidecar:
                prompt, new = await _handed_off(sidecar, fake, case, arguments)
                costs = {"agent's summary": tokenizer.count(_said(arguments)), **lengths}
                handoffs.append(Handoff(case.name, case.turns, agent, tokenizer.count(prompt), costs))
                for probe in case.probes:
                    read = "" if probe.is_in(prompt) else await _read(sidecar, probe, new, case)
                    outcomes.append(
                        Outcome(
                            case.name,
                            case.project,
                            case.turns,
                            agent,
                            probe.kind,
                            probe.reworded,
                            in_prompt=probe.is_in(prompt),
                            in_read=probe.is_in(read),
                            read_tokens=tokenizer.count(read),
                            misled=probe.is_misled_by(read or prompt),
                            baselines={name: probe.is_in(text) for name, text in others.items()},
                        )
                    )
    return Fidelity(handoffs, outcomes)


async def _handed_off(
    sidecar: RunningSidecar, fake: FakeOpenCode, case: Case, arguments: dict[str, Any]
) -> tuple[str, str]:
    """The prompt, and the id of the new session."""
    record = case.record
    answer = await sidecar.call("session_handoff", arguments, record.session_id, record.directory)
    new = str(answer["metadata"]["sessionID"])
    return str(fake.messages[new][0]["parts"][0]["text"]), new


async def _read(sidecar: RunningSidecar, probe: Probe, new: str, case: Case) -> str:
    """What one `read_session` answers to the probe's own words."""
    answer = await sidecar.call("read_session", {"query": probe.search}, new, case.record.directory)
    return str(answer["output"])


def _opencode(case: Case) -> FakeOpenCode:
    fake = FakeOpenCode()
    record = case.record
    fake.add_session(record.session_id, title=record.title, directory=record.directory)
    fake.messages[record.session_id] = record.messages
    fake.todos[record.session_id] = case.todos
    return fake


def _said(arguments: dict[str, Any]) -> str:
    """What the agent says, as a summary would: nothing computed, nothing looked up."""
    return "\n".join(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in arguments.values()
    )

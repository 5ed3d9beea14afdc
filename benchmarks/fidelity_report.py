"""Fidelity as Markdown: for each agent, what was found by kind of fact, what it cost, and whether the bars held.

Pure: results in, text out.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

from benchmarks import fidelity
from benchmarks.bars import Bar, bar, no_bar
from benchmarks.markdown import bar_lines, section, table
from benchmarks.probes import KINDS
from benchmarks.samples import Sample


def fidelity_text(result: fidelity.Fidelity) -> str:
    """A table for each agent, by kind of fact, and one of what it costs."""
    sessions = len({handoff.case for handoff in result.handoffs})
    return section(
        f"Fidelity: what survives ({sessions} session{'' if sessions == 1 else 's'})",
        *(text for agent in result.agents for text in _agent(result, agent)),
        "“misled”: what was once decided was found, and not what took its place. “old too”: both were found. "
        "“old first”: and the old one stood before the new one, be it in one sentence.",
    )


def _agent(result: fidelity.Fidelity, agent: str) -> Iterator[str]:
    everything = result.of(agent)
    rows = [[kind, *_shares(its, result.baselines)] for kind in KINDS if (its := result.of(agent, kind))]
    rows += [["**all**", *_shares(everything, result.baselines)]]
    reworded = [outcome for outcome in everything if outcome.reworded]
    if reworded:
        rows.append(["asked in other words", *_shares(reworded, result.baselines)])
    projects = sorted({outcome.project for outcome in everything})
    if len(projects) > 1:
        for project in projects:
            outcomes = [outcome for outcome in everything if outcome.project == project]
            rows.append([f"in the {project}", *_shares(outcomes, result.baselines)])
    yield f"### An agent that is {agent}" if agent != fidelity.AS_GIVEN else "### What the agent said as given"
    head = ["fact", "n", "in the prompt", "or in one read", "misled", "old too", "old first"]
    yield table([*head, *result.baselines], rows)
    sizes = sorted({handoff.turns for handoff in result.handoffs})
    costs = [_cost(result, agent, turns) for turns in sizes]
    head = ["turns", "recovered", "prompt, tokens", "instructions, tokens", "a read, tokens"]
    yield table([*head, *(f"{b}, tokens" for b in result.baselines)], costs)
    yield bar_lines(*_bars(result, agent))


def _bars(result: fidelity.Fidelity, agent: str) -> Iterator[Bar]:
    handoffs = [handoff for handoff in result.handoffs if handoff.agent == agent]
    everything = result.of(agent)
    recovered = fidelity.share(outcome.recovered for outcome in everything)
    least = fidelity.RECOVERED_AT_LEAST
    yield bar(f"{recovered:.1%} recovered", f"{least:.0%}", held=recovered >= least)
    longest, most = max(handoff.prompt_tokens for handoff in handoffs), fidelity.PROMPT_AT_MOST_TOKENS
    yield bar(f"prompts of at most {longest} tokens", f"{most}", held=longest <= most)
    both = max(handoff.prompt_tokens + handoff.instruction_tokens for handoff in handoffs)
    yield no_bar(f"with the instructions a new session begins with at most {both} tokens")
    for kind in fidelity.COMPLETE_KINDS:
        if asked := result.of(agent, kind):
            kept = sum(outcome.recovered for outcome in asked)
            yield bar(f"{kind}: {kept} of {len(asked)}", "100%", held=kept == len(asked))
    if any(outcome.outdated for outcome in everything):
        found = [outcome for outcome in everything if outcome.outdated and not outcome.misled]
        first = sum(outcome.outdated_first for outcome in found)
        yield no_bar(f"{len(found)} answers also show what was decided before, {first} of them before the later one")


def _shares(outcomes: Sequence[fidelity.Outcome], baselines: Iterable[str]) -> list[str]:
    return [
        str(len(outcomes)),
        f"{fidelity.share(outcome.in_prompt for outcome in outcomes):.0%}",
        f"{fidelity.share(outcome.recovered for outcome in outcomes):.0%}",
        str(sum(outcome.misled for outcome in outcomes)),
        str(sum(outcome.outdated and not outcome.misled for outcome in outcomes)),
        str(sum(outcome.outdated_first for outcome in outcomes)),
        *(f"{fidelity.share(outcome.baselines[name] for outcome in outcomes):.0%}" for name in baselines),
    ]


def _cost(result: fidelity.Fidelity, agent: str, turns: int) -> list[str]:
    outcomes = [outcome for outcome in result.of(agent) if outcome.turns == turns]
    handoffs = [handoff for handoff in result.handoffs if (handoff.agent, handoff.turns) == (agent, turns)]
    reads = [float(outcome.read_tokens) for outcome in outcomes if outcome.read_tokens]
    return [
        f"{turns:,}",
        f"{fidelity.share(outcome.recovered for outcome in outcomes):.0%}",
        f"{statistics.median(handoff.prompt_tokens for handoff in handoffs):,.0f}",
        f"{statistics.median(handoff.instruction_tokens for handoff in handoffs):,.0f}",
        str(Sample(tuple(reads))) if reads else "-",
        *(f"{statistics.median(h.baseline_tokens[name] for h in handoffs):,.0f}" for name in result.baselines),
    ]

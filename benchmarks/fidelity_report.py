"""Fidelity as Markdown: for each agent, what was found by kind of fact, what it cost, and whether the bars held.

Pure: results in, text out.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence

from benchmarks import fidelity
from benchmarks.bars import Bar, bar, no_bar
from benchmarks.fidelity import share
from benchmarks.markdown import bar_lines, section, table
from benchmarks.own_sessions import Asked
from benchmarks.probes import KINDS
from benchmarks.samples import Sample

LEAST_OF_A_KIND = 20
LEAST_SHARE_OF_A_KIND = 0.65
"""Of a kind of which there are so many probes."""

_WAYS: tuple[tuple[str, Callable[[Asked], bool]], ...] = (
    ("or in one read", lambda each: each.in_prompt or each.in_read),
    ("of 2,000 tokens", lambda each: each.in_prompt or each.in_small_read),
    ("with the question", lambda each: each.in_prompt or each.in_question_read),
    ("or in two reads", lambda each: each.in_prompt or each.in_read or each.in_question_read),
)
"""With the prompt: one read with the query, a smaller one, one with the question in its place, and the first two."""


def fidelity_text(result: fidelity.Fidelity) -> str:
    """A table for each agent, by kind of fact, and one of what it costs."""
    sessions = len({handoff.case for handoff in result.handoffs})
    return section(
        f"Fidelity: what survives ({sessions} session{'' if sessions == 1 else 's'})",
        *(text for agent in result.agents for text in _agent(result, agent)),
        "“misled”: what was once decided was found, and not what took its place. “old too”: both were found. "
        "“old first”: and the old one stood before the new one, be it in one sentence.",
    )


def own_sessions_text(asked: Sequence[Asked]) -> str:
    """A table by kind of fact, with the plain search beside it, and what the bars say."""
    kinds = [(kind, [each for each in asked if each.kind == kind]) for kind in KINDS]
    rows = [_own_row(kind, its) for kind, its in kinds if its]
    head = ["fact", "n", "in the prompt", *(name for name, _ in _WAYS), "plain FTS5 alone"]
    tokens = [each.tokens for each in asked]
    found = [each for each in asked if each.kind == "reversed" and (each.in_prompt or each.in_read)]
    first = sum(each.outdated_first for each in found)
    return section(
        f"Fidelity: real sessions ({len({each.session for each in asked})})",
        table(head, [*rows, _own_row("**all**", asked)]),
        f"An answer to a read has {statistics.median(tokens):,.0f} tokens (median).",
        bar_lines(*_own_bars(asked, [(kind, its) for kind, its in kinds if len(its) >= LEAST_OF_A_KIND])),
        f"In {first} of {len(found)} answers on what was decided more than once, the outdated decision stands first.",
    )


def _own_row(name: str, asked: Sequence[Asked]) -> list[str]:
    found = [share(told(each) for each in asked) for told in (lambda each: each.in_prompt, *(way for _, way in _WAYS))]
    return [name, str(len(asked)), *(f"{each:.0%}" for each in found), f"{share(a.in_yardstick for a in asked):.0%}"]


def _own_bars(asked: Sequence[Asked], kinds: Sequence[tuple[str, Sequence[Asked]]]) -> Iterator[Bar]:
    for (name, way), least in zip(_WAYS, (0.85, 0.72, 0.80, 0.90), strict=True):
        found = share(map(way, asked))
        yield bar(f"{found:.1%} recovered, {name}", f"{least:.0%}", held=found >= least)
    for kind, its in kinds:
        found = share(map(_WAYS[0][1], its))
        yield bar(f"{kind}: {found:.0%}", f"{LEAST_SHARE_OF_A_KIND:.0%}", held=found >= LEAST_SHARE_OF_A_KIND)


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
    yield no_bar(f"a new session begins with at most {both} tokens, prompt and hidden instructions together")
    for kind in fidelity.COMPLETE_KINDS:
        if asked := result.of(agent, kind):
            kept = sum(outcome.recovered for outcome in asked)
            yield bar(f"{kind}: {kept} of {len(asked)}", "100%", held=kept == len(asked))
    if any(outcome.outdated for outcome in everything):
        found = [outcome for outcome in everything if outcome.outdated and not outcome.misled]
        first = sum(outcome.outdated_first for outcome in found)
        yield no_bar(f"{len(found)} answers also show the old decision, {first} of them ahead of the new one")


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

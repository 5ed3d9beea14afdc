"""The measurements as Markdown: tables, and for each bar of the project whether it held.

Pure: results in, text out. What is worse than it should be is said like the rest.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

from benchmarks import budget, chat, fidelity, latency, sidecar, startup
from benchmarks.machine import Machine
from benchmarks.probes import KINDS
from benchmarks.samples import Interval, Sample, differences, show_nothing_more


def machine_text(machine: Machine) -> str:
    """What stands above every report."""
    start, end = machine.load
    return (
        f"{machine.date}. {machine.system}, {machine.processor}, {machine.cores} cores, {machine.memory_gb:g} GB. "
        f"OpenCode {machine.opencode}, Python {machine.python}, handoff-sidecar {machine.handoff_sidecar}. "
        f"Load {start:g} at the start, {end:g} at the end.\n"
        "Times are medians with the 10th and 90th percentile; intervals hold the true median with 95 % confidence."
    )


def latency_text(result: latency.Latency) -> str:
    """A row for each length."""
    names = list(result.times_ms)
    floors = [(name, place, floor) for name, its in result.floors.items() for place, floor in enumerate(its)]
    sizes = sorted(result.times_ms["ours"])
    rounds = len(result.times_ms["ours"][sizes[0]].values)
    rows = [
        [f"{turns:,}", *(str(result.times_ms[name][turns]) for name in names)]
        + [_times(result.to_floor(name, turns, floor=place)) for name, place, _ in floors]
        for turns in sizes
    ]
    rows.append(
        ["all", *([""] * len(names)), *(_times(result.to_floor(name, floor=place)) for name, place, _ in floors)]
    )
    flat = result.flatness("ours")
    to_floor = result.to_floor("ours").median
    worst = max(sizes, key=lambda turns: result.to_floor("ours", turns).median)
    at_worst = result.to_floor("ours", worst).median
    return _section(
        f"Latency: a handoff's tool time, ms (n = {rounds} each, turn about in one OpenCode)",
        _table(["turns", *names, *(f"{name} / {floor}" for name, _, floor in floors)], rows),
        _bars(
            (f"{max(sizes):,} turns take {flat:.2f} × of {min(sizes)} turns", flat <= latency.FLAT_AT_MOST, "1.2 ×"),
            (f"{to_floor:.2f} × the floor in all pairs", to_floor <= latency.FLOOR_AT_MOST, "1.5 ×"),
            (f"{at_worst:.2f} × at its worst, {worst:,} turns", at_worst <= latency.FLOOR_AT_MOST, "1.5 ×"),
        ),
    )


def startup_text(result: startup.StartUp) -> str:
    """Each time with the plugin, without, and with one that does nothing, and the differences of pairs."""
    ways = [startup.WITHOUT, startup.EMPTY, startup.WITH]
    rows = [
        [
            what,
            *(str(times[way]) for way in ways),
            _plus(differences(times[startup.WITH], times[startup.WITHOUT])),
            _plus(differences(times[startup.WITH], times[startup.EMPTY])),
            _plus(differences(times[startup.EMPTY], times[startup.WITHOUT])),
        ]
        for what, times in (
            ("`run`, to the first answer", result.answer_ms),
            ("`run`, to the end", result.end_ms),
            ("a server's first message", result.first_message_ms),
            (f"its first {startup.FIRST_MESSAGES} messages, together", result.first_messages_ms),
        )
    ]
    answers = result.answer_ms[startup.WITH], result.answer_ms[startup.WITHOUT]
    init = result.init_ms
    return _section(
        f"Start-up, ms (n = {len(result.answer_ms[startup.WITH].values)} runs and "
        f"{len(result.first_message_ms[startup.WITH].values)} servers of each, turn about)",
        _table(["", *ways, "with - without", "with - nothing", "nothing - without"], rows),
        _bars(
            (f"init takes {init} ms", init.median < startup.INIT_AT_MOST_MS, "5 ms"),
            (
                f"to the first answer {_plus(differences(*answers))} ms",
                show_nothing_more(*answers),
                "no difference that pairs show",
            ),
        ),
    )


def sidecar_text(result: sidecar.SidecarCosts) -> str:
    """Start, memory, growth."""
    growth = result.memory_after_mb / result.memory_mb
    ready = result.ready_ms
    unclean = "" if result.is_clean else "This Python has more installed than the package needs: it starts slower.\n\n"
    return _section(
        f"Sidecar (n = {len(ready.values)} starts)",
        f"{unclean}A handoff costs the sidecar itself {result.handoff_ms} ms (n = {len(result.handoff_ms.values)}, "
        f"against a fake OpenCode that answers at once); it makes {result.requests} requests, of which "
        f"{result.round_trips} wait for one another.",
        _bars(
            (f"spawn to ready {ready} ms", ready.median < sidecar.READY_AT_MOST_MS, "300 ms"),
            (f"{result.memory_mb:.0f} MB, vocabulary loaded", result.memory_mb < sidecar.MEMORY_AT_MOST_MB, "80 MB"),
            (f"{growth:.2f} × that after {sidecar.CALLS:,} more calls", growth <= sidecar.GROWTH_AT_MOST, "1.1 ×"),
        ),
    )


def chat_text(result: chat.Chat) -> str:
    """With and without the plugin, and the difference of pairs."""
    messages = result.message_ms["with"], result.message_ms["without"]
    deltas = f"{chat.DELTAS:,} deltas"
    rows = [
        [f"a message, n = {len(result.message_ms['with'].values)}", *_with_and_without(result.message_ms)],
        [f"{deltas}, n = {len(result.stream_ms['with'].values)}", *_with_and_without(result.stream_ms)],
        [f"{deltas}, OpenCode's CPU", *_with_and_without(result.stream_cpu_ms)],
        [f"{deltas}, the sidecar's CPU", str(result.sidecar_cpu_ms), "-", "-"],
    ]
    return _section(
        "Chat: what nobody hands off, ms",
        _table(["", "with the plugin", "without", "difference"], rows),
        _bars((f"a message {_plus(differences(*messages))} ms", show_nothing_more(*messages), "nothing measurable")),
    )


def fidelity_text(result: fidelity.Fidelity) -> str:
    """A table for each agent, by kind of fact, and one of what it costs."""
    return _section(
        f"Fidelity: what survives ({len({handoff.case for handoff in result.handoffs})} sessions)",
        *(text for agent in result.agents for text in _agent(result, agent)),
    )


def _agent(result: fidelity.Fidelity, agent: str) -> Iterator[str]:
    rows = []
    for kind in KINDS:
        outcomes = result.of(agent, kind)
        if outcomes:
            rows.append([kind, *_shares(outcomes, result.baselines)])
    everything = result.of(agent)
    rows += [["**all**", *_shares(everything, result.baselines)]]
    reworded = [outcome for outcome in everything if outcome.reworded]
    if reworded:
        rows.append(["asked in other words", *_shares(reworded, result.baselines)])
    projects = sorted({outcome.project for outcome in everything})
    if len(projects) > 1:
        for project in projects:
            outcomes = [outcome for outcome in everything if outcome.project == project]
            rows.append([f"in the {project}", *_shares(outcomes, result.baselines)])
    yield f"### An agent that is {agent}"
    yield _table(["fact", "n", "in the prompt", "or in one read", "misled", *result.baselines], rows)
    handoffs = [handoff for handoff in result.handoffs if handoff.agent == agent]
    sizes = sorted({handoff.turns for handoff in handoffs})
    costs = [_cost(result, agent, turns) for turns in sizes]
    yield _table(
        ["turns", "recovered", "prompt, tokens", "a read, tokens", *(f"{b}, tokens" for b in result.baselines)], costs
    )
    recovered = fidelity.share(outcome.recovered for outcome in everything)
    longest = max(handoff.prompt_tokens for handoff in handoffs)
    complete = [
        (kind, fidelity.share(outcome.recovered for outcome in asked))
        for kind in fidelity.COMPLETE_KINDS
        if (asked := result.of(agent, kind))
    ]
    yield _bars(
        (f"{recovered:.1%} recovered", recovered >= fidelity.RECOVERED_AT_LEAST, "95 %"),
        (f"prompts of at most {longest} tokens", longest <= fidelity.PROMPT_AT_MOST_TOKENS, "600"),
        *((f"{kind}: {kept:.1%}", kept == 1, "100 %") for kind, kept in complete),
    )


def _shares(outcomes: Sequence[fidelity.Outcome], baselines: Iterable[str]) -> list[str]:
    return [
        str(len(outcomes)),
        f"{fidelity.share(outcome.in_prompt for outcome in outcomes):.0%}",
        f"{fidelity.share(outcome.recovered for outcome in outcomes):.0%}",
        str(sum(outcome.misled for outcome in outcomes)),
        *(f"{fidelity.share(outcome.baselines[name] for outcome in outcomes):.0%}" for name in baselines),
    ]


def _cost(result: fidelity.Fidelity, agent: str, turns: int) -> list[str]:
    outcomes = [outcome for outcome in result.of(agent) if outcome.turns == turns]
    handoffs = [handoff for handoff in result.handoffs if (handoff.agent, handoff.turns) == (agent, turns)]
    reads = [float(outcome.read_tokens) for outcome in outcomes if outcome.read_tokens]
    prompts = [float(handoff.prompt_tokens) for handoff in handoffs]
    return [
        f"{turns:,}",
        f"{fidelity.share(outcome.recovered for outcome in outcomes):.0%}",
        f"{statistics.median(prompts):,.0f}",
        str(Sample(tuple(reads))) if reads else "-",
        *(f"{statistics.median(h.baseline_tokens[name] for h in handoffs):,.0f}" for name in result.baselines),
    ]


def budget_text(result: budget.Budget) -> str:
    """A row for each size."""
    rows = [[f"{row.turns:,}", str(row.todos), str(row.files), str(row.prompt_tokens)] for row in result.rows]
    longest = max(row.prompt_tokens for row in result.rows)
    tokens = result.definition_tokens
    return _section(
        "Budget: tokens of the prompt",
        _table(["turns", "todos", "files", "prompt, tokens"], rows),
        _bars(
            (f"the prompt has at most {longest} tokens", longest <= budget.PROMPT_AT_MOST_TOKENS, "600"),
            (f"both tools' definitions are {tokens} tokens", tokens <= budget.DEFINITIONS_AT_MOST_TOKENS, "500"),
        ),
    )


def _with_and_without(times: dict[str, Sample]) -> list[str]:
    return [str(times["with"]), str(times["without"]), _plus(differences(times["with"], times["without"]))]


def _plus(pairs: Interval) -> str:
    return f"{pairs.median:+,.0f} [{pairs.low:+,.0f}, {pairs.high:+,.0f}]"


def _times(pairs: Interval) -> str:
    return f"{pairs.median:.2f} [{pairs.low:.2f}, {pairs.high:.2f}]"


def _section(title: str, *blocks: str) -> str:
    return "\n\n".join([f"## {title}", *blocks])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bars(*bars: tuple[str, bool, str]) -> str:
    """What was measured, whether that is good enough, and what would be."""
    return "\n".join(f"- {'held' if held else '**MISSED**'}: {said} (bar: {wanted})" for said, held, wanted in bars)

"""The measurements as Markdown: tables, and for each bar of the project whether it held.

Pure: results in, text out. What is worse than it should be is said like the rest. Fidelity has a report of its own.
"""

from __future__ import annotations

from benchmarks import budget, chat, fidelity, index, latency, search, sidecar_costs, startup
from benchmarks.bars import LITTLE, Bar, bar, no_bar, nothing_more
from benchmarks.machine import Machine
from benchmarks.markdown import bar_lines, plus, section, table, times
from benchmarks.samples import CONFIDENCE, MIN_PAIRS, Sample, differences


def machine_text(machine: Machine) -> str:
    """What stands below every report."""
    start, end = machine.load
    opencode = f"OpenCode {machine.opencode}, " if machine.opencode else "No OpenCode; "
    return (
        f"{machine.date}, commit {machine.commit}. {machine.system}, {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gb:g} GB. {opencode}Python {machine.python}, handoff-sidecar {machine.handoff_sidecar}. "
        f"Load {start:g} at the start, {end:g} at the end.\n"
        f"Times are medians with the 10th and 90th percentile; intervals hold the true median with {CONFIDENCE:.0%} "
        f"confidence, for which it takes {MIN_PAIRS} rounds."
    )


def latency_text(result: latency.Latency) -> str:
    """A row for each length."""
    names = list(result.times_ms)
    floors = [(name, place, floor) for name, its in result.floors.items() for place, floor in enumerate(its)]
    sizes = sorted(result.times_ms["ours"])
    rounds = len(result.times_ms["ours"][sizes[0]].values)
    rows = [
        [f"{turns:,}", *(str(result.times_ms[name][turns]) for name in names)]
        + [times(result.to_floor(name, turns, floor=place)) for name, place, _ in floors]
        for turns in sizes
    ]
    rows.append(
        ["all", *([""] * len(names)), *(times(result.to_floor(name, floor=place)) for name, place, _ in floors)]
    )
    return section(
        f"Latency: a handoff's tool time, ms (n = {rounds} each, turn about in one OpenCode, of sessions as they were)",
        table(["turns", *names, *(f"{name} / {floor}" for name, _, floor in floors)], rows),
        bar_lines(*_latency_bars(result, sizes)),
    )


def _latency_bars(result: latency.Latency, sizes: list[int]) -> list[Bar]:
    one_of_each = result.times_ms["ours"][sizes[0]].values
    wanted = f"{latency.FLOOR_AT_MOST:g} ×"
    overall = result.to_floor("ours")
    worst = max(sizes, key=lambda turns: result.to_floor("ours", turns).median)
    at_worst = result.to_floor("ours", worst)
    return [
        *_flatness(result, sizes),
        bar(
            f"{times(overall)} × the floor in all pairs",
            wanted,
            held=overall.median <= latency.FLOOR_AT_MOST,
            values=one_of_each,
        ),
        bar(
            f"at worst, at {worst:,} turns, {times(at_worst)} × the floor",
            wanted,
            held=at_worst.median <= latency.FLOOR_AT_MOST,
            values=one_of_each,
        ),
        *(
            no_bar(f"{name} takes {times(result.to_floor(name, floor=place))} × “{floor}” in all pairs")
            for name, its in result.floors.items()
            for place, floor in enumerate(its)
            if (name, place) != ("ours", 0)
        ),
    ]


def _flatness(result: latency.Latency, sizes: list[int]) -> list[Bar]:
    wanted = f"{latency.FLAT_AT_MOST:g} ×"
    if len(sizes) == 1:
        return [Bar("one length shows nothing of how time grows with it", "too few to tell", wanted)]
    lines = []
    for name, by_size in result.times_ms.items():
        flat = result.flatness(name)
        said = (
            f"{name}: {max(sizes):,} turns take {times(flat)} × as long as {min(sizes):,} turns, "
            "compared within each round"
        )
        held = flat.median <= latency.FLAT_AT_MOST
        lines.append(bar(said, wanted, held=held, values=by_size[sizes[0]].values) if name == "ours" else no_bar(said))
    return lines


def startup_text(result: startup.StartUp) -> str:
    """Each time with the plugin, without, and with one that does nothing, and the differences of pairs."""
    ways = [startup.WITHOUT, startup.EMPTY, startup.WITH]
    rows = [
        [
            what,
            *(str(its[way]) for way in ways),
            plus(differences(its[startup.WITH], its[startup.WITHOUT])),
            plus(differences(its[startup.WITH], its[startup.EMPTY])),
            plus(differences(its[startup.EMPTY], its[startup.WITHOUT])),
        ]
        for what, its in (
            ("`run`, to the first answer", result.answer_ms),
            ("`run`, to the end", result.end_ms),
            ("a server's first message", result.first_message_ms),
            (f"its first {startup.FIRST_MESSAGES} messages, together", result.first_messages_ms),
        )
    ]
    answers = result.answer_ms[startup.WITH], result.answer_ms[startup.WITHOUT]
    together = result.first_messages_ms[startup.WITH], result.first_messages_ms[startup.WITHOUT]
    init = result.init_ms
    slow = sum(took >= startup.INIT_AT_MOST_MS for took in init.values)
    most = f"{startup.INIT_AT_MOST_MS:g} ms"
    first_messages = f"a server's first {startup.FIRST_MESSAGES} messages"
    return section(
        f"Start-up, ms (n = {len(answers[0].values)} runs and {len(together[0].values)} servers of each, turn about)",
        table(["", *ways, "with - without", "with - nothing", "nothing - without"], rows),
        bar_lines(
            bar(f"init takes {init} ms", most, held=init.median < startup.INIT_AT_MOST_MS, values=init.values),
            no_bar(f"init took {most} or more in {slow} of {len(init.values)} runs, {max(init.values):.0f} ms at most"),
            no_bar(f"the rest of the plugin is loaded in the next turn of OpenCode's loop, in {result.rest_ms} ms"),
            _no_difference("the first answer comes later by", *answers),
            no_bar(f"with the plugin, {first_messages} together take longer by {plus(differences(*together))} ms"),
        ),
    )


def sidecar_text(result: sidecar_costs.SidecarCosts) -> str:
    """Start, memory, growth, and its share of handoffs."""
    growth = result.memory_after_mb / result.memory_mb
    ready = result.ready_ms
    ready_most, memory_most = sidecar_costs.READY_AT_MOST_MS, sidecar_costs.MEMORY_AT_MOST_MB
    note = [] if result.is_clean else ["This Python has more installed than the package needs: it starts slower."]
    rows = [
        [what, str(costs.took_ms), str(len(costs.took_ms.values)), str(costs.requests), str(costs.round_trips)]
        for what, costs in result.handoffs.items()
    ]
    head = ["handoff of a session", "the sidecar's own share, ms", "n", "requests", "of which wait for one another"]
    return section(
        f"Sidecar (n = {len(ready.values)} starts; a fake OpenCode, which answers at once)",
        *note,
        table(head, rows),
        bar_lines(
            bar(
                f"spawn to ready {ready} ms", f"{ready_most:g} ms", held=ready.median < ready_most, values=ready.values
            ),
            bar(
                f"{result.memory_mb:.0f} MB, with the token counter's vocabulary loaded",
                f"{memory_most:g} MB",
                held=result.memory_mb < memory_most,
            ),
            bar(
                f"{growth:.2f} × that after {sidecar_costs.CALLS:,} more calls",
                f"{sidecar_costs.GROWTH_AT_MOST:g} ×",
                held=growth <= sidecar_costs.GROWTH_AT_MOST,
            ),
        ),
    )


def chat_text(result: chat.Chat) -> str:
    """With and without the plugin, and the difference of pairs."""
    messages = result.message_ms["with"], result.message_ms["without"]
    calls = result.call_ms["with"], result.call_ms["without"]
    streams = result.stream_ms["with"], result.stream_ms["without"]
    deltas, with_a_call = f"{chat.DELTAS:,} deltas", "a message with a call of a tool that may change something"
    rows = [
        [f"a message, n = {len(messages[0].values)}", *_with_and_without(result.message_ms)],
        [f"a message with a tool call, n = {len(calls[0].values)}", *_with_and_without(result.call_ms)],
        [f"{deltas}, n = {len(streams[0].values)}", *_with_and_without(result.stream_ms)],
        [f"{deltas}, OpenCode's CPU", *_with_and_without(result.stream_cpu_ms)],
        [f"{deltas}, the sidecar's CPU", str(result.sidecar_cpu_ms), "-", "-"],
    ]
    return section(
        "Chat: what nobody hands off, ms",
        table(["", "with the plugin", "without", "difference"], rows),
        bar_lines(
            _no_difference("a message takes longer by", *messages),
            no_bar(f"{with_a_call} takes longer by {plus(differences(*calls))} ms"),
            no_bar(f"an answer of {deltas} takes longer by {plus(differences(*streams))} ms"),
        ),
    )


def search_text(result: search.Search) -> str:
    """A row for each length."""
    rows = [
        [f"{size.turns:,}", *(str(sample) for sample in size.times_ms.values()), str(size.memory_mb)]
        for size in result.sizes
    ]
    rounds = len(next(iter(result.sizes[0].times_ms.values())).values)
    return section(
        f"Search: read_session's tool time in OpenCode, ms (n = {rounds}, no bar)",
        table(["turns", *result.sizes[0].times_ms, "sidecar afterwards, MB"], rows),
    )


def index_text(result: index.IndexCosts) -> str:
    """A row for each kind of search."""
    most = {
        "first": index.FIRST_AT_MOST_MS,
        "words": index.WORDS_AT_MOST_MS,
        "literal": index.LITERAL_AT_MOST_MS,
        "pattern": index.PATTERN_AT_MOST_MS,
        "never seen": index.UNSEEN_AT_MOST_MS,
        "indexed": index.INDEXED_AT_MOST_MS,
    }
    names = {
        "first": "all sessions, the first time",
        "words": "all sessions, words",
        "literal": "all sessions, a regular expression with a literal",
        "pattern": "all sessions, another regular expression",
        "never seen": "a session of 10,000 messages, never seen",
        "indexed": "the same, indexed, with a new sidecar",
    }
    rows = [
        [names[kind], str(len(sample.values)), str(sample), f"{most[kind]:,.0f}"]
        for kind, sample in result.searches_ms.items()
    ]
    before, meanwhile = (result.answer_ms[key] for key in ("before", "meanwhile"))
    beside_and_before = result.message_ms["meanwhile"], result.message_ms["before"]
    count = len(result.searches_ms["words"].values)
    return section(
        f"Index: {result.sessions:,} sessions, {result.messages:,} messages, {result.text_mb:,.0f} MB of text",
        table(["read_session's tool time in OpenCode, ms", "n", "median (80 % of them)", "bar"], rows),
        bar_lines(
            *(
                bar(f"{names[kind]}: {sample.median:,.0f} ms", f"{most[kind]:,.0f}", held=sample.median <= most[kind])
                for kind, sample in result.searches_ms.items()
            ),
            bar(
                f"{result.right} of {count} answers show the fact that was searched for",
                f"{count}",
                held=result.right == count,
            ),
            bar(
                f"indexes {result.mb_a_second:,.1f} MB of text a second",
                f"{index.LEAST_MB_A_SECOND:g}",
                held=result.mb_a_second >= index.LEAST_MB_A_SECOND,
            ),
            bar(
                f"the file has {result.size_share:.2f} × the text's size",
                f"{index.SIZE_AT_MOST:g} ×",
                held=result.size_share <= index.SIZE_AT_MOST,
            ),
            bar(
                f"the sidecar has {result.memory_mb:,.0f} MB after all of it",
                f"{index.MEMORY_AT_MOST_MB:g}",
                held=result.memory_mb <= index.MEMORY_AT_MOST_MB,
            ),
            _no_difference("while the index is built, an ordinary message takes longer by", *beside_and_before),
            no_bar(f"all was indexed after {result.indexed_s:,.0f} s more, without a turn under way"),
            no_bar(f"OpenCode answered the smallest request in {before} ms before that, in {meanwhile} ms meanwhile"),
        ),
        f"The first search said: {result.first_said}",
    )


def budget_text(result: budget.Budget) -> str:
    """A row for each size."""
    rows = [
        [f"{row.turns:,}", str(row.todos), str(row.files), str(row.prompt_tokens), str(row.instruction_tokens)]
        for row in result.rows
    ]
    longest = max(row.prompt_tokens for row in result.rows)
    both = max(row.prompt_tokens + row.instruction_tokens for row in result.rows)
    tokens, most = result.definition_tokens, budget.DEFINITIONS_AT_MOST_TOKENS
    prompt_most = fidelity.PROMPT_AT_MOST_TOKENS
    return section(
        "Budget: tokens of the prompt, and of the instructions that the model gets with it",
        table(["turns", "todos", "files", "prompt, tokens", "instructions, tokens"], rows),
        bar_lines(
            bar(f"the prompt has at most {longest} tokens", f"{prompt_most}", held=longest <= prompt_most),
            no_bar(f"a new session begins with at most {both} tokens, prompt and hidden instructions together"),
            bar(f"both tools' definitions are {tokens} tokens", f"{most}", held=tokens <= most),
        ),
    )


def _no_difference(what: str, ours: Sample, others: Sample) -> Bar:
    wanted = f"the pairs show no difference, and rule out one above {LITTLE:.0%}"
    return Bar(f"{what} {plus(differences(ours, others))} ms", nothing_more(ours, others), wanted)


def _with_and_without(its: dict[str, Sample]) -> list[str]:
    return [str(its["with"]), str(its["without"]), plus(differences(its["with"], its["without"]))]

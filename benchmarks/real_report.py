"""What a run with a real model would cost, before it; and what came of it, as a table, after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks.markdown import section, table
from benchmarks.real_home import ModelName
from benchmarks.real_sessions import Typed, old_session
from benchmarks.real_trials import MOST_REQUESTS, Compaction, Handoff, Model, Usage
from handoff_sidecar.text.tokens import Tokenizer

OVERHEAD_TOKENS = 8_200
"""OpenCode's own instructions and all tools' definitions, in each request of a build agent (measured in 1.18.34)."""

OUTPUT_TOKENS = 300
"""An answer with a tool call; a model that thinks at length writes more."""

OLD_REQUESTS, NEW_REQUESTS, COMPACTED_REQUESTS = 2, 4, 5
"""The call and the words after it; a look back, a file and the words after it; the same after a summary."""

PROMPT_TOKENS = 1_500
"""A new session's prompt and what it looks up; about as much as a summary."""


def estimate(handoffs: Sequence[Typed], tokenizer: Tokenizer) -> tuple[Usage, Usage]:
    """About how much is asked of the model, and at most how much; without a cost."""
    record = old_session("ses_x", ModelName("p", "m"), "/home/ada/dashboard", 0, plan=False)
    texts = (
        part.get("text") or part.get("state", {}).get("output", "") for m in record.messages for part in m["parts"]
    )
    old = OVERHEAD_TOKENS + sum(tokenizer.count(text) for text in texts)
    new = OVERHEAD_TOKENS + PROMPT_TOKENS
    compactions = len({typed.task for typed in handoffs if typed.task})

    def used(in_old: int, in_new: int, compacted: int) -> Usage:
        requests = len(handoffs) * (in_old + in_new) + compactions * compacted
        given = len(handoffs) * (in_old * old + in_new * new) + compactions * (old + (compacted - 1) * new)
        return Usage(requests, given, requests * OUTPUT_TOKENS)

    most = MOST_REQUESTS
    return used(OLD_REQUESTS, NEW_REQUESTS, COMPACTED_REQUESTS), used(most, most, most + 1)


def price(usage: Usage, model: Model) -> str:
    """In dollars, without a cache's discount; or that nobody knows."""
    if not {"input", "output"} <= model.prices.keys():
        return "OpenCode knows no price of this model"
    dollars = (usage.input_tokens * model.prices["input"] + usage.output_tokens * model.prices["output"]) / 1e6
    return f"${dollars:.2f}"


def estimate_text(model: Model, handoffs: Sequence[Typed], about: Usage, most: Usage) -> str:
    """What the reader is told before they are asked."""
    return (
        f"{len(handoffs)} handoffs by {model.name}, in a throwaway home and project.\n"
        f"About {about.requests} requests, {about.input_tokens:,} tokens in and {about.output_tokens:,} out: "
        f"{price(about, model)} (without a cache's discount).\n"
        f"At most {most.requests} requests and {most.input_tokens:,} tokens in: {price(most, model)}."
    )


def report(model: ModelName, version: str, handoffs: Sequence[Handoff], compactions: Sequence[Compaction]) -> str:
    """All of it, as Markdown."""
    return section(
        f"{len(handoffs)} handoffs by {model} in OpenCode {version}",
        _calls(handoffs),
        _filled_in(handoffs),
        _after(handoffs, compactions),
        _costs(handoffs, compactions),
        _asked(handoffs),
    )


def _calls(handoffs: Sequence[Handoff]) -> str:
    kinds = list(dict.fromkeys(each.typed.kind for each in handoffs))
    rows = []
    for kind in [*kinds, "all"]:
        of_kind = [each for each in handoffs if kind in {each.typed.kind, "all"}]
        at_first, at_all = (_of(wanted, len(of_kind)) for wanted in (_count(of_kind, "at_first"), _made(of_kind)))
        rows.append((kind, at_first, at_all))
    return table(("typed", "a valid call in the first request", "handed off"), rows)


def _filled_in(handoffs: Sequence[Handoff]) -> str:
    filled = Counter(name for each in handoffs for name, value in each.arguments.items() if value)
    return table(("the agent filled in", "of all calls"), ((f"`{name}`", str(count)) for name, count in filled.items()))


def _after(handoffs: Sequence[Handoff], compactions: Sequence[Compaction]) -> str:
    made = [each for each in handoffs if each.made]
    needing = [each for each in made if each.typed.needs_fact]
    ruled = [each for each in made if each.rule_handed_on is not None]
    planned = [each for each in made if each.typed.kind == "from plan to build"]
    rows = (
        (
            "asked `read_session` for a fact that the task needs",
            _of(sum(bool(e.queries) for e in needing), len(needing)),
        ),
        ("found it", _judged(each.was_found for each in needing)),
        ("used it in what it wrote", _judged(each.was_used for each in needing)),
        ("the same after `/compact`", _judged(each.was_used for each in compactions)),
        ("the user's rule is in the new session's prompt", _judged(each.rule_handed_on for each in ruled)),
        ("kept it in what it wrote", _judged(each.rule_kept for each in ruled)),
        ("the same after `/compact`", _judged(each.rule_kept for each in compactions)),
        ("the build agent went on after the plan agent", _judged(each.agent == "build" for each in planned)),
    )
    return table(("the new session's agent", ""), rows)


def _costs(handoffs: Sequence[Handoff], compactions: Sequence[Compaction]) -> str:
    tasks = {each.typed.task for each in compactions}
    same = [each.usage for each in handoffs if each.made and each.typed.task in tasks]
    rows = [
        ("a handoff, then the task", *_mean(same)),
        ("`/compact`, then the same task", *_mean([each.usage for each in compactions])),
    ]
    return table(("on average", "requests", "tokens in", "tokens out", "cost"), rows)


def _asked(handoffs: Sequence[Handoff]) -> str:
    asked = [query for each in handoffs for query in each.queries]
    words = dict.fromkeys(
        ", ".join(f"{name}: {value}" for name, value in query.items()) or "nothing" for query in asked
    )
    return (
        "\n".join(["What `read_session` was asked:", "", *(f"- {each}" for each in words)])
        if words
        else ("`read_session` was not asked.")
    )


def _mean(used: Sequence[Usage]) -> tuple[str, str, str, str]:
    if not used:
        return ("-",) * 4
    total, count = sum(used, Usage()), len(used)
    cost = f"${total.cost / count:.4f}" if total.cost else "unknown"
    return (
        f"{total.requests / count:.1f}",
        f"{total.input_tokens / count:,.0f}",
        f"{total.output_tokens / count:,.0f}",
        cost,
    )


def _made(handoffs: Sequence[Handoff]) -> int:
    return sum(bool(each.made) for each in handoffs)


def _count(handoffs: Sequence[Handoff], what: str) -> int:
    return sum(bool(getattr(each, what)) for each in handoffs)


def _judged(answers: Iterable[bool | None]) -> str:
    """Of those that could be judged."""
    judged = [answer for answer in answers if answer is not None]
    return _of(sum(judged), len(judged))


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}"

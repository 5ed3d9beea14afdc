"""A brief cut to a number of tokens.

Owns what is worth more than what. Knows the prompt only as something that can be counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from handoff_sidecar.brief.brief import Brief, Items
from handoff_sidecar.text.tokens import Tokenizer

SHARE_OF_SUMMARY = 0.4
SHARE_OF_GOAL = 0.25
SHARE_OF_BLOCKED = 0.1
SHARE_OF_WORK_IN_PROGRESS = 0.15
"""At most, of the room that headings, counts, the link, the instructions and the rules leave."""

SHARE_OF_RULES = 1 / 3
"""Of the whole budget, if there are rules that need it: nothing else may take this from them."""

MIN_BUDGET_TOKENS = 250
"""Below this the skeleton's own words and a session id leave nothing to say."""

_WORTH: tuple[tuple[str, int], ...] = (
    ("constraints", 12),
    ("said_rules", 5),
    ("next_steps", 3),
    ("files", 8),
    ("failed_command", 1),
    ("pending", 5),
    ("running", 5),
    ("tried_and_failed", 3),
    ("decisions", 4),
    ("git", 1),
    ("constraints", 40),
    ("next_steps", 10),
    ("files", 20),
    ("pending", 15),
    ("decisions", 10),
    ("tried_and_failed", 8),
    ("files_read", 5),
)
"""Sections by worth, with how many entries each gets before the next has its turn."""

_UNCOUNTED = frozenset({"files_read"})
"""Nobody misses what was only read: what does not fit is not counted either."""


def fit(brief: Brief, *, budget_tokens: int, tokenizer: Tokenizer, write: Callable[[Brief], str]) -> Brief:
    """The brief with as much of it as `write` can put into `budget_tokens`; what is cut is counted.

    Summary, goal, work in progress and the link are never dropped; where one alone is too long it is shortened.
    """
    if tokenizer.count(write(brief)) <= budget_tokens:
        return brief
    fitted = _skeleton(brief, budget_tokens, tokenizer, write)
    for name, most in _WORTH:
        whole: Items | str = getattr(brief, name)

        def fits(count: int, name: str = name, whole: Items | str = whole, base: Brief = fitted) -> bool:
            return tokenizer.count(write(_with(base, name, _first(name, whole, count)))) <= budget_tokens

        count = _largest(_length(getattr(fitted, name)), min(most, _length(whole)), fits)
        fitted = _with(fitted, name, _first(name, whole, count))
    return fitted


def _skeleton(brief: Brief, budget_tokens: int, tokenizer: Tokenizer, write: Callable[[Brief], str]) -> Brief:
    """What is never dropped, shortened until it fits, and every other section as a mere count."""
    bare = brief
    for name, _ in _WORTH:
        bare = _with(bare, name, _first(name, getattr(brief, name), 0))
    empty = replace(
        bare, summary="", goal=bare.goal[:1], blocked=bare.blocked[:1], in_progress=bare.in_progress.first(0)
    )
    rules = tokenizer.count("\n- ".join((*brief.constraints.kept, *brief.said_rules.kept)))
    room = budget_tokens - tokenizer.count(write(empty))
    room -= min(rules, int(budget_tokens * SHARE_OF_RULES), room // 2)
    while True:
        fitted = replace(
            bare,
            summary=tokenizer.clip(brief.summary, int(room * SHARE_OF_SUMMARY)),
            goal=tokenizer.clip(brief.goal, int(room * SHARE_OF_GOAL)),
            blocked=tokenizer.clip(brief.blocked, int(room * SHARE_OF_BLOCKED)),
            in_progress=clip_items(brief.in_progress, int(room * SHARE_OF_WORK_IN_PROGRESS), tokenizer),
        )
        # Pieces that were counted apart can be a few tokens more together.
        excess = tokenizer.count(write(fitted)) - budget_tokens
        if excess <= 0 or room <= 0:
            return fitted
        room -= excess


def _with(brief: Brief, section: str, content: Items | str) -> Brief:
    changed: dict[str, Any] = {section: content}
    return replace(brief, **changed)


def _length(content: Items | str) -> int:
    """How many entries there are; a text is one."""
    return len(content.kept) if isinstance(content, Items) else int(bool(content))


def _first(name: str, content: Items | str, count: int) -> Items | str:
    if isinstance(content, str):
        return content if count else ""
    return content.few(count) if name in _UNCOUNTED else content.first(count)


def clip_items(items: Items, max_tokens: int, tokenizer: Tokenizer) -> Items:
    """As many whole entries as fit, and always the first, shortened if need be."""

    def fits(count: int) -> bool:
        return tokenizer.count(", ".join(items.kept[:count])) <= max_tokens

    if not items.kept:
        return items
    first = tokenizer.clip(items.kept[0], max_tokens)
    count = _largest(1, len(items.kept), fits)
    return Items((first, *items.kept[1:count]), items.more + len(items.kept[count:]))


def _largest(low: int, high: int, fits: Callable[[int], bool]) -> int:
    """The largest count from `low` to `high` that fits, where a larger one is never smaller in tokens."""
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low

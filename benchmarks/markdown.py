"""What the reports are written with: sections, tables, numbers with their intervals, and the lines of the bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.bars import Bar
from benchmarks.samples import Interval

TOO_FEW = "[too few]"


def section(title: str, *blocks: str) -> str:
    """A heading and what stands below it."""
    return "\n\n".join([f"## {title}", *blocks])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """All cells as they are given."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bar_lines(*bars: Bar) -> str:
    """What was measured, whether that is good enough, and what would be."""
    return "\n".join(_line(each) for each in bars)


def plus(pairs: Interval) -> str:
    """By how much: `+4 [-23, +39]`."""
    return f"{pairs.median:+,.0f} " + (f"[{pairs.low:+,.0f}, {pairs.high:+,.0f}]" if pairs.is_sure else TOO_FEW)


def times(pairs: Interval) -> str:
    """How many times: `1.34 [1.30, 1.39]`."""
    return f"{pairs.median:.2f} " + (f"[{pairs.low:.2f}, {pairs.high:.2f}]" if pairs.is_sure else TOO_FEW)


def _line(each: Bar) -> str:
    verdict = f"**{each.verdict}**" if each.verdict == "MISSED" else each.verdict
    return f"- {verdict}: {each.said}" + (f" (bar: {each.wanted})" if each.wanted else "")

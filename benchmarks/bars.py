"""The project's bars: what was measured, what is good enough, and whether that is held, as far as it can be told.

Pure. Knows nothing of what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.samples import MIN_PAIRS, Sample, differences

Verdict = Literal["held", "MISSED", "too few to tell", "too noisy to tell", "no bar"]

LITTLE = 0.05
"""Of the other's median. If a difference may be larger than this, pairs that show none show nothing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of the report.

    Attributes:
        said: what was measured.
        wanted: what would be good enough.
    """

    said: str
    verdict: Verdict
    wanted: str = ""


def bar(said: str, wanted: str, *, held: bool, values: Sequence[float] | None = None) -> Bar:
    """Whether what was found is good enough.

    Args:
        values: from which it was found, where chance has a part in it: too few of them tell nothing.
    """
    if values is not None and len(values) < MIN_PAIRS:
        return Bar(said, "too few to tell", wanted)
    return Bar(said, "held" if held else "MISSED", wanted)


def no_bar(said: str) -> Bar:
    """What is told beside the bars, so that what is worse is told where one looks."""
    return Bar(said, "no bar")


def nothing_more(ours: Sample, others: Sample) -> Verdict:
    """Whether pairs show that ours is not above the others', or by `LITTLE` at most."""
    pairs = differences(ours, others)
    if not pairs.is_sure:
        return "too few to tell"
    if pairs.low > 0:
        return "MISSED"
    return "held" if pairs.high <= LITTLE * others.median else "too noisy to tell"

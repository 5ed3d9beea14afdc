"""Numbers that were measured several times: their middle, their spread, and what pairs of them show.

Medians throughout: one slow round on a shared machine must not decide. Knows nothing of what was measured.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95

MIN_PAIRS = 6
"""With fewer not even the extremes hold the true median with that confidence."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured, in the order in which it was."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """A tenth of the values is below this one."""
        return _quantile(self.values, 0.1)

    @property
    def high(self) -> float:
        """A tenth of the values is above this one."""
        return _quantile(self.values, 0.9)

    def __str__(self) -> str:
        digits = 1 if self.median < 10 else 0  # noqa: PLR2004 — two figures tell enough
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}-{self.high:,.{digits}f})"


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true median of pairs lies; from ranks, so that nothing is assumed.

    Attributes:
        is_sure: with the confidence above; of too few pairs these are but the extremes.
    """

    median: float
    low: float
    high: float
    is_sure: bool = True


def ratios(ours: Sample, others: Sample) -> Interval:
    """How many times the others' value ours is, pair by pair."""
    return interval([mine / theirs for mine, theirs in zip(ours.values, others.values, strict=True)])


def differences(ours: Sample, others: Sample) -> Interval:
    """By how much our value is above the others', pair by pair."""
    return interval([mine - theirs for mine, theirs in zip(ours.values, others.values, strict=True)])


def interval(values: Sequence[float]) -> Interval:
    """The median and the ranks around it that hold the true one, by the binomial distribution.

    With fewer than `MIN_PAIRS` values not even the extremes reach the confidence; then they are what is given.
    """
    ordered, count = sorted(values), len(values)
    skipped, tail = 0, 0.5**count
    while skipped + 1 <= (count - 1) // 2 and 2 * (tail + math.comb(count, skipped + 1) * 0.5**count) <= 1 - CONFIDENCE:
        skipped += 1
        tail += math.comb(count, skipped) * 0.5**count
    return Interval(statistics.median(ordered), ordered[skipped], ordered[-1 - skipped], is_sure=count >= MIN_PAIRS)


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

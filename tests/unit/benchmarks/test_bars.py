"""Whether a bar is held: never by noise, and never by too few values."""

from __future__ import annotations

import pytest

from benchmarks.bars import bar, nothing_more
from benchmarks.latency import Latency
from benchmarks.report import latency_text
from benchmarks.samples import Sample


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ([1] * 3 + [-1] * 3, "held"),
        ([1] * 6, "MISSED"),
        ([-1] * 6, "held"),
        ([-1] * 5, "too few to tell"),
        ([40] * 3 + [-40] * 3, "too noisy to tell"),
    ],
)
def test_no_difference_is_held_only_by_pairs_that_could_have_shown_one(more: list[int], verdict: str) -> None:
    ours, others = Sample(tuple(100.0 + ms for ms in more)), Sample((100.0,) * len(more))
    assert nothing_more(ours, others) == verdict


def test_a_bar_is_held_by_enough_values_only() -> None:
    assert bar("x", "y", held=True, values=[1] * 6).verdict == "held"
    assert bar("x", "y", held=True, values=[1] * 5).verdict == "too few to tell"
    assert bar("x", "y", held=False).verdict == "MISSED"


def times(**at_size: list[float]) -> Latency:
    samples = {int(name[1:]): Sample(tuple(values)) for name, values in at_size.items()}
    floor = {size: Sample((50.0,) * len(sample.values)) for size, sample in samples.items()}
    at_once = {size: Sample((40.0,) * len(sample.values)) for size, sample in samples.items()}
    return Latency({"ours": samples, "floor": floor, "floor, at once": at_once}, {"ours": ("floor", "floor, at once")})


def test_flatness_is_told_round_by_round_with_its_interval() -> None:
    result = times(_10=[50, 60, 70, 80, 90, 100], _500=[55, 66, 77, 88, 99, 110])

    assert "held: ours: 500 turns take 1.10 [1.10, 1.10] × as long as 10 turns" in latency_text(result)


def test_the_lower_floor_is_told_beside_the_bars() -> None:
    assert "no bar: ours takes 1.50 [1.50, 1.50] × “floor, at once”" in latency_text(times(_10=[60] * 6, _500=[60] * 6))


def test_one_length_does_not_hold_flatness_and_few_rounds_hold_nothing() -> None:
    one_length, few = latency_text(times(_10=[60] * 6)), latency_text(times(_10=[60] * 3, _500=[60] * 3))

    assert "too few to tell: one length" in one_length
    assert "held" not in few
    assert "[too few]" in few

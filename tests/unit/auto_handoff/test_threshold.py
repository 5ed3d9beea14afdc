from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.auto_handoff.threshold import compaction_point, points_of, used
from handoff_sidecar.opencode.limits import CompactionConfig, ModelLimits, Tokens

K = 1_000


def limits(context: int, output: int, given_input: int = 0) -> ModelLimits:
    return ModelLimits(context=context, output=output, input=given_input)


@pytest.mark.parametrize(
    ("model", "config", "compacts", "hands_off"),
    [
        (limits(200 * K, 8 * K), {}, 192 * K, 160 * K),
        (limits(200 * K, 32 * K), {}, 168 * K, 154_560),
        (limits(128 * K, 32 * K), {}, 96 * K, 88_320),
        (limits(64 * K, 32 * K), {}, 32 * K, 28 * K),
        (limits(16 * K, 4 * K), {}, 12 * K, 9 * K),
        (limits(1_000 * K, 64 * K), {}, 968 * K, 800 * K),
        (limits(200 * K, 0), {}, 168 * K, 154_560),
        (limits(400 * K, 128 * K, 272 * K), {}, 252 * K, 231_840),
        (limits(400 * K, 8 * K, 272 * K), {}, 264 * K, 242_880),
        (limits(400 * K, 128 * K, 272 * K), {"reserved": 72 * K}, 200 * K, 184 * K),
        (limits(200 * K, 8 * K), {"reserved": 90 * K}, 192 * K, 160 * K),
        (limits(64 * K, 32 * K), {"auto": False}, None, 51_200),
        (limits(64 * K, 32 * K), {"auto": None}, 32 * K, 28 * K),
    ],
)
def test_a_session_is_handed_off_before_opencode_compacts(
    model: ModelLimits, config: dict[str, Any], compacts: int | None, hands_off: int
) -> None:
    compaction = CompactionConfig(**config)

    points = points_of(model, compaction, percent=80, warn_before=10)

    assert compaction_point(model, compaction) == compacts
    assert points is not None
    assert (points.compaction, points.handoff) == (compacts, hands_off)
    assert points.notice == hands_off - model.context // 10
    assert points.first == points.notice


@pytest.mark.parametrize(
    ("model", "percent"), [(limits(0, 8 * K), 80), (limits(16 * K, 32 * K), 80), (limits(200 * K, 8 * K), 0)]
)
def test_with_an_unknown_limit_or_no_room_or_0_nothing_happens(model: ModelLimits, percent: int) -> None:
    assert points_of(model, CompactionConfig(), percent=percent, warn_before=10) is None


def test_without_a_threshold_there_is_a_notice_alone() -> None:
    points = points_of(limits(200 * K, 8 * K), CompactionConfig(), percent=None, warn_before=10)

    assert points is not None
    assert (points.handoff, points.notice, points.first) == (None, 160 * K, 160 * K)


def test_0_points_before_means_no_notice_before() -> None:
    points = points_of(limits(200 * K, 8 * K), CompactionConfig(), percent=50, warn_before=0)

    assert points is not None
    assert (points.handoff, points.notice, points.first) == (100 * K, None, 100 * K)


def test_opencodes_own_bound_of_an_answer_can_be_raised() -> None:
    assert compaction_point(limits(200 * K, 64 * K), CompactionConfig(), output_max=64 * K) == 136 * K


@pytest.mark.parametrize(
    ("tokens", "count"),
    [
        ({"total": 9, "input": 1}, 9),
        ({"input": 1, "output": 2, "reasoning": 50, "cache": {"read": 4, "write": 8}}, 15),
        ({"total": 0, "input": 7}, 7),
        ({}, 0),
        ({"total": -5, "input": "many", "output": None, "cache": None}, 0),
        ({"total": float("nan"), "input": float("inf"), "output": True, "cache": {"read": []}}, 0),
    ],
)
def test_tokens_are_counted_as_opencode_counts_them_and_rubbish_is_none(tokens: dict[str, Any], count: int) -> None:
    assert used(Tokens.model_validate(tokens)) == count


sizes = st.integers(0, 2_000_000)


@given(sizes, sizes, sizes, st.none() | st.integers(-1_000, 500_000), st.integers(1, 100), st.integers(0, 100))
def test_the_handoff_always_comes_before_the_compaction_and_the_notice_before_the_handoff(
    context: int, output: int, given_input: int, reserved: int | None, percent: int, warn_before: int
) -> None:
    model, compaction = limits(context, output, given_input), CompactionConfig(reserved=reserved)

    points = points_of(model, compaction, percent=percent, warn_before=warn_before)

    if points is not None:
        assert points.compaction is not None
        assert points.handoff is not None
        assert points.handoff < points.compaction
        assert points.notice is None or 0 <= points.notice <= points.handoff

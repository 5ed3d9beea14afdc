"""The benchmarks' own arithmetic and made-up sessions: what people are shown must not be wrong by itself."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import pytest

from benchmarks import sessions
from benchmarks.clinic import CLINIC
from benchmarks.figures import WIDTH, Bar, fidelity_svg, latency_svg
from benchmarks.freight import FREIGHT
from benchmarks.generated import generate
from benchmarks.observatory import OBSERVATORY
from benchmarks.probes import KINDS, Probe, plain
from benchmarks.project import Project
from benchmarks.samples import Interval, Sample, differences, interval, ratios
from benchmarks.shop import SHOP

PROJECTS = (SHOP, CLINIC, OBSERVATORY, FREIGHT)
SVG = "{http://www.w3.org/2000/svg}"
FONT_SIZE = 13
WIDEST_LETTER = 8.0  # on average, of the widest of the fonts


def test_the_interval_of_a_median_is_that_of_the_sign_test() -> None:
    # Of 10 values the 2nd and the 9th hold the true median with 97.9 %, of 15 the 4th and the 12th with 96.5 %.
    assert interval(range(1, 11)) == Interval(5.5, 2, 9)
    assert interval(range(1, 16)) == Interval(8, 4, 12)


def test_few_values_give_their_extremes() -> None:
    found = interval([3, 1, 2])
    assert (found.low, found.median, found.high) == (1, 2, 3)
    assert not found.is_sure


def test_pairs_are_compared_one_by_one() -> None:
    ours, others = Sample((2, 40, 6)), Sample((1, 20, 3))
    assert ratios(ours, others).median == 2
    assert differences(ours, others).median == 3


def test_the_spread_is_a_tenth_from_either_end() -> None:
    sample = Sample(tuple(range(101)))
    assert (sample.low, sample.median, sample.high) == (10, 50, 90)


@pytest.mark.parametrize("turns", [30, 150])
@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_a_generated_session_holds_every_answer_but_none_in_its_question(project: Project, turns: int) -> None:
    case = generate(project, turns, 0, "/home/ada/shop")
    transcript = plain(case.record.messages)

    assert {probe.kind for probe in case.probes} == set(KINDS)
    for probe in case.probes:
        assert probe.is_in(transcript), probe
        assert not probe.is_in(probe.question), probe


def test_a_seed_gives_the_same_session_each_time() -> None:
    def messages(seed: int) -> str:
        return json.dumps(generate(SHOP, 30, seed, "/home/ada/shop").record.messages)

    assert messages(1) == messages(1)
    assert messages(1) != messages(2)


def test_nothing_that_is_reported_on_is_tuned_on() -> None:
    tuned, told = (
        {probe for case in cases("/home/ada/shop") for probe in case.probes if probe.kind in {"error", "decision"}}
        for cases in (sessions.tuning, sessions.reported)
    )

    assert tuned
    assert not tuned & told
    for one, other in combinations(PROJECTS, 2):
        assert not {feature.name for feature in one.features} & {feature.name for feature in other.features}
        assert not _questions(one) & _questions(other)


def _questions(project: Project) -> set[str]:
    return {text for asked in project.questions.values() for text in asked}


def test_an_old_decision_alone_misleads_and_beside_the_new_one_does_not() -> None:
    probe = Probe("reversed", "What was decided for the login?", ("cookies",), outdated=("tokens",))

    assert probe.is_misled_by("we take tokens")
    assert not probe.is_misled_by("we take tokens; no, cookies")
    assert not probe.is_misled_by("nothing was said")
    assert probe.search == "decided login"


def test_an_old_decision_beside_the_new_one_is_told_and_which_of_them_comes_first() -> None:
    probe = Probe("reversed", "What was decided for the login?", ("cookies",), outdated=("tokens",))

    assert probe.is_outdated_in("cookies; once tokens")
    assert not probe.is_outdated_first_in("cookies; once tokens")
    assert probe.is_outdated_first_in("tokens; no, cookies")
    assert not probe.is_outdated_first_in("tokens")


def test_the_pictures_are_svg_with_their_numbers() -> None:
    times = {"ours": {10: Sample((90.0, 110.0)), 5_000: Sample((95.0, 105.0))}}
    latency = latency_svg(times, "n = 2 < 3")
    fidelity = fidelity_svg([Bar("error", 0.25, 0.96, 0.1)], "last 20 messages", "all")

    assert "ours: 100 ms" in "".join(ET.fromstring(latency).itertext())
    assert "96%" in "".join(ET.fromstring(fidelity).itertext())


def test_lines_that_end_at_one_place_have_labels_that_can_be_read() -> None:
    names = ("ours", "floor", "floor, at once")
    picture = latency_svg({name: {10: Sample((50.0,)), 5_000: Sample((50.0,))} for name in names}, "")

    labels = [text for text in ET.fromstring(picture).iter(f"{SVG}text") if str(text.text).endswith(": 50 ms")]
    heights = sorted(float(text.attrib["y"]) for text in labels)

    assert len(labels) == len(names)
    assert all(lower - upper >= FONT_SIZE for upper, lower in pairwise(heights))
    assert all(float(text.attrib["x"]) + len(str(text.text)) * WIDEST_LETTER < WIDTH for text in labels)

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.session.trigger import (
    GOAL_MAX_CHARACTERS,
    Trigger,
    find_trigger,
    pattern,
    tell_agent,
)

CASES = json.loads((Path(__file__).parents[2] / "cases" / "triggers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", CASES["may_be_a_trigger"])
def test_the_pattern_matches_whatever_may_be_a_trigger(text: str) -> None:
    assert re.search(pattern()[0], text, re.IGNORECASE)


@pytest.mark.parametrize("text", CASES["is_no_trigger"])
def test_an_ordinary_message_is_no_trigger(text: str) -> None:
    assert not re.search(pattern()[0], text, re.IGNORECASE)
    assert find_trigger(text) is None


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("handoff", None),
        ("Handoff.", None),
        ('"handoff"\n', None),
        ("session handoff", None),
        ('"handoff fix the tests"', "fix the tests"),
        ("handoff: fix the tests", "fix the tests"),
        ("handoff:fix the tests", "fix the tests"),
        ("session handoff fix the tests\n", "fix the tests"),
        ("handoff — is the goal", "is the goal"),
        ("handoff\nfix the tests\nthen the docs", "fix the tests\nthen the docs"),
        ("handoff übergib die Arbeit", "übergib die Arbeit"),
        ("「handoff 修复测试」", "修复测试"),
        ('handoff rename "a" to "b"', 'rename "a" to "b"'),
        ("handoff can you fix the tests", "can you fix the tests"),
        ("handoff look into the flaky test", "look into the flaky test"),
        ("handoff work on the parser", "work on the parser"),
        ("handoff and fix the tests", "and fix the tests"),
        ("handoff in a new session: fix the tests", "in a new session: fix the tests"),
        ("handoff, means of payment first", "means of payment first"),
        ("hand off", None),
        ("Hand-off.", None),
        ("hand off the work", None),
        ("hand off the login to Ada", "the login to Ada"),
        ("hand-off fix the tests", "fix the tests"),
        ("session hand off: fix the tests", "fix the tests"),
        ("handoff to a fresh session", None),
        ("handoff it", None),
        ("handoff -- fix the tests", "fix the tests"),
    ],
)
def test_the_goal_is_what_follows_the_word(text: str, goal: str | None) -> None:
    trigger = find_trigger(text)

    assert trigger is not None
    assert trigger.goal == goal


@pytest.mark.parametrize("text", ["handoff please", "handoff now!", "handoff, right now please", "Handoff asap."])
def test_haste_is_no_goal(text: str) -> None:
    assert find_trigger(text) == Trigger(None, certain=True)


@pytest.mark.parametrize(
    "text", ["handoff is broken, why?", "handoff works great", "handoff isn’t working", "handoff not working again"]
)
def test_a_sentence_about_handoffs_is_no_trigger(text: str) -> None:
    assert find_trigger(text) is None


@pytest.mark.parametrize("text", ["handoff --help", "handoff -h", "handoff: --help", "hand-off --version"])
def test_an_option_is_neither_a_trigger_nor_a_goal(text: str) -> None:
    assert find_trigger(text) is None


def test_words_of_ones_own_trigger_too() -> None:
    words = ("übergabe", "引き継ぎ", "c++ (handoff)")

    assert find_trigger("Übergabe: die Tests", words) == Trigger("die Tests", certain=True)
    assert find_trigger("引き継ぎ", words) == Trigger(None, certain=True)
    assert find_trigger("C++ (handoff) weiter", words) == Trigger("weiter", certain=False)
    assert find_trigger("handoff", words) is None


def test_the_agent_is_told_the_goal_word_for_word() -> None:
    told = tell_agent(Trigger('rename "a" to "b"', certain=True))

    assert "`session_handoff`" in told
    assert 'rename "a" to "b"' in told


def test_an_uncertain_trigger_leaves_the_agent_a_way_out() -> None:
    assert "ignore this note" in tell_agent(Trigger("fix the tests", certain=False))
    assert "ignore this note" not in tell_agent(Trigger("fix the tests", certain=True))


def test_a_goal_of_many_pages_is_not_repeated() -> None:
    assert len(tell_agent(Trigger("x" * (GOAL_MAX_CHARACTERS + 1), certain=True))) < GOAL_MAX_CHARACTERS


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    trigger = find_trigger(f"handoff {text}")

    assert trigger is None or trigger.goal is None or trigger.goal.strip() == trigger.goal

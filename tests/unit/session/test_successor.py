"""Who is to go on, by the names that there really are."""

from __future__ import annotations

import pytest

from handoff_sidecar.errors import InvalidArguments
from handoff_sidecar.session.successor import LISTED_NAMES, Wish, agent_named, may_name_another, model_named, read_wish

AGENTS = ["build", "plan", "Atlas - Plan Executor", "\u200bSisyphus", "Prometheus: Planner", "prober"]
MODELS = ["openai/gpt-5", "anthropic/claude-sonnet-4-5", "openrouter/some-model:free", "scripted/m1"]


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("", Wish("")),
        ('"fix the tests"', Wish("fix the tests")),
        ("to plan: review it", Wish("review it", "plan")),
        ("To PLAN with openai/gpt-5: review it", Wish("review it", "plan", "openai/gpt-5")),
        ("to plan: review it with openai/gpt-5.", Wish("review it", "plan", "openai/gpt-5")),
        ("with openai/gpt-5: fix it", Wish("fix it", None, "openai/gpt-5")),
        ("to plan with openrouter/some-model:free: fix it", Wish("fix it", "plan", "openrouter/some-model:free")),
        ("To plan with scripted/m1 :", Wish("", "plan", "scripted/m1")),
        ("to Atlas - Plan Executor with scripted/m1: fix it", Wish("fix it", "Atlas - Plan Executor", "scripted/m1")),
        ("to atlas: fix it: now", Wish("fix it: now", "Atlas - Plan Executor")),
        ("to sisyphus: fix it", Wish("fix it", "\u200bSisyphus")),
        ("to prom：fix it", Wish("fix it", "Prometheus: Planner")),
        ("to plan", Wish("", "plan")),
        ("to atlas - plan executor", Wish("", "Atlas - Plan Executor")),
        ("to plan with scripted/m1.", Wish("", "plan", "scripted/m1")),
        ("with scripted/m1", Wish("", None, "scripted/m1")),
        ("fix it with scripted/m1", Wish("fix it", None, "scripted/m1")),
        ("to atlas", Wish("to atlas")),
        ("to plan the release", Wish("to plan the release")),
        ("to production, at last", Wish("to production, at last")),
        ("with origin/main merged", Wish("with origin/main merged")),
        ("compare it with origin/main", Wish("compare it with origin/main")),
        ("fix: the tests", Wish("fix: the tests")),
        ("to get this whole thing done: run the tests", Wish("to get this whole thing done: run the tests")),
        ("to do\nfix: the tests", Wish("to do\nfix: the tests")),
    ],
)
def test_who_goes_on_is_whoever_is_named_of_those_there_are(text: str, wish: Wish) -> None:
    assert read_wish(text, AGENTS, MODELS) == wish
    if wish.agent or wish.model:
        assert may_name_another(text)


@pytest.mark.parametrize("text", ["", "fix the tests", "fix: the tests", "together", "without haste", "write to disk"])
def test_most_goals_name_nobody_which_is_seen_without_the_lists(text: str) -> None:
    assert not may_name_another(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("to nobody: fix it", "there is no agent `nobody`. Available: `build`, `plan`, `Atlas - Plan Executor`,"),
        ("to pro: fix it", "there is no agent `pro`. Available: `Prometheus: Planner`, `prober`. Correct the agent,"),
        ("to plan with openai/gpt-6: fix it", "there is no model `openai/gpt-6`. Available: `openai/gpt-5`,"),
    ],
)
def test_whoever_is_not_there_is_told_with_those_who_are(text: str, said: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        read_wish(text, AGENTS, MODELS)
    assert said in str(refused.value)


def test_a_whole_name_goes_before_the_beginning_of_another() -> None:
    assert agent_named("plan", ["planner", "plan"]) == "plan"


def test_of_many_models_the_likeliest_are_listed() -> None:
    many = [f"provider/model-{number}" for number in range(100)]
    with pytest.raises(InvalidArguments, match=rf"\(\+{100 - LISTED_NAMES} more\)"):
        model_named("provider/model-1000", many)

"""What the scripted model makes of the note that the plugin really adds to a message."""

from __future__ import annotations

import pytest

from handoff_sidecar.demo.scripted_model import ChatRequest
from handoff_sidecar.demo.typed_command import find_command
from handoff_sidecar.session.trigger import GOAL_MAX_CHARACTERS, Wish, find_trigger, tell_agent


def command_in(typed: str) -> Wish | None:
    trigger = find_trigger(typed)
    texts = [typed, *([tell_agent(trigger)] if trigger else []), "<system-reminder>\nYou may edit.\n</system-reminder>"]
    parts = [{"type": "text", "text": text} for text in texts]
    return find_command(ChatRequest({"messages": [{"role": "user", "content": parts}]}))


@pytest.mark.parametrize(
    "goal",
    [
        "fix the failing tests",
        'rename "a" to "b"',
        "to plan the release",
        "to plan-ahead mode, then",
        "go on with src/api/routes.ts",
        "fix the tests\nand then the docs",
        "x" * (GOAL_MAX_CHARACTERS + 1),
    ],
)
@pytest.mark.parametrize("word", ["handoff ", "handoff: ", "Session handoff "])
def test_the_goal_is_what_was_typed_word_for_word(word: str, goal: str) -> None:
    assert command_in(f"{word}{goal}") == Wish(goal)


@pytest.mark.parametrize("typed", ["handoff", "handoff!", "handoff: ", '"handoff"'])
def test_without_a_goal_there_is_none(typed: str) -> None:
    assert command_in(typed) == Wish("")


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("handoff to plan: review the auth flow", Wish("review the auth flow", agent="plan")),
        ("handoff To build", Wish("", agent="build")),
        ("handoff to plan", Wish("", agent="plan")),
        ("handoff fix it with scripted/m1", Wish("fix it", model="scripted/m1")),
        ("handoff with scripted/m1", Wish("", model="scripted/m1")),
        ("handoff with scripted/m1: fix it", Wish("fix it", model="scripted/m1")),
        (
            "handoff to plan with anthropic/claude-sonnet-4-5: fix it",
            Wish("fix it", agent="plan", model="anthropic/claude-sonnet-4-5"),
        ),
        ("handoff to plan: fix it with openai/gpt-5.", Wish("fix it", agent="plan", model="openai/gpt-5")),
    ],
)
def test_an_agent_and_a_model_that_are_named_are_no_part_of_the_goal(typed: str, command: Wish) -> None:
    assert command_in(typed) == command


@pytest.mark.parametrize("typed", ["handoff is broken, why?", "handoff?", "handoff how does it work?", "fix the tests"])
def test_a_question_about_handoffs_is_no_command(typed: str) -> None:
    assert command_in(typed) is None

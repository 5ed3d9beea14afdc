"""What the scripted model makes of the note that the plugin really adds to a message."""

from __future__ import annotations

import pytest

from handoff_sidecar.demo.scripted_model import ChatRequest
from handoff_sidecar.demo.typed_command import find_command
from handoff_sidecar.session.trigger import GOAL_MAX_CHARACTERS, find_trigger, tell_agent


def command_in(typed: str) -> str | None:
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
        "to plan: review it with scripted/m1",
        "go on with src/api/routes.ts",
        "fix the tests\nand then the docs",
        "x" * (GOAL_MAX_CHARACTERS + 1),
    ],
)
@pytest.mark.parametrize("word", ["handoff ", "handoff: ", "Session handoff "])
def test_the_goal_is_what_was_typed_word_for_word(word: str, goal: str) -> None:
    assert command_in(f"{word}{goal}") == goal


@pytest.mark.parametrize("typed", ["handoff", "handoff!", "handoff: ", '"handoff"'])
def test_without_a_goal_there_is_none(typed: str) -> None:
    assert command_in(typed) == ""


@pytest.mark.parametrize("typed", ["handoff is broken, why?", "handoff?", "handoff how does it work?", "fix the tests"])
def test_a_question_about_handoffs_is_no_command(typed: str) -> None:
    assert command_in(typed) is None

"""The scripted agent of the demonstration: what it does for what a person types, in both sessions."""

from __future__ import annotations

from typing import Any

import pytest

from handoff_sidecar.demo.morning import TITLE
from handoff_sidecar.demo.script import ASK_AGAIN, HANDOFF_GOAL, LAST_REQUEST, ONLY_THIS, demo_script, typed_goal
from handoff_sidecar.demo.scripted_model import ChatRequest, Failure, Reply
from handoff_sidecar.session.trigger import GOAL_MAX_CHARACTERS, find_trigger, tell_agent

Message = dict[str, Any]

PROMPT = (
    "## Session Handoff\n\nBuilding auth flow.\n\n{goal}**Todos:** 3/5 done\n"
    "- In progress: Fix token refresh race condition\n- Pending: Add logout endpoint\n\n---\n"
    "Previous: `ses_1` · Use `read_session` if you need more context."
)


def said(text: str) -> Message:
    """A message with the note that the plugin really adds to it, and what OpenCode adds."""
    trigger = find_trigger(text)
    texts = [text, *([tell_agent(trigger)] if trigger else []), "<system-reminder>\nYou may edit.\n</system-reminder>"]
    return {"role": "user", "content": [{"type": "text", "text": each} for each in texts]}


def prompt(goal: str | None = None) -> Message:
    return said(PROMPT.format(goal=f"**Goal:** {goal}\n\n" if goal else ""))


def turn(*messages: Message, result: str = "ok") -> list[Reply]:
    """The agent's replies to the newest message, each of its calls answered with `result`."""
    agent, conversation, replies = demo_script(), list(messages), []
    while True:
        reply = agent(ChatRequest({"messages": conversation, "tools": [{"function": {"name": "session_handoff"}}]}))
        assert not isinstance(reply, Failure)
        replies.append(reply)
        if not reply.tool_calls:
            return replies
        calls = [{"function": {"name": call.name, "arguments": str(call.arguments)}} for call in reply.tool_calls]
        conversation += [{"role": "assistant", "content": reply.text, "tool_calls": calls}]
        conversation += [{"role": "tool", "content": result}]


def handed_off(*messages: Message) -> dict[str, Any]:
    (call,) = turn(*messages)[0].tool_calls
    assert call.name == "session_handoff"
    return call.arguments


def tools(replies: list[Reply]) -> list[str]:
    return [call.name for reply in replies for call in reply.tool_calls]


def goal_in(typed: str) -> str | None:
    return typed_goal(ChatRequest({"messages": [said(typed)]}))


@pytest.mark.parametrize(
    "goal",
    [
        "fix the failing tests",
        'rename "a" to "b"',
        "to plan: review it with scripted/m1",
        "fix the tests\nand then the docs",
        "x" * (GOAL_MAX_CHARACTERS + 1),
    ],
)
@pytest.mark.parametrize("word", ["handoff ", "handoff: ", "Session handoff "])
def test_the_goal_is_what_was_typed_word_for_word(word: str, goal: str) -> None:
    assert goal_in(f"{word}{goal}") == goal


@pytest.mark.parametrize("typed", ["handoff", "handoff!", "handoff: ", '"handoff"'])
def test_without_a_goal_there_is_none(typed: str) -> None:
    assert goal_in(typed) == ""


@pytest.mark.parametrize("typed", ["handoff is broken, why?", "handoff?", "handoff how does it work?", "fix the tests"])
def test_a_question_about_handoffs_is_no_command(typed: str) -> None:
    assert goal_in(typed) is None


def test_without_the_plugins_note_nothing_is_handed_off() -> None:
    assert typed_goal(ChatRequest({"messages": [{"role": "user", "content": "handoff fix the tests"}]})) is None


def test_anything_else_is_answered_with_what_the_model_is_and_what_to_try() -> None:
    for text in ("handoff is broken, why?", "hello", "go on"):
        (reply,) = turn(said(LAST_REQUEST), said(text))
        assert reply.text == ONLY_THIS


def test_the_new_session_begins_on_its_goal_with_the_todos_restored() -> None:
    for goal, words in ((HANDOFF_GOAL, "I start with `POST /logout`"), ("fix the tests", 'I start on "fix the tests"')):
        replies = turn(prompt(goal))
        assert tools(replies) == ["todowrite", "read_session"]
        assert words in replies[-1].text


def test_what_is_still_being_read_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)

    replies = turn(prompt(HANDOFF_GOAL), result=f"{ASK_AGAIN}.")

    assert 50 < len(waited) < 100, "it gives up in the end"
    assert set(tools(replies)[1:]) == {"read_session"}
    assert replies[-1].text.startswith("The todos are back.")


def test_without_a_goal_it_says_where_things_stand_and_asks() -> None:
    replies = turn(prompt())

    assert tools(replies) == ["todowrite", "read_session"]
    assert replies[-1].text == (
        '3 of 5 todos are done, "Fix token refresh race condition" is in progress. What shall I do next?'
    )


def test_the_new_session_can_be_talked_to_and_handed_off_too() -> None:
    (reply,) = turn(prompt("fix the tests"), said("thanks"))
    assert reply.text == ONLY_THIS

    again = handed_off(prompt("fix the tests"), said("handoff write the docs"))
    assert again["goal"] == "write the docs"
    assert again["summary"].endswith("currently fixing token refresh.")


def test_a_session_that_the_person_began_is_not_given_the_storys_summary_or_todos() -> None:
    arguments = handed_off(said("hello"), said("handoff fix it"))
    assert set(arguments) == {"summary", "goal"}

    replies = turn(said("## Session Handoff\n\nA first look.\n\n---\nPrevious: `ses_1`"))
    assert tools(replies) == ["read_session"]
    assert replies[-1].text == "There is nothing on the todo list. What shall I do next?"


def test_a_handoff_that_failed_is_not_called_one_that_was_made() -> None:
    command = said("handoff with anthropic/claude-sonnet-4-5")

    assert turn(command, result="Handed off to `ses_2`")[-1].text == "I handed the work over to a fresh session."
    assert turn(command, result="there is no model")[-1].text == "There was no handoff. there is no model"


def test_the_title_is_the_storys() -> None:
    title = demo_script()(ChatRequest({"messages": [said("hi")]}))
    assert isinstance(title, Reply)
    assert title.text == TITLE


def test_the_last_turn_is_real_work_and_its_tokens_are_counted() -> None:
    replies = turn(said(LAST_REQUEST))
    assert tools(replies) == ["todowrite", "write", "edit"]
    assert 0 < replies[0].input_tokens < replies[1].input_tokens

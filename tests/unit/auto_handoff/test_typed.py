from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from handoff_sidecar.auto_handoff.typed import NOTHING, ONLY_TALKED, TELL_OF_NOTHING, TOO_FULL, UNDER_WAY, TypedHandoffs
from handoff_sidecar.call.context import Mode, Scene, ToolContext
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.models import MessageID, SessionID
from handoff_sidecar.session.trigger import find_trigger
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
OLD = SessionID("ses_old")
TURN = MessageID("msg_0003")
OVERFLOW = {"name": "ContextOverflowError", "data": {"message": "too long"}}
FAILED = {"name": "APIError", "data": {"message": "overloaded", "statusCode": 500}}
ESCAPE = {"name": "MessageAbortedError", "data": {"message": "aborted"}}


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session()
    fake.messages["ses_old"] = [user_message(1, "fix the login"), assistant_message(2, "It works now.")]
    return fake


@pytest.fixture
def typed(tmp_path: Path) -> TypedHandoffs:
    return TypedHandoffs(
        SessionHandoff(journal=Journal(tmp_path / "briefs"), tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))
    )


def scene(opencode: FakeOpenCode, mode: Mode = "tui") -> Scene:
    place = ToolContext.model_validate({"sessionID": "ses_old", "directory": "/home/ada/dashboard"})
    return Scene(place, opencode.client(), Settings(), mode)


def answer(text: str = "Fine.", *parts: dict[str, Any], **info: Any) -> dict[str, Any]:
    return assistant_message(4, text, *parts, time={"created": 1, "completed": 2}, parentID=TURN, **info)


async def say(opencode: FakeOpenCode, typed: TypedHandoffs, text: str, mode: Mode = "tui") -> str:
    trigger = find_trigger(text)
    assert trigger is not None
    told = await typed.received(trigger, TURN, scene(opencode, mode))
    opencode.messages["ses_old"].append(user_message(3, text))
    return told


def said(opencode: FakeOpenCode) -> list[str]:
    return [toast["message"] for toast in opencode.toasts]


@pytest.mark.parametrize("text", ["handoff", "handoff: fix the tests", '"handoff"'])
async def test_a_certain_form_is_handed_off_without_the_agent(
    opencode: FakeOpenCode, typed: TypedHandoffs, text: str
) -> None:
    await say(opencode, typed, text)
    opencode.messages["ses_old"].append(answer())

    await typed.ended(scene(opencode))
    await typed.ended(scene(opencode))

    (made,) = opencode.made()
    assert "It works now." in opencode.messages[made["id"]][0]["parts"][0]["text"]
    assert said(opencode)[0] == UNDER_WAY
    assert "The agent didn't hand off" in said(opencode)[1]


async def test_words_that_the_agent_answered_move_nobody(opencode: FakeOpenCode, typed: TypedHandoffs) -> None:
    await say(opencode, typed, "handoff the docs to Bob")
    opencode.messages["ses_old"].append(answer())

    await typed.ended(scene(opencode))

    assert opencode.made() == []
    assert said(opencode) == [UNDER_WAY, ONLY_TALKED]


@pytest.mark.parametrize("text", ["handoff", "handoff fix the tests"])
async def test_a_provider_that_failed_is_enough_and_is_not_asked_again(
    opencode: FakeOpenCode, typed: TypedHandoffs, text: str
) -> None:
    await say(opencode, typed, text)
    opencode.messages["ses_old"].append(answer("", error=FAILED))

    await typed.ended(scene(opencode))

    sent = next(body for _, path, body in reversed(opencode.requests) if path.endswith("prompt_async"))
    assert sent["noReply"] is True
    assert any("The provider failed (overloaded)" in toast for toast in said(opencode))


async def test_a_session_that_is_too_long_is_handed_off_at_once_and_the_next_one_begins(
    opencode: FakeOpenCode, typed: TypedHandoffs
) -> None:
    await say(opencode, typed, "handoff fix the tests")
    opencode.statuses["ses_old"] = {"type": "busy"}
    typed.failed(OLD, "too long", is_overflow=True)

    await typed.waits("too long", scene(opencode))

    sent = next(body for _, path, body in reversed(opencode.requests) if path.endswith("prompt_async"))
    assert "noReply" not in sent
    assert "too long" not in sent["parts"][0]["text"]
    assert opencode.aborted == ["ses_old"]
    assert any(TOO_FULL in toast for toast in said(opencode))


async def test_what_is_too_long_may_be_told_by_the_answer_alone(opencode: FakeOpenCode, typed: TypedHandoffs) -> None:
    await say(opencode, typed, "handoff fix the tests")
    opencode.messages["ses_old"].append(answer("", error=OVERFLOW))

    await typed.ended(scene(opencode))

    sent = next(body for _, path, body in reversed(opencode.requests) if path.endswith("prompt_async"))
    assert "noReply" not in sent
    assert "**Blocked:**" not in sent["parts"][0]["text"]


async def test_the_first_retry_counts_as_failed_and_ends_the_turn(opencode: FakeOpenCode, typed: TypedHandoffs) -> None:
    await say(opencode, typed, "handoff fix the tests")
    opencode.statuses["ses_old"] = {"type": "retry", "attempt": 1, "message": "overloaded"}

    await typed.waits("overloaded", scene(opencode))

    assert opencode.aborted == ["ses_old"]
    assert len(opencode.made()) == 1


@pytest.mark.parametrize(
    ("text", "then", "mode"),
    [
        ("handoff how does it work?", answer(), "tui"),
        ("handoff: does that work?", answer("", error=FAILED), "tui"),
        ("handoff", answer("", error=ESCAPE), "tui"),
        ("handoff", answer(), "run"),
    ],
)
async def test_a_question_an_escape_and_opencode_run_make_none(
    opencode: FakeOpenCode, typed: TypedHandoffs, text: str, then: dict[str, Any], mode: Mode
) -> None:
    await say(opencode, typed, text, mode)
    opencode.messages["ses_old"].append(then)

    await typed.ended(scene(opencode, mode))

    assert opencode.made() == []
    assert not any("made" in toast for toast in said(opencode))


async def test_after_escape_before_a_word_was_said_the_person_stays(
    opencode: FakeOpenCode, typed: TypedHandoffs
) -> None:
    await say(opencode, typed, "handoff")
    typed.stopped(OLD)

    await typed.ended(scene(opencode))

    assert opencode.made() == []


async def test_one_that_the_agent_made_or_the_person_overtook_is_over(
    opencode: FakeOpenCode, typed: TypedHandoffs
) -> None:
    await say(opencode, typed, "handoff")
    opencode.messages["ses_old"] += [answer(), user_message(5, "no, stay")]

    await typed.ended(scene(opencode))

    assert opencode.made() == []


async def test_a_turn_that_goes_on_is_waited_for(opencode: FakeOpenCode, typed: TypedHandoffs) -> None:
    await say(opencode, typed, "handoff")
    opencode.statuses["ses_old"] = {"type": "busy"}
    opencode.messages["ses_old"].append(answer("", tool_part("read")))

    await typed.ended(scene(opencode))

    assert opencode.made() == []
    opencode.statuses.clear()
    opencode.messages["ses_old"].append(answer())
    await typed.ended(scene(opencode))
    assert len(opencode.made()) == 1


async def test_in_an_empty_session_there_is_nothing_to_hand_off(opencode: FakeOpenCode, typed: TypedHandoffs) -> None:
    opencode.messages["ses_old"] = []

    assert await say(opencode, typed, "handoff") == TELL_OF_NOTHING

    while not said(opencode):  # noqa: ASYNC110  # nothing else tells of a toast
        await asyncio.sleep(0)
    assert said(opencode) == [NOTHING]

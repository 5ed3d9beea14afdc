from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import assistant_message, user_message

from handoff_sidecar.auto_handoff.decision import Action, Look, Stage, at_the_end_of_a_turn, in_a_turn
from handoff_sidecar.auto_handoff.threshold import Points
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session

POINTS = Points(context=200, compaction=190, handoff=160, notice=140)
DONE = {"tokens": {"total": 20}, "time": {"created": 1, "completed": 2}}


def look(*messages: dict[str, Any], is_whole: bool = False, is_busy: bool = False, **session: Any) -> Look:
    seen = [Message.model_validate(message) for message in messages]
    return Look(Session.model_validate({"id": "ses_old", **session}), seen, is_whole, is_busy=is_busy)


WORKED = look(user_message(1, "fix it"), assistant_message(2, "done", **DONE))


@pytest.mark.parametrize(
    ("stage", "tokens", "action"),
    [
        (Stage.WATCHED, 139, Action.NOTHING),
        (Stage.WATCHED, 140, Action.NOTICE),
        (Stage.WATCHED, 159, Action.NOTICE),
        (Stage.WATCHED, 160, Action.LOOK),
        (Stage.TOLD, 160, Action.NOTHING),
        (Stage.OVER, 160, Action.NOTHING),
    ],
)
def test_in_a_turn_the_tokens_decide_until_the_session_has_to_be_looked_at(
    stage: Stage, tokens: int, action: Action
) -> None:
    assert in_a_turn(stage, POINTS, tokens).action is action
    assert in_a_turn(stage, None, tokens).action is Action.NOTHING


@pytest.mark.parametrize(
    ("seen", "action", "why"),
    [
        (WORKED, Action.TELL, ""),
        (look(parentID="ses_parent"), Action.GIVE_UP, ""),
        (look(revert={"messageID": "msg_1"}), Action.NOTHING, ""),
        (look(metadata={"handoff": {"auto": 2}}), Action.GIVE_UP, "without a word from you"),
        (look(user_message(1, "hi"), metadata={"handoff": {"auto": 2}}), Action.TELL, ""),
        (
            look(assistant_message(1, "x", tokens={"total": 160}), is_whole=True),
            Action.GIVE_UP,
            "was this full from the start",
        ),
        (look(assistant_message(1, "x", tokens={"total": 160}), is_whole=False), Action.TELL, ""),
    ],
)
def test_what_stands_in_the_way_of_an_automatic_handoff(seen: Look, action: Action, why: str) -> None:
    decision = in_a_turn(Stage.WATCHED, POINTS, 160, seen)

    assert decision.action is action
    assert why in decision.why
    assert bool(why) is bool(decision.why)


ABORTED = {"error": {"name": "MessageAbortedError"}}


@pytest.mark.parametrize(
    ("stage", "tokens", "seen", "action"),
    [
        (Stage.WATCHED, 160, WORKED, Action.ASK),
        (Stage.WATCHED, 190, WORKED, Action.HAND_OFF),
        (Stage.WATCHED, 160, look(assistant_message(1, "", error={"name": "APIError"})), Action.HAND_OFF),
        (Stage.WATCHED, 160, look(user_message(1, "wait")), Action.NOTHING),
        (Stage.WATCHED, 160, look(assistant_message(1, "…")), Action.NOTHING),
        (Stage.WATCHED, 160, look(assistant_message(1, "", **ABORTED)), Action.NOTHING),
        (Stage.TOLD, 160, look(assistant_message(1, "", **ABORTED)), Action.GIVE_UP),
        (Stage.TOLD, 160, WORKED, Action.ASK),
        (Stage.OVER, 190, WORKED, Action.NOTHING),
        (Stage.ASKED, 0, WORKED, Action.GIVE_UP),
        (Stage.ASKED, 0, look(assistant_message(1, "no", **DONE)), Action.HAND_OFF),
        (Stage.ASKED, 0, look(assistant_message(1, "", **ABORTED)), Action.GIVE_UP),
        (Stage.ASKED, 0, look(assistant_message(1, "no", **DONE), is_busy=True), Action.NOTHING),
        (Stage.ASKED, 0, look(), Action.NOTHING),
    ],
)
def test_at_the_end_of_a_turn(stage: Stage, tokens: int, seen: Look, action: Action) -> None:
    assert at_the_end_of_a_turn(stage, POINTS, tokens, seen).action is action

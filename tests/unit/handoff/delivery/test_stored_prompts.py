"""What OpenCode tells of a prompt that it stores."""

from __future__ import annotations

from handoff_sidecar.handoff.delivery.stored_prompts import StoredPrompts
from handoff_sidecar.opencode.messages import MessageInfo
from handoff_sidecar.opencode.models import MessageID, SessionID

SESSION, MESSAGE = SessionID("ses_new"), MessageID("msg_1")


def info(session_id: str = SESSION, role: str = "user", name: str = MESSAGE) -> MessageInfo:
    return MessageInfo.model_validate({"id": name, "sessionID": session_id, "role": role, "agent": "plan"})


def test_a_prompt_is_there_when_its_message_and_all_its_parts_have_been_told() -> None:
    stored_prompts, told = StoredPrompts(), list[SessionID]()
    with stored_prompts.expecting(SESSION, 2, lambda: told.append(SESSION)) as expected:
        for part in ("prt_1", "prt_1"):
            stored_prompts.message_stored(info())
            stored_prompts.part_stored(SESSION, MESSAGE, part)
            assert expected.message is None
        assert told == []
        for part in ("prt_2", "prt_3"):
            stored_prompts.part_stored(SESSION, MESSAGE, part)

        assert expected.message is not None
        assert (expected.message.info.id, expected.message.agent) == (MESSAGE, "plan")
    assert told == [SESSION], "once"


def test_in_whatever_order_they_are_told() -> None:
    stored_prompts, told = StoredPrompts(), list[SessionID]()
    with stored_prompts.expecting(SESSION, 1, lambda: told.append(SESSION)) as expected:
        stored_prompts.part_stored(SESSION, MESSAGE, "prt_1")
        assert expected.message is None
        stored_prompts.message_stored(info())

        assert expected.message is not None


def test_what_is_told_of_others_is_no_proof() -> None:
    stored_prompts, told = StoredPrompts(), list[SessionID]()
    stored_prompts.message_stored(info())
    stored_prompts.part_stored(SESSION, MESSAGE, "prt_1")
    with stored_prompts.expecting(SESSION, 1, lambda: told.append(SESSION)) as expected:
        stored_prompts.message_stored(info("ses_other"))
        stored_prompts.part_stored(SessionID("ses_other"), MESSAGE, "prt_1")
        stored_prompts.message_stored(info(role="assistant"))
        stored_prompts.part_stored(SESSION, MESSAGE, "prt_1")
        stored_prompts.message_stored(info(name="msg_2"))

        assert expected.message is None
    assert told == []

"""OpenCode's objects as other plugins and other versions may write them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from handoff_sidecar.opencode import limits, models
from handoff_sidecar.opencode.models import Agent, Session
from handoff_sidecar.opencode.wire import Wire
from handoff_sidecar.sidecar import params

MARK = {"to": "ses_new", "of": "ses_old", "turn": "msg_05", "at": 1}


def session(**handoff: object) -> Session:
    return Session.model_validate({"id": "ses_old", "metadata": {"theirs": 1, "handoff": {**MARK, **handoff}}})


def wire_models() -> list[type[BaseModel]]:
    found = [each for module in (models, limits, params) for each in vars(module).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, Wire) and each is not Wire]


CONTEXT: dict[str, object] = {"sessionID": "ses_1", "directory": "/home/ada"}
INFO: dict[str, object] = {"id": "msg_1", "role": "user"}
REQUIRED: dict[str, dict[str, object]] = {
    "Agent": {"name": "build"},
    "CommandCall": {"name": "handoff-now", "context": CONTEXT},
    "DirectoryOpened": {"directory": "/home/ada"},
    "Initialize": {"protocolVersion": 1},
    "Message": {"info": INFO},
    "MessageInfo": INFO,
    "Model": {"providerID": "scripted", "modelID": "m1"},
    "Provider": {"id": "scripted"},
    "ReceivedMessage": {"sessionID": "ses_1", "messageID": "msg_1", "text": "handoff", "directory": "/home/ada"},
    "Revert": {"messageID": "msg_1"},
    "Session": {"id": "ses_1"},
    "SessionEvent": {"type": "session.idle", "context": CONTEXT, "sighting": {"sessionID": "ses_1"}},
    "Sighting": {"sessionID": "ses_1"},
    "Step": {"context": CONTEXT, "sighting": {"sessionID": "ses_1"}},
    "ToolCallParams": {"name": "read_session", "context": CONTEXT},
    "ToolContext": CONTEXT,
}


@pytest.mark.parametrize("model", wire_models(), ids=lambda model: model.__name__)
def test_null_is_absent_for_every_field_that_has_a_default(model: type[BaseModel]) -> None:
    optional = {name: field for name, field in model.model_fields.items() if not field.is_required()}
    nulls = {field.alias or name: None for name, field in optional.items()}
    required = REQUIRED.get(model.__name__, {})
    if optional:
        made = model.model_validate({**nulls, **required})
        assert made == model.model_validate(required)


def test_an_agent_that_another_plugin_made_counts() -> None:
    assert Agent.model_validate({"name": "Atlas", "mode": "primary", "hidden": None, "model": None}).can_lead


def test_a_session_is_left_until_its_handoff_is_lifted_or_undone_and_a_fork_of_it_is_not() -> None:
    assert session().is_left
    assert session(of=None).is_left, "as earlier versions wrote it"
    assert session(turn=None).is_left
    assert not session(of="ses_original").is_left
    assert not session(lifted=2).is_left
    assert not session(to=None).is_left
    assert not session(to=["odd"]).is_left
    for message_id, is_left in (("msg_04", False), ("msg_05", False), ("msg_06", True)):
        reverted = session().model_copy(update={"revert": models.Revert(message_id=models.MessageID(message_id))})
        assert reverted.is_left == is_left


def test_a_mark_keeps_what_else_is_noted_and_says_when_it_was_taken_back() -> None:
    before = session(**{"from": "ses_older", "lifted": 3, "of_a_later_version": [1]}).handoff
    left = before.left("ses_old", to="ses_newer", turn="msg_09", at=4)
    assert left.written() == {
        "from": "ses_older",
        "to": "ses_newer",
        "of": "ses_old",
        "turn": "msg_09",
        "at": 4,
        "of_a_later_version": [1],
    }
    assert left.not_left() == {"from": "ses_older", "of_a_later_version": [1], "to": None}

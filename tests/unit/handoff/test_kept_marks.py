"""What is written into the mark of a session that was left."""

from __future__ import annotations

import pytest
from fake_opencode import FakeOpenCode

from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.handoff.afterwards import MOST_RESTORED, KeptMarks
from handoff_sidecar.settings import Settings

MARK = {"to": "ses_second", "of": "ses_old", "turn": "msg_05", "at": 1_000}


@pytest.fixture
def opencode() -> FakeOpenCode:
    """Left for a second session, which was left for a third one."""
    fake = FakeOpenCode()
    fake.add_session(metadata={"theirs": 1, "handoff": {"from": "ses_older", **MARK}})
    fake.add_session("ses_second", metadata={"handoff": {"to": "ses_third", "of": "ses_second"}})
    fake.add_session("ses_third", title="Handoff: Auth")
    return fake


def scene(opencode: FakeOpenCode) -> Scene:
    context = ToolContext.model_validate({"sessionID": "ses_old", "directory": "/home/ada/dashboard"})
    return Scene(context, opencode.client(), Settings(), "tui")


async def test_a_lifted_mark_keeps_all_else_and_a_person_hears_of_the_session_that_is_busy(
    opencode: FakeOpenCode,
) -> None:
    opencode.statuses = {"ses_third": {"type": "busy"}}

    await KeptMarks().write({"lifted": 2_000}, scene(opencode))

    assert opencode.sessions["ses_old"]["metadata"] == {
        "theirs": 1,
        "handoff": {"from": "ses_older", **MARK, "lifted": 2_000},
    }
    (toast,) = opencode.toasts
    assert toast["message"].startswith('This session was handed off to "Handoff: Auth", which is still busy in this ')
    assert toast["variant"] == "warning"


async def test_where_nobody_is_at_work_nothing_is_said(opencode: FakeOpenCode) -> None:
    await KeptMarks().write({"lifted": 2_000}, scene(opencode))

    assert opencode.toasts == []


async def test_a_mark_that_another_plugin_has_overwritten_is_written_again_but_not_without_end(
    opencode: FakeOpenCode,
) -> None:
    marks, old = KeptMarks(), opencode.sessions["ses_old"]
    for _ in range(MOST_RESTORED):
        old["metadata"] = {"theirs": 2}
        await marks.write({**MARK, "lifted": 2_000}, scene(opencode))
        assert old["metadata"] == {"theirs": 2, "handoff": {**MARK, "lifted": 2_000}}

    old["metadata"] = {"theirs": 3}
    await marks.write(MARK, scene(opencode))

    assert old["metadata"] == {"theirs": 3}
    assert opencode.toasts == []

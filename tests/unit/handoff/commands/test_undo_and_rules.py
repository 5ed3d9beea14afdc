from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.errors import HandoffFailed
from handoff_sidecar.handoff.commands.rules import handoff_rules
from handoff_sidecar.handoff.commands.undo import handoff_undo
from handoff_sidecar.settings import Settings


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(metadata={"handoff": {"to": "ses_here", "of": "ses_old", "turn": "msg_0001", "at": 5}, "x": 1})
    fake.add_session("ses_here", title="Handoff: Auth flow", metadata={"handoff": {"from": "ses_old"}})
    fake.messages["ses_here"] = [user_message(1, "## Session Handoff\n\nx\n\n---\nPrevious: `ses_old`")]
    return fake


def here(opencode: FakeOpenCode, session: str = "ses_here") -> Scene:
    place = ToolContext.model_validate({"sessionID": session, "directory": "/home/ada/dashboard"})
    return Scene(place, opencode.client(), Settings(), "tui")


async def test_undo_stops_the_new_session_lifts_the_lock_and_removes_what_changed_nothing(
    opencode: FakeOpenCode,
) -> None:
    opencode.statuses["ses_here"] = {"type": "busy"}
    opencode.messages["ses_here"].append(assistant_message(2, "", tool_part("read")))

    await handoff_undo("", here(opencode))

    assert opencode.aborted == ["ses_here"]
    assert opencode.selected == ["ses_old"]
    assert "ses_here" not in opencode.sessions
    assert opencode.sessions["ses_old"]["metadata"] == {"handoff": {"to": None}, "x": 1}


@pytest.mark.parametrize(
    ("then", "why"),
    [(assistant_message(2, "", tool_part("bash")), "`bash` ran"), (user_message(2, "and the docs"), "you wrote")],
)
async def test_a_session_in_which_something_was_done_stays_and_is_named(
    opencode: FakeOpenCode, then: dict[str, Any], why: str
) -> None:
    opencode.messages["ses_here"].append(then)

    result = await handoff_undo("", here(opencode))

    assert result.output.endswith(f'"Handoff: Auth flow" stays in the session list, because {why} there.')
    assert "ses_here" in opencode.sessions


async def test_where_there_is_no_way_back_nothing_is_done(opencode: FakeOpenCode) -> None:
    with pytest.raises(HandoffFailed, match="this session was not created by a handoff"):
        await handoff_undo("", here(opencode, opencode.add_session("ses_other")))
    opencode.sessions["ses_here"]["metadata"]["handoff"]["to"] = "ses_further"
    with pytest.raises(HandoffFailed, match="went on from here in `ses_further`"):
        await handoff_undo("", here(opencode))
    del opencode.sessions["ses_old"]
    with pytest.raises(HandoffFailed, match="is gone"):
        await handoff_undo("", here(opencode))
    assert "ses_here" in opencode.sessions


async def test_rules_are_listed_and_one_of_them_is_struck(opencode: FakeOpenCode) -> None:
    carried = [{"text": "Small commits.", "verbatim": False}]
    opencode.sessions["ses_here"]["metadata"]["handoff"]["constraints"] = carried
    opencode.messages["ses_here"].append(user_message(2, "Never log a token. Go on."))

    listed = await handoff_rules("", here(opencode))
    struck = await handoff_rules("2", here(opencode))
    gone = await handoff_rules("small commits", here(opencode))
    nothing = await handoff_rules("", here(opencode))

    assert '1. "Small commits." (from an earlier session)\n2. "Never log a token." (you said it)' in listed.output
    assert struck.output.startswith('Removed: "Never log a token."')
    assert gone.output.startswith('Removed: "Small commits."')
    assert nothing.output.startswith("A handoff of this session passes on no rules")
    assert opencode.sessions["ses_here"]["metadata"]["handoff"]["from"] == "ses_old"


async def test_a_rule_that_is_not_there_is_not_struck(opencode: FakeOpenCode) -> None:
    opencode.messages["ses_here"].append(user_message(2, "Never log a token. Go on."))

    with pytest.raises(HandoffFailed, match="`7` doesn't match exactly one rule"):
        await handoff_rules("7", here(opencode))

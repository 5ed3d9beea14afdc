"""What still arrives in a session whose work went on elsewhere."""

from __future__ import annotations

import pytest
from fake_opencode import FakeOpenCode, assistant_message, user_message

from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.handoff.afterwards import LINE_TOKENS, Arrivals
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
RESULT = (
    '<task id="ses_child" state="completed">\n<summary>Background task completed: run the tests</summary>\n'
    f"<task_result>\n{'Two of them fail. ' * 40}\n</task_result>\n</task>"
)


@pytest.fixture
def opencode() -> FakeOpenCode:
    """Left for a second session, which was left for a third one."""
    fake = FakeOpenCode()
    fake.add_session(metadata={"handoff": {"to": "ses_second", "of": "ses_old"}})
    fake.add_session("ses_second", metadata={"handoff": {"from": "ses_old", "to": "ses_third", "of": "ses_second"}})
    fake.add_session("ses_third", metadata={"handoff": {"from": "ses_second"}})
    fake.messages["ses_third"] = [user_message(1, "go on", agent="plan"), assistant_message(2, "Yes.", agent="plan")]
    return fake


def scene(opencode: FakeOpenCode) -> Scene:
    context = ToolContext.model_validate({"sessionID": "ses_old", "directory": "/home/ada/dashboard"})
    return Scene(context, opencode.client(), Settings(), "tui")


def sent(opencode: FakeOpenCode) -> list[tuple[str, dict[str, object]]]:
    return [(path, body) for _, path, body in opencode.requests if path.endswith("/prompt_async")]


async def test_the_head_of_the_chain_gets_one_line_that_starts_no_turn(opencode: FakeOpenCode) -> None:
    await Arrivals(TOKENIZER)(RESULT, scene(opencode))

    ((path, body),) = sent(opencode)
    assert path == "/session/ses_third/prompt_async"
    assert (body["noReply"], body["agent"]) == (True, "plan")
    assert body["model"] == {"providerID": "scripted", "modelID": "m1"}
    (part,) = opencode.messages["ses_third"][-1]["parts"]
    assert part["synthetic"]
    assert part["metadata"] == {"handoff": {"by": "handoff-sidecar"}}
    line = part["text"]
    assert line.startswith("Arrived in the session before: Background task completed: run the tests Two of them fail.")
    assert line.endswith("… (in full: read_session `ses_child`)")
    assert "\n" not in line
    assert TOKENIZER.count(line) <= LINE_TOKENS


async def test_a_plugins_notice_is_passed_on_once_and_a_prod_to_go_on_never(opencode: FakeOpenCode) -> None:
    arrivals = Arrivals(TOKENIZER)
    for text in (
        "<pty_exited>\nID: pty_1\nExit Code: 1\n</pty_exited>",
        "[SYSTEM DIRECTIVE: OH-MY-OPENCODE - TODO]",
        " ",
    ):
        await arrivals(text, scene(opencode))
        await arrivals(text, scene(opencode))

    (_,) = sent(opencode)
    text = opencode.messages["ses_third"][-1]["parts"][0]["text"]
    assert text == "Arrived in the session before: ID: pty_1 Exit Code: 1 (in full: read_session `ses_old`)"


@pytest.mark.parametrize(
    ("name", "handoff"),
    [
        ("ses_old", {"to": "ses_second", "of": "ses_old", "lifted": 1}),
        ("ses_second", {"to": "ses_old", "of": "ses_second"}),
        ("ses_second", {"to": "ses_gone", "of": "ses_second"}),
    ],
)
async def test_nobody_is_told_where_a_person_works_on_or_nobody_goes_on(
    opencode: FakeOpenCode, name: str, handoff: dict[str, object]
) -> None:
    opencode.sessions[name]["metadata"]["handoff"] = handoff

    await Arrivals(TOKENIZER)(RESULT, scene(opencode))

    assert sent(opencode) == []

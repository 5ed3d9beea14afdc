"""What counts is the goal that the user typed, whatever the agent makes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, user_message

from handoff_sidecar.call.context import Scene, ToolContext, ToolResult
from handoff_sidecar.errors import HandoffFailed
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.brief_file import read_brief
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
NEXT_REQUEST = "Start on the goal now."

Parts = tuple[dict[str, Any], ...]
HandOff = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session()
    return fake


@pytest.fixture
def hand_off(opencode: FakeOpenCode, tmp_path: Path) -> HandOff:
    """A handoff as an agent calls for it in answer to what was typed."""
    tool = SessionHandoff(journal=Journal(tmp_path), tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))

    async def call(typed: str, *, later: Parts = (), attached: Parts = (), **arguments: Any) -> ToolResult:
        asking, caller = user_message(1, typed), assistant_message(2, "", parentID="msg_0001")
        asking["parts"] += attached
        opencode.messages["ses_old"] = [asking, caller, *later]
        context = {"sessionID": "ses_old", "messageID": "msg_0002", "directory": "/home/ada/dashboard"}
        settings = Settings(trigger_words=["übergabe"])
        scene = Scene(ToolContext.model_validate(context), opencode.client(), settings, "tui")
        return await tool({"summary": "Login works.", **arguments}, scene)

    return call


def parts_of(opencode: FakeOpenCode, result: ToolResult) -> list[str]:
    return [part["text"] for part in opencode.messages[result.metadata["sessionID"]][0]["parts"]]


@pytest.mark.parametrize(
    ("typed", "said", "goal"),
    [
        ("handoff fix the tests but never the schema", {}, "fix the tests but never the schema"),
        ("handoff fix the tests but never the schema", {"goal": "Fix tests"}, "fix the tests but never the schema"),
        ("Übergabe: die Tests", {"goal": "the tests"}, "die Tests"),
        ("handoff to plan: review it", {"goal": "Review", "agent": "build"}, "review it"),
        ("handoff to plan: review it", {}, "review it"),
        ("handoff fix it with scripted/m1", {"goal": "fix it", "model": "scripted/m1"}, "fix it"),
        ("Please go on elsewhere, with the tests.", {"goal": "the tests"}, "the tests"),
    ],
)
async def test_the_goal_is_what_was_typed(
    opencode: FakeOpenCode, hand_off: HandOff, typed: str, said: dict[str, str], goal: str
) -> None:
    prompt, instructions = parts_of(opencode, await hand_off(typed, **said))

    assert f"**Goal:** {goal}\n" in prompt
    assert NEXT_REQUEST in instructions


@pytest.mark.parametrize(
    ("typed", "agent"), [("handoff to pla: review", "plan"), ("handoff to plan", "plan"), ("handoff plan it", "build")]
)
async def test_whoever_is_named_is_found_by_the_program_and_nobody_by_the_agent(
    opencode: FakeOpenCode, hand_off: HandOff, typed: str, agent: str
) -> None:
    result = await hand_off(typed, agent="general", model="made/up")

    assert opencode.sessions[result.metadata["sessionID"]]["agent"] == agent


async def test_for_somebody_who_is_not_there_nothing_is_made(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    with pytest.raises(
        HandoffFailed, match=r"no agent `nobody`. Available: `build`, `plan`\. .* type the handoff again"
    ):
        await hand_off("handoff to nobody: review it", agent="plan")
    assert opencode.made() == []


@pytest.mark.parametrize("made_up", [None, "None", "n/a", "Finish the refresh and commit it"])
async def test_without_one_the_new_agent_waits_and_what_the_agent_made_up_is_a_next_step(
    opencode: FakeOpenCode, hand_off: HandOff, made_up: str | None
) -> None:
    prompt, instructions = parts_of(opencode, await hand_off("handoff", goal=made_up, next_steps=["Test it"]))

    assert "**Goal:**" not in prompt
    assert NEXT_REQUEST not in instructions
    is_a_step = made_up is not None and len(made_up) > len("None")
    assert (f"**Next:** 1. {made_up} 2. Test it" in prompt) == is_a_step


async def test_a_long_goal_goes_along_whole_line_by_line(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    goal = "Write the limiter.\n\n```py\n  limit = 5\n```\n" + "It must hold. " * 60 + "The last word."

    result = await hand_off(f"handoff {goal}")

    prompt, whole, instructions = parts_of(opencode, result)
    assert "…\n" in prompt
    assert prompt.partition("**Goal:** ")[2].partition("…")[0].split()[-1] in goal.split(), "it was cut inside a word"
    assert "\n".join(line.removeprefix(">").removeprefix(" ") for line in whole.splitlines()[2:]) == goal
    assert NEXT_REQUEST in instructions
    kept = read_brief(Path(result.metadata["brief"]))
    assert "The last word." in kept.goal, "it is in no message of the old session, after /handoff-now"


async def test_what_was_written_meanwhile_goes_along(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    result = await hand_off("handoff", later=(user_message(3, "oh, and also the docs"),))

    prompt, instructions = parts_of(opencode, result)
    assert '**Asked meanwhile:** "oh, and also the docs"\n' in prompt
    assert NEXT_REQUEST in instructions
    assert opencode.sessions["ses_old"]["metadata"]["handoff"]["turn"] == "msg_0001"


async def test_what_was_attached_goes_along_and_is_named(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    picture = {"type": "file", "mime": "image/png", "filename": "mock.png", "url": "data:image/png;base64,x"}
    of_the_project = {"type": "file", "mime": "text/plain", "filename": "a.ts", "url": "file:///p/a.ts"}

    result = await hand_off("handoff make it look like this", attached=(picture, of_the_project))

    assert "The user attached mock.png, a.ts to the message that handed this off" in parts_of(opencode, result)[-1]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("handoff: fix the tests but never touch the schema", "never touch the schema"),
        ("Should we use tabs or spaces?", "use tabs"),
    ],
)
async def test_neither_a_goal_nor_a_question_is_quoted_as_a_rule(
    opencode: FakeOpenCode, hand_off: HandOff, said: str, named: str
) -> None:
    prompt, *_ = parts_of(opencode, await hand_off(said, constraints=[named]))

    assert f"**Constraints:**\n- {named} (the agent's wording)" in prompt

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from handoff_sidecar.auto_handoff.compaction import records_of
from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.errors import HandoffFailed, InvalidArguments, NothingToHandOff
from handoff_sidecar.handoff.commands.now import HandoffNow
from handoff_sidecar.handoff.gathering.gather import GATHERED_MESSAGES
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session()
    fake.messages["ses_old"] = [user_message(1, '"fix the login"'), assistant_message(2, "It works now.")]
    return fake


@pytest.fixture
def handoff_now(tmp_path: Path) -> HandoffNow:
    return HandoffNow(
        SessionHandoff(journal=Journal(tmp_path / "briefs"), tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))
    )


def scene(opencode: FakeOpenCode, **context: Any) -> Scene:
    place = ToolContext.model_validate({"sessionID": "ses_old", "directory": "/home/ada/dashboard", **context})
    return Scene(place, opencode.client(), Settings(), "tui")


def prompt(opencode: FakeOpenCode) -> dict[str, Any]:
    """The body of the prompt that was sent last."""
    return dict(next(body for _, path, body in reversed(opencode.requests) if path.endswith("prompt_async")))


async def test_what_is_known_without_a_model_is_handed_off_and_waits(
    opencode: FakeOpenCode, handoff_now: HandoffNow
) -> None:
    opencode.todos["ses_old"] = [{"content": "Fix token refresh", "status": "in_progress"}]

    await handoff_now("", scene(opencode))

    sent = prompt(opencode)
    assert sent["noReply"] is True
    assert sent["parts"][0]["text"] == (
        "## Session Handoff\n\nHanded off without a model's summary.\nThe user's last requests, word for word, oldest "
        'first:\n- "fix the login"\nThe agent\'s last words: "It works now."\n\n**Todos:** 0/1 done\n- In progress: '
        "Fix token refresh\n\n---\nPrevious: `ses_old` · Use `read_session` if you need more context."
    )
    assert opencode.aborted == []


async def test_with_a_goal_the_new_session_begins(opencode: FakeOpenCode, handoff_now: HandoffNow) -> None:
    await handoff_now('"fix the tests"', scene(opencode))

    sent = prompt(opencode)
    assert "noReply" not in sent
    assert "**Goal:** fix the tests" in sent["parts"][0]["text"]


async def test_who_goes_on_can_be_named_and_a_model_of_another_provider_answers(
    opencode: FakeOpenCode, handoff_now: HandoffNow
) -> None:
    opencode.models["other"] = ["m2"]
    opencode.messages["ses_old"][-1]["info"]["error"] = {"name": "APIError", "data": {"message": "overloaded"}}

    await handoff_now("to plan with other/m2: review the tests", scene(opencode))

    sent = prompt(opencode)
    assert (sent["agent"], sent["model"]) == ("plan", {"providerID": "other", "modelID": "m2"})
    assert "noReply" not in sent
    assert "**Goal:** review the tests\n" in sent["parts"][0]["text"]


async def test_an_agent_that_there_is_not_is_named_with_those_there_are(
    opencode: FakeOpenCode, handoff_now: HandoffNow
) -> None:
    with pytest.raises(HandoffFailed) as caught:
        await handoff_now("to nobody: review", scene(opencode))

    assert str(caught.value) == (
        "/handoff-now: nothing was done, because there is no agent `nobody`. Available: `build`, `plan`. Correct the "
        "agent, or leave it out, and type `/handoff-now` again."
    )
    assert opencode.made() == []


@pytest.mark.parametrize("is_retrying", [True, False])
async def test_with_the_provider_down_no_reply_is_asked_for_and_the_reason_is_passed_on(
    opencode: FakeOpenCode, handoff_now: HandoffNow, *, is_retrying: bool
) -> None:
    if is_retrying:
        opencode.statuses["ses_old"] = {"type": "retry", "message": "overloaded", "attempt": 1, "next": 2}
    else:
        opencode.messages["ses_old"][-1]["info"]["error"] = {"name": "APIError", "data": {"message": "overloaded"}}

    await handoff_now("fix the tests", scene(opencode))

    assert prompt(opencode)["noReply"] is True
    assert "**Blocked:** the last turn failed: overloaded" in prompt(opencode)["parts"][0]["text"]
    assert opencode.aborted == ["ses_old"] * is_retrying


async def test_a_session_without_a_title_or_a_goal_is_named_after_the_last_request(
    opencode: FakeOpenCode, handoff_now: HandoffNow
) -> None:
    opencode.sessions["ses_old"]["title"] = "New session - 2026-11-23T08:52:16.674Z"

    await handoff_now("", scene(opencode))

    assert opencode.made()[0]["title"] == "Handoff: fix the login"


async def test_a_goal_that_the_session_began_with_is_carried_on(
    opencode: FakeOpenCode, handoff_now: HandoffNow
) -> None:
    opencode.sessions["ses_old"]["metadata"] = {"handoff": {"from": "ses_0"}}
    first = user_message(1, "## Session Handoff\n\nx\n\n**Goal:** fix the tests")
    first["parts"][0]["metadata"] = {"handoff": {"by": "handoff-sidecar", "beginning": {"goal": "fix the tests"}}}
    opencode.messages["ses_old"][0] = first

    await handoff_now("", scene(opencode))

    text = prompt(opencode)["parts"][0]["text"]
    assert "**Goal:** fix the tests" in text
    assert "last requests" not in text


async def test_an_option_is_no_goal(opencode: FakeOpenCode, handoff_now: HandoffNow) -> None:
    with pytest.raises(InvalidArguments, match=r"no option --help\. Nothing was handed off"):
        await handoff_now(" --help", scene(opencode))
    assert (opencode.made(), opencode.aborted) == ([], [])


async def test_there_is_nothing_to_hand_off_in_an_empty_session(
    opencode: FakeOpenCode, handoff_now: HandoffNow
) -> None:
    opencode.messages["ses_old"] = []

    with pytest.raises(NothingToHandOff, match="nothing to hand off"):
        await handoff_now("", scene(opencode))
    assert opencode.made() == []


@pytest.mark.parametrize(("active", "is_moved"), [(None, True), ("ses_old", True), ("ses_other", False)])
async def test_only_a_person_at_work_in_the_session_is_moved_and_others_are_told(
    opencode: FakeOpenCode, handoff_now: HandoffNow, active: str | None, *, is_moved: bool
) -> None:
    await handoff_now("", scene(opencode, activeSessionID=active))

    assert opencode.selected == [session["id"] for session in opencode.made()] * is_moved
    assert len(opencode.toasts) == 1


async def test_rules_that_were_said_in_so_many_words_go_along(opencode: FakeOpenCode, handoff_now: HandoffNow) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "Rule for all of this work: never touch the migrations. Now fix the login."),
        assistant_message(2, "Fixed.", tool_part("bash")),
        user_message(3, "Add the logout, it must be quick."),
        assistant_message(4, "Added.", tool_part("bash")),
    ]

    await handoff_now("go on", scene(opencode))

    text = prompt(opencode)["parts"][0]["text"]
    assert '**You once said:**\n- "Rule for all of this work: never touch the migrations."\n\n' in text
    assert "**Constraints:**" not in text


async def test_a_rule_that_nobody_repeats_goes_along_twice_and_one_that_is_said_again_further(
    opencode: FakeOpenCode, handoff_now: HandoffNow
) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "Never touch the migrations. Use pnpm, not npm."),
        assistant_message(2, "Understood."),
    ]
    prompts, session = [], "ses_old"
    for handoff in range(3):
        await handoff_now("go on", scene(opencode, sessionID=session))
        made = opencode.made()[-1]
        prompts.append(opencode.messages[made["id"]][0]["parts"][0]["text"])
        session = made["id"]
        opencode.messages[session].append(user_message(8, "Go on. use pnpm, not npm" if handoff == 0 else "Go on."))

    rules = [text.split("**You once said:**\n")[1].split("\n\n")[0].splitlines() for text in prompts]
    assert rules == [
        ['- "Use pnpm, not npm."', '- "Never touch the migrations."'],
        ['- "use pnpm, not npm"', '- "Never touch the migrations."'],
        ['- "use pnpm, not npm"'],
    ]


async def test_a_compaction_is_given_what_it_must_keep(opencode: FakeOpenCode) -> None:
    opencode.todos["ses_old"] = [{"content": "Fix token refresh", "status": "pending"}]

    records = await records_of(scene(opencode), TOKENIZER)

    assert records.startswith("These are the session's own records")
    assert '- "fix the login"' in records
    assert "- Pending: Fix token refresh" in records
    assert "Previous:" not in records


UNDONE = [
    user_message(3, "Rewrite it in COBOL"),
    assistant_message(4, "Now all is COBOL.", tool_part("write", input={"filePath": "/home/ada/dashboard/a.cob"})),
]


async def test_what_the_person_has_undone_is_not_handed_off(opencode: FakeOpenCode, handoff_now: HandoffNow) -> None:
    opencode.messages["ses_old"] += UNDONE
    opencode.sessions["ses_old"]["revert"] = {"messageID": "msg_0003", "snapshot": "5f2d3c9", "diff": ""}

    await handoff_now("", scene(opencode))

    text = prompt(opencode)["parts"][0]["text"]
    assert "COBOL" not in text
    assert "a.cob" not in text
    assert '- "fix the login"\nThe agent\'s last words: "It works now."' in text
    assert opencode.sessions["ses_old"]["metadata"]["handoff"]["turn"] == "msg_0001"


async def test_what_was_undone_and_done_again_is_handed_off(opencode: FakeOpenCode, handoff_now: HandoffNow) -> None:
    opencode.messages["ses_old"] += UNDONE
    opencode.sessions["ses_old"]["revert"] = None

    await handoff_now("", scene(opencode))

    text = prompt(opencode)["parts"][0]["text"]
    assert '- "Rewrite it in COBOL"' in text
    assert "a.cob" in text


async def test_if_only_a_turns_last_parts_were_undone_those_are_left_out(
    opencode: FakeOpenCode, handoff_now: HandoffNow
) -> None:
    parts = [
        {"id": f"prt_{name}", **tool_part("write", input={"filePath": f"/home/ada/dashboard/{name}"})}
        for name in ("b.ts", "c.ts")
    ]
    diffs = [{"file": name, "status": "added"} for name in ("b.ts", "c.ts")]
    opencode.messages["ses_old"] += [
        user_message(3, "Split it", summary={"diffs": diffs}),
        assistant_message(4, "I begin.", *parts, parentID="msg_0003"),
        assistant_message(5, "All is split.", parentID="msg_0003"),
    ]
    opencode.sessions["ses_old"]["revert"] = {"messageID": "msg_0004", "partID": "prt_c.ts"}

    await handoff_now("", scene(opencode))

    text = prompt(opencode)["parts"][0]["text"]
    assert "b.ts" in text
    assert "c.ts" not in text
    assert 'last words: "I begin."' in text


async def test_where_much_was_undone_the_facts_are_those_before_it(
    opencode: FakeOpenCode, handoff_now: HandoffNow
) -> None:
    opencode.messages["ses_old"] = [user_message(n, f"step {n}") for n in range(GATHERED_MESSAGES + 50)]
    opencode.messages["ses_old"] += [assistant_message(n, "COBOL") for n in range(200, 201 + GATHERED_MESSAGES)]
    for boundary, last in ((200, GATHERED_MESSAGES + 49), (GATHERED_MESSAGES, GATHERED_MESSAGES - 1)):
        opencode.sessions["ses_old"]["revert"] = {"messageID": f"msg_{boundary:04}"}

        await handoff_now("", scene(opencode))

        text = prompt(opencode)["parts"][0]["text"]
        assert f'- "step {last}"' in text
        assert f'- "step {last + 1}"' not in text
        assert "COBOL" not in text


@pytest.mark.parametrize("revert", [5, "msg_0003", [], {}, {"messageID": 5}, {"messageID": None, "partID": "prt_1"}])
async def test_an_undo_of_another_shape_is_none(opencode: FakeOpenCode, handoff_now: HandoffNow, revert: Any) -> None:
    opencode.messages["ses_old"] += UNDONE
    opencode.sessions["ses_old"]["revert"] = revert

    await handoff_now("", scene(opencode))

    assert "COBOL" in prompt(opencode)["parts"][0]["text"]

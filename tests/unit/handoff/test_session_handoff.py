from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from fake_opencode import SCRIPTED, FakeOpenCode, assistant_message, user_message
from handoff_support import SUMMARY, HandOff, failing

from handoff_sidecar.errors import HandoffFailed, InvalidArguments
from handoff_sidecar.journal.brief_file import read_brief
from handoff_sidecar.journal.journal import Journal


async def test_the_new_session_has_the_prompt_agent_model_variant_and_permissions(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    opencode.todos["ses_old"] = [
        {"content": "a", "status": "completed"},
        {"content": "b", "status": "cancelled"},
        {"content": "c", "status": "in_progress"},
    ]

    result = await hand_off({**SUMMARY, "goal": "add logout"})

    (new,) = opencode.made()
    assert new["title"] == "Handoff: Auth flow · add logout"
    assert new["agent"] == "plan"
    assert new["model"] == {"id": "m1", "providerID": "scripted", "variant": "high"}
    assert new["permission"] == [{"permission": "edit", "pattern": "*", "action": "deny"}]
    assert new["metadata"]["handoff"].pop("id")
    assert new["metadata"] == {"handoff": {"from": "ses_old", "chain": ["ses_old"], "base": "Auth flow"}}
    assert "parentID" not in new
    (message,) = opencode.messages[new["id"]]
    assert message["info"]["agent"] == "plan"
    assert message["info"]["model"] == {**SCRIPTED, "variant": "high"}
    prompt, instructions = message["parts"]
    assert prompt["text"].startswith(
        "## Session Handoff\n\nLogin works; token refresh is next.\n\n**Goal:** add logout"
    )
    assert "**Todos:** 1/2 done\n- In progress: c\n" in prompt["text"]
    assert "**Files:** src/a.ts" in prompt["text"]
    assert instructions["synthetic"] is True
    assert new["id"] in result.output
    assert f"opencode -s {new['id']}" in result.output
    assert "agent plan, model scripted/m1 (high)" in result.output


PLAN = "# Logout\n\n1. Add the route\n2. Clear the cookie\n3. Test it"


@pytest.mark.parametrize(
    ("typed", "agent", "goal"),
    [
        ("handoff to build", "build", "Implement the plan"),
        ("handoff to build the docs", "plan", "to build the docs"),
        ("handoff to nobody", "plan", "to nobody"),
    ],
)
async def test_an_agents_whole_name_and_nothing_else_means_to_implement_the_plan(
    opencode: FakeOpenCode, hand_off: HandOff, typed: str, agent: str, goal: str
) -> None:
    rules = {"plan": [{"permission": "edit", "pattern": "*", "action": "deny"}], "build": []}

    async def agents(request: httpx.Request) -> httpx.Response | None:
        listed = [{"name": name, "mode": "primary", "permission": rules[name]} for name in rules]
        return httpx.Response(200, json=listed) if request.url.path == "/agent" else None

    opencode.intercept = agents
    by_plan = {"agent": "plan", "mode": "plan", "time": {"created": 1, "completed": 2}}
    opencode.messages["ses_old"] += [
        assistant_message(5, PLAN, **by_plan),
        user_message(6, typed, agent="plan"),
        assistant_message(7, "", agent="plan", mode="plan", parentID="msg_0006"),
    ]

    result = await hand_off({"summary": "It is planned."})

    message = opencode.messages[opencode.made()[0]["id"]][0]
    assert message["info"]["agent"] == agent
    assert f"**Goal:** {goal}" in message["parts"][0]["text"]
    carried = [part["text"] for part in message["parts"] if part["text"].endswith(PLAN)]
    assert len(carried) == (agent == "build")
    assert ("The plan goes along: 5 lines, written at " in result.output) == (agent == "build")


async def test_the_old_session_is_marked_and_keeps_its_other_metadata(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    await hand_off()

    (new,) = opencode.made()
    metadata = opencode.sessions["ses_old"]["metadata"]
    assert metadata["handoff"].pop("at") > 0
    assert metadata == {
        "someone": {"else": 1},
        "handoff": {"to": new["id"], "of": "ses_old", "turn": "msg_0001"},
    }


async def test_after_a_compaction_the_users_agent_and_model_go_on(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    compaction = assistant_message(3, "summary", agent="compaction", mode="compaction", summary=True, modelID="small")
    opencode.messages["ses_old"].append(compaction)

    await hand_off()

    (new,) = opencode.made()
    assert new["agent"] == "plan"
    assert new["model"]["id"] == "m1"


@pytest.mark.parametrize(("how", "selected", "picker"), [("switch", 1, 0), ("picker", 0, 1), ("none", 0, 0)])
async def test_the_person_sees_the_new_session_as_they_want_it(
    opencode: FakeOpenCode, hand_off: HandOff, how: str, selected: int, picker: int
) -> None:
    await hand_off(open=how)

    assert len(opencode.selected) == selected
    assert opencode.picker_opened == picker


async def test_in_opencode_run_the_prompt_is_placed_without_asking_for_a_reply(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    result = await hand_off(mode="run")

    prompts = [body for method, path, body in opencode.requests if path.endswith("prompt_async")]
    assert [prompt["noReply"] for prompt in prompts] == [True]
    assert opencode.selected == []
    made = opencode.made()[0]["id"]
    assert result.title.endswith(f"({made})"), "`opencode run` prints nothing else"
    assert f"It waits there: tell the user to open it with `opencode -s {made}`" in result.output


async def test_called_twice_in_one_turn_it_answers_with_the_session_that_is_there(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    first, second = await asyncio.gather(hand_off(), hand_off())

    (new,) = opencode.made()
    assert new["id"] in first.output
    assert new["id"] in second.output
    assert "nothing new was made" in second.output


async def test_in_a_later_turn_another_handoff_is_made_and_told_apart_by_the_time(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    await hand_off()
    opencode.messages["ses_old"].append(user_message(5, "handoff"))

    await hand_off()

    first, second = sorted((made["title"] for made in opencode.made()), key=len)
    assert first == "Handoff: Auth flow"
    assert re.fullmatch(r"Handoff: Auth flow, \d\d:\d\d", second)


async def test_the_brief_is_on_disk_before_the_first_thing_is_made(
    opencode: FakeOpenCode, hand_off: HandOff, journal: Journal
) -> None:
    on_disk: list[int] = []

    async def look(request: httpx.Request) -> None:
        if request.method == "POST" and request.url.path == "/session":
            on_disk.append(len(list(journal.folder.glob("*.md"))))

    opencode.intercept = look
    await hand_off()

    (brief,) = journal.folder.iterdir()
    assert on_disk == [1]
    kept = read_brief(brief)
    assert kept.to_session == opencode.made()[0]["id"]
    assert kept.prompt == opencode.messages[str(kept.to_session)][0]["parts"][0]["text"]


@pytest.mark.parametrize("arguments", [{}, {"summary": "  "}, {"summary": None}])
async def test_without_a_summary_the_model_is_told_what_to_give(
    opencode: FakeOpenCode, hand_off: HandOff, arguments: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArguments, match=r"nothing was done.*`summary`.*Call again.*1-3 sentences"):
        await hand_off(arguments)
    assert opencode.made() == []


async def test_what_the_agent_gave_and_nobody_can_use_is_named(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    result = await hand_off({**SUMMARY, "next_steps": [1, {"step": "then this"}], "mood": "hopeful"})

    text = opencode.messages[opencode.made()[0]["id"]][0]["parts"][0]["text"]
    assert "**Next:** 1. 1 2. then this" in text
    assert "Left out: `mood` (no such argument)." in result.output
    assert result.output.splitlines()[-1].startswith("The work goes on there")


async def test_what_models_send_instead_of_a_list_is_understood(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    await hand_off({**SUMMARY, "goal": None, "next_steps": "only one", "files_modified": '["a.py", "b.py"]'})

    text = opencode.messages[opencode.made()[0]["id"]][0]["parts"][0]["text"]
    assert "**Next:** 1. only one" in text
    assert "**Files:** src/a.ts, a.py, b.py" in text


async def test_a_session_that_can_not_be_read_is_not_handed_off(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    del opencode.sessions["ses_old"]

    with pytest.raises(HandoffFailed, match=r"could not be read.*404.*, so nothing was made"):
        await hand_off()


async def test_a_subagents_session_is_not_handed_off(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    opencode.sessions["ses_old"]["parentID"] = "ses_parent"

    with pytest.raises(HandoffFailed, match="subagent"):
        await hand_off()
    assert opencode.made() == []


@pytest.mark.parametrize("path_end", ["/message", "/todo"])
async def test_without_messages_or_todos_the_handoff_is_made_and_says_so(
    opencode: FakeOpenCode, hand_off: HandOff, path_end: str
) -> None:
    opencode.intercept = failing("GET", f"ses_old{path_end}", httpx.Response(500, text="broken"))

    result = await hand_off()

    assert len(opencode.made()) == 1
    assert "The brief lacks" in result.output

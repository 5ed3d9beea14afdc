"""Handoffs that die in the middle, what is left of them, and how they are made whole."""

from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import FakeOpenCode, user_message
from resume_support import DENIED, PROJECT, Resume, die_at, handoff

from handoff_sidecar.errors import HandoffFailed
from handoff_sidecar.handoff.delivery.interrupted import Interrupted
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.models import Model


async def test_a_resumed_session_has_all_that_the_handoff_would_have_given_it(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    await die_at(opencode, journal, "POST", "/session")

    result = await resume()

    (new,) = opencode.made()
    assert (new["title"], new["agent"]) == ("Handoff: Auth flow · add logout", "plan")
    assert new["model"] == {"providerID": "scripted", "id": "m1", "variant": "high"}
    assert new["permission"] == DENIED
    assert new["metadata"]["handoff"]["from"] == "ses_old"
    assert opencode.selected == [new["id"]]
    assert "Start on the goal now." in opencode.messages[new["id"]][0]["parts"][1]["text"]
    (sent,) = (body for _, path, body in opencode.requests if path == f"/session/{new['id']}/prompt_async")
    assert "noReply" not in sent
    assert f"opencode -s {new['id']}" in result.output


@pytest.mark.parametrize(("title", "stays"), [("New session - 2026-11-23T12:05:23.348Z", False), ("mine", True)])
async def test_the_empty_session_that_the_home_screen_made_for_the_command_goes(
    opencode: FakeOpenCode, journal: Journal, resume: Resume, title: str, *, stays: bool
) -> None:
    opencode.sessions["ses_here"]["title"] = title
    journal.begin(handoff()).end()

    await resume()

    assert ("ses_here" in opencode.sessions) == stays
    assert len(opencode.made()) == 1


async def test_an_unknown_name_is_answered_with_those_that_there_are(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    with pytest.raises(HandoffFailed, match=r"No brief of `ses_x` was found. Nothing was made. No brief of"):
        await resume("ses_x")
    journal.begin(handoff()).end()

    with pytest.raises(HandoffFailed, match='the id of the session that it came from: `ses_old` "Auth flow"'):
        await resume("ses_x")
    assert opencode.made() == []


async def test_a_brief_that_a_session_came_of_makes_another_one_when_it_is_named(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    under_way = journal.begin(handoff(prompt="## Session Handoff\n\nLogin works."))
    under_way.finish("ses_first")
    under_way.end()

    result = await resume("`ses_old`")

    (new,) = opencode.made()
    assert "had already made `ses_first`; this is a second session" in result.output
    assert journal.came_from("ses_first") == "ses_old"
    assert journal.came_from(new["id"]) == "ses_old"


async def test_whatever_works_on_the_same_brief_is_ended_before_the_new_session_begins_and_is_left_for_it(
    opencode: FakeOpenCode, journal: Journal, resume: Resume, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    under_way = journal.begin(handoff(prompt="## Session Handoff\n\nLogin works."))
    under_way.finish("ses_first")
    under_way.end()
    opencode.add_session("ses_first", title="Handoff: Auth flow")
    opencode.statuses = {"ses_old": {"type": "busy"}, "ses_first": {"type": "busy"}, "ses_other": {"type": "busy"}}

    await resume("ses_old")

    (new,) = opencode.made()
    asked = [path for _, path, _ in opencode.requests]
    ended = [asked.index(f"/session/{name}/abort") for name in ("ses_old", "ses_first")]
    assert max(ended) < asked.index(f"/session/{new['id']}/prompt_async")
    assert "/session/ses_other/abort" not in asked
    marks = [opencode.sessions[name]["metadata"]["handoff"]["to"] for name in ("ses_old", "ses_first")]
    assert marks == [new["id"]] * 2
    assert f"ses_old: /handoff-resume made {new['id']}" in caplog.messages


async def test_without_the_old_session_the_rules_that_were_saved_hold(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    journal.begin(handoff(permission=DENIED)).end()
    del opencode.sessions["ses_old"]

    result = await resume()

    assert opencode.made()[0]["permission"] == DENIED
    assert "those saved with the handoff" in result.output


@pytest.mark.parametrize("said", [[], [user_message(2_000, "## Session Handoff, edited")]])
async def test_a_draft_that_nobody_typed_is_placed_in_its_session(
    opencode: FakeOpenCode, journal: Journal, said: list[dict[str, Any]]
) -> None:
    instructions = user_message(1_000, "Follow.")
    instructions["parts"][0]["synthetic"] = True
    opencode.add_session("ses_made", metadata={"handoff": {"id": "x"}})
    opencode.messages["ses_made"] = [instructions, *said]
    journal.begin(handoff(delivery="draft", id="x")).leave()

    await Interrupted(journal).offer(opencode.client(), PROJECT)

    prompts = [body for _, path, body in opencode.requests if path == "/session/ses_made/prompt_async"]
    assert [(body["parts"][0]["text"], body["noReply"]) for body in prompts] == [("## Session Handoff", True)][
        len(said) :
    ]


async def test_a_draft_waits_in_the_input_box_again(opencode: FakeOpenCode, journal: Journal, resume: Resume) -> None:
    journal.begin(handoff(delivery="draft", instructions="Follow.")).end()

    await resume()

    (new,) = opencode.made()
    assert opencode.typed == "\n## Session Handoff"
    assert [part["text"] for part in opencode.messages[new["id"]][0]["parts"]] == ["Follow."]


@pytest.mark.parametrize("name", ["scripted/m1", "scripted/m1 (high)", "router/anthropic/claude-sonnet-4-5 (max)"])
def test_a_model_is_read_as_it_is_written(name: str) -> None:
    assert str(Model.named(name)) == name

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fake_opencode import assistant_message, user_message
from watch_support import COMPACTION, NOTICE, POINT, Rig, tokens

from handoff_sidecar.auto_handoff.sentences import NUDGE
from handoff_sidecar.settings import Settings


async def test_after_an_aborted_turn_nothing_happens_and_after_the_next_one_it_does(rig: Rig) -> None:
    rig.ends(0, error={"name": "MessageAbortedError", "data": {}})
    await rig.idle()
    assert rig.asked == []
    rig.says(user_message, "go on")
    rig.ends(POINT)
    await rig.idle()
    assert len(rig.asked) == 1


@pytest.mark.parametrize("after_the_question", [False, True])
async def test_a_person_who_says_no_is_not_asked_again(rig: Rig, *, after_the_question: bool) -> None:
    if after_the_question:
        rig.ends(POINT)
        await rig.idle()
    else:
        await rig.step(POINT)
    rig.ends(0, error={"name": "MessageAbortedError", "data": {}})
    await rig.idle()
    asked = len(rig.asked)
    rig.says(user_message, "go on")
    rig.ends(POINT)
    await rig.idle()

    assert len(rig.asked) == asked
    assert rig.opencode.made() == []


async def test_nothing_goes_over_a_newer_message_of_the_person(rig: Rig) -> None:
    rig.ends(POINT)
    rig.says(user_message, "and the docs")
    await rig.idle()
    rig.opencode.messages["ses_old"].pop()
    rig.opencode.statuses["ses_old"] = {"type": "busy"}
    await rig.idle()
    assert rig.asked == []

    rig.opencode.statuses.clear()
    await rig.idle()
    rig.says(user_message, "no, the docs")
    rig.ends(POINT)
    await rig.idle()
    assert rig.opencode.made() == []


@pytest.mark.parametrize(
    "fields", [{"parentID": "ses_parent"}, {"metadata": {"handoff": {"to": "ses_new", "turn": "msg_0003"}}}]
)
async def test_subagents_and_sessions_that_were_handed_off_are_left_in_peace(rig: Rig, fields: dict[str, Any]) -> None:
    rig.opencode.sessions["ses_old"].update(fields)
    rig.ends(POINT)

    assert await rig.step(NOTICE) is None
    assert await rig.step(POINT) is None
    await rig.idle()

    assert (rig.toasts, rig.asked) == ([], [])


async def test_a_session_that_starts_above_the_point_is_told_of_and_left(rig: Rig) -> None:
    rig.opencode.messages["ses_old"][1]["info"]["tokens"] = {"total": POINT}
    rig.ends(POINT)

    await rig.idle()
    assert await rig.step(POINT) is None

    assert len(rig.toasts) == 1
    assert "was this full from the start" in rig.toasts[0]
    assert rig.asked == []


async def test_a_chain_of_automatic_handoffs_ends_unless_the_person_speaks(rig: Rig) -> None:
    rig.opencode.sessions["ses_old"]["metadata"] = {"handoff": {"from": "ses_0", "auto": 2}}
    prompt = user_message(0, "## Session Handoff\n\nx")
    prompt["parts"][0]["metadata"] = {"handoff": {"by": "handoff-sidecar"}}
    rig.opencode.messages["ses_old"] = [
        prompt,
        assistant_message(1, "ok", **tokens(9)),
        assistant_message(2, "", **tokens(9)),
    ]

    await rig.idle()

    assert len(rig.toasts) == 1
    assert "2 automatic handoffs in a row led to this session without a word from you" in rig.toasts[0]
    assert rig.asked == []


async def test_two_sessions_at_once_are_each_handed_off_once(rig: Rig) -> None:
    rig.add("ses_other")
    for name in ("ses_old", "ses_other"):
        rig.says(assistant_message, "", name, **tokens(COMPACTION))

    await asyncio.gather(*(rig.idle(COMPACTION, name) for name in ("ses_old", "ses_other", "ses_old", "ses_other")))

    assert sorted(new["metadata"]["handoff"]["from"] for new in rig.opencode.made()) == ["ses_old", "ses_other"]


async def test_a_session_that_was_deleted_meanwhile_is_no_error(rig: Rig) -> None:
    rig.ends(POINT)
    await rig.step(NOTICE)
    del rig.opencode.sessions["ses_old"]
    await rig.idle()

    assert len(rig.toasts) == 1
    assert rig.opencode.made() == []


async def test_an_unknown_context_limit_is_said_once(rig: Rig) -> None:
    rig.opencode.limits = {}
    room = await rig.capacity.load(rig.opencode.client())
    assert room.floors(rig.scene().settings) == {"scripted/m1": 0}
    assert room.floors(Settings()) == {}

    for _ in range(2):
        assert await rig.step(POINT) is None
        await rig.idle()

    assert rig.toasts == [
        "auto_handoff_threshold has no effect with scripted/m1: OpenCode does not know its context limit."
    ]


@pytest.mark.parametrize("figures", [{}, {"total": -5}, {"total": "many", "input": None, "cache": []}, 0])
async def test_figures_that_are_none_are_no_reason_for_anything(rig: Rig, figures: Any) -> None:
    assert await rig.step(figures) is None
    await rig.idle(figures)
    assert (rig.toasts, rig.asked) == ([], [])


async def test_a_handoff_that_fails_is_told_and_not_tried_again(rig: Rig) -> None:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        is_creation = request.method == "POST" and request.url.path == "/session"
        return httpx.Response(500, text="disk full") if is_creation else None

    rig.opencode.intercept = intercept
    rig.ends(COMPACTION)

    await rig.idle(COMPACTION)
    await rig.idle(COMPACTION)

    (toast,) = rig.toasts
    assert toast.startswith("The automatic handoff failed: OpenCode answered 500 to POST /session: disk full.")
    assert "type `handoff`" in toast


async def test_a_provider_list_that_does_not_load_keeps_nothing_from_going_on(rig: Rig) -> None:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500) if request.url.path == "/config/providers" else None

    rig.opencode.intercept = intercept
    rig.ends(POINT)

    await rig.idle()

    assert (rig.toasts, rig.asked) == ([], [])


FORKED = {"handoff": {"to": "ses_new", "of": "ses_original", "turn": "msg_9000"}}
"""OpenCode's fork copies the metadata."""


async def test_a_fork_of_a_session_that_was_handed_off_is_noticed_and_handed_off(rig: Rig) -> None:
    rig.opencode.sessions["ses_old"]["metadata"] = FORKED

    assert await rig.step(NOTICE) is None
    assert len(rig.toasts) == 1
    assert await rig.step(POINT) == NUDGE.format(percent=80)


async def test_a_fork_whose_agent_makes_no_handoff_is_handed_off_all_the_same(rig: Rig) -> None:
    rig.opencode.sessions["ses_old"]["metadata"] = FORKED
    rig.ends(POINT)
    await rig.idle()
    assert len(rig.asked) == 1
    rig.says(assistant_message, "", **tokens(POINT))
    await rig.idle(0)

    (new,) = rig.opencode.made()
    assert new["metadata"]["handoff"]["from"] == "ses_old"


async def test_what_was_not_handed_off_costs_no_call_more(rig: Rig) -> None:
    await rig.step(POINT)

    assert not [path for _, path, _ in rig.opencode.requests if "/message/" in path]


async def test_after_an_undo_nobody_is_asked_as_the_person_could_not_take_it_back(rig: Rig) -> None:
    rig.ends(POINT)
    rig.opencode.sessions["ses_old"]["revert"] = {"messageID": "msg_0003"}
    await rig.idle()
    assert rig.asked == []

    del rig.opencode.sessions["ses_old"]["revert"]
    await rig.idle()
    assert len(rig.asked) == 1


async def test_what_another_plugin_prompts_meanwhile_is_no_no(rig: Rig) -> None:
    rig.ends(POINT)
    await rig.idle()
    rig.says(user_message, "A process has ended.")
    rig.opencode.messages["ses_old"][-1]["parts"][0]["metadata"] = {"handoff": {"by": "plugin"}}
    rig.says(assistant_message, "I saw.", **tokens(POINT))
    await rig.idle()

    assert len(rig.opencode.made()) == 1


async def test_who_undoes_the_question_has_said_no(rig: Rig) -> None:
    rig.ends(POINT)
    await rig.idle()
    question = rig.opencode.messages["ses_old"][-1]["info"]["id"]
    rig.says(assistant_message, "", **tokens(POINT))
    rig.opencode.sessions["ses_old"]["revert"] = {"messageID": question}
    await rig.idle()
    del rig.opencode.sessions["ses_old"]["revert"]
    await rig.idle()

    assert rig.opencode.made() == []

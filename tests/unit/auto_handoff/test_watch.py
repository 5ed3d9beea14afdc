from __future__ import annotations

import logging
from typing import Any

import pytest
from fake_opencode import assistant_message, user_message
from watch_support import COMPACTION, NOTICE, POINT, Rig, tokens

from handoff_sidecar.auto_handoff.sentences import ASK, NUDGE


async def test_in_the_middle_of_a_turn_the_agent_is_told_once(rig: Rig) -> None:
    assert await rig.step(NOTICE - 1) is None
    assert rig.toasts == []
    assert await rig.step(NOTICE) is None
    assert await rig.step(POINT - 1) is None
    (toast,) = rig.toasts
    assert toast.startswith(
        "The context is 70 % full. At 80 % the work moves on to a fresh session automatically; type"
    )
    assert await rig.step(POINT) == NUDGE.format(percent=80)
    assert await rig.step(POINT + 1) is None


async def test_the_agents_own_handoff_goes_on_with_the_work_and_is_counted(rig: Rig) -> None:
    await rig.step(POINT)

    scene = rig.scene()
    await rig.session_handoff({"summary": "Half done."}, scene)

    (new,) = rig.opencode.made()
    assert new["metadata"]["handoff"]["auto"] == 1
    assert "The work was interrupted" in rig.opencode.messages[new["id"]][0]["parts"][1]["text"]
    assert rig.toasts == [
        "The context is 80 % full: the work is moving to a fresh session. Press esc twice to stay.",
        'The context was 80 % full, so this session was handed off. The work goes on in "Handoff: Auth flow".',
    ]
    rig.ends(POINT)
    await rig.idle()
    assert rig.asked == []


async def test_a_handoff_that_the_person_asks_for_later_is_no_automatic_one(rig: Rig) -> None:
    await rig.step(POINT)
    rig.ends(POINT)
    rig.says(user_message, "handoff")

    scene = rig.scene()
    await rig.session_handoff({"summary": "x"}, scene)

    assert "auto" not in rig.opencode.made()[0]["metadata"]["handoff"]


async def test_without_a_threshold_there_is_one_notice_at_80_that_says_what_to_type(rig: Rig) -> None:
    rig.settings = {}
    for total in (POINT - 1, POINT, COMPACTION - 1):
        assert await rig.step(total) is None
    rig.ends(POINT)
    await rig.idle()

    assert rig.toasts == [
        "The context is 80 % full (OpenCode compacts at 96 %). Type `handoff` to continue in a fresh session."
    ]
    assert rig.asked == []


async def test_with_0_nothing_happens(rig: Rig) -> None:
    rig.settings = {"auto_handoff_threshold": 0}
    rig.ends(COMPACTION)

    assert await rig.step(COMPACTION - 1) is None
    await rig.idle(COMPACTION)

    assert (rig.toasts, rig.asked, rig.opencode.made()) == ([], [], [])


async def test_at_the_end_of_a_turn_the_agent_is_asked_once_with_its_own_agent_and_model(rig: Rig) -> None:
    rig.ends(POINT, agent="plan", variant="high")

    await rig.idle()
    await rig.idle()

    assert rig.asked == [ASK.format(percent=80)]
    sent = next(body for method, path, body in rig.opencode.requests if path.endswith("prompt_async"))
    assert (sent["agent"], sent["variant"], "noReply" in sent) == ("plan", "high", False)


@pytest.mark.parametrize(
    ("reply", "is_answered"),
    [
        (tokens(POINT), True),
        (
            {"error": {"name": "APIError", "data": {"message": "overloaded"}}, "time": {"created": 1, "completed": 2}},
            False,
        ),
    ],
)
async def test_if_the_agent_makes_no_handoff_the_computed_brief_is_handed_off_and_the_log_tells_of_it(
    rig: Rig, caplog: pytest.LogCaptureFixture, reply: dict[str, Any], *, is_answered: bool
) -> None:
    caplog.set_level(logging.INFO)
    rig.ends(POINT)
    await rig.idle()
    rig.says(assistant_message, "", **reply)

    await rig.idle(0)
    await rig.idle(0)

    (new,) = rig.opencode.made()
    assert f"ses_old: The automatic handoff made {new['id']}" in caplog.messages
    sent = [body for _, path, body in rig.opencode.requests if path.endswith(f"{new['id']}/prompt_async")]
    assert ["noReply" not in body for body in sent] == [is_answered]
    text = sent[0]["parts"][0]["text"]
    assert '- "fix the logout"' in text
    assert ("overloaded" in text) is not is_answered
    assert ("wait for the user" if is_answered else "The user speaks next") in sent[0]["parts"][1]["text"]
    assert new["metadata"]["handoff"]["auto"] == 1


async def test_an_early_idle_event_ends_nothing(rig: Rig) -> None:
    rig.ends(POINT, time={"created": 1})
    await rig.idle()
    assert rig.asked == []
    rig.opencode.messages["ses_old"][-1]["info"]["time"]["completed"] = 2
    await rig.idle()
    await rig.idle()
    rig.says(assistant_message, "", time={"created": 1})
    await rig.idle()

    assert len(rig.asked) == 1
    assert rig.opencode.made() == []


@pytest.mark.parametrize("is_overflow", [False, True])
async def test_an_error_without_any_message_of_the_agents_ends_the_wait(rig: Rig, *, is_overflow: bool) -> None:
    rig.ends(POINT)
    await rig.idle()
    rig.watch.failed(rig.scene().context.session_id, is_overflow=is_overflow)

    await rig.idle()

    assert len(rig.opencode.made()) == 1
    sent = next(body for _, path, body in reversed(rig.opencode.requests) if path.endswith("prompt_async"))
    assert sent.get("noReply", False) is not is_overflow, "only a provider that is down is not asked again"


@pytest.mark.parametrize("total", [COMPACTION, COMPACTION + 50_000])
async def test_where_opencode_would_compact_first_nobody_is_asked(rig: Rig, total: int) -> None:
    rig.ends(total)

    await rig.idle(total)

    assert rig.asked == []
    assert len(rig.opencode.made()) == 1

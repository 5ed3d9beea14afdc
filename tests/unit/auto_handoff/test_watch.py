from __future__ import annotations

import asyncio
import itertools
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_opencode import FakeOpenCode, assistant_message, user_message

from handoff_sidecar.auto_handoff.model_limits import Capacity
from handoff_sidecar.auto_handoff.sentences import ASK, NUDGE
from handoff_sidecar.auto_handoff.threshold import OUTPUT_TOKENS_MAX
from handoff_sidecar.auto_handoff.watch import Sighting, Watch
from handoff_sidecar.call import background
from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
DIRECTORY = "/home/ada/dashboard"
NOTICE, POINT, COMPACTION = 140_000, 160_000, 192_000


def tokens(total: int) -> dict[str, Any]:
    return {"tokens": {"total": total}, "time": {"created": 1, "completed": 2}}


class Rig:
    """A watch with an OpenCode in which one session has had a first step and is in its second turn."""

    def __init__(self, folder: Path) -> None:
        self.opencode = FakeOpenCode()
        self.session_handoff = SessionHandoff(
            journal=Journal(folder), tokenizer=TOKENIZER, now=lambda: datetime.now(UTC)
        )
        self.capacity = Capacity(OUTPUT_TOKENS_MAX)
        self.watch = Watch(self.session_handoff, self.capacity)
        self.settings: dict[str, Any] = {"auto_handoff_threshold": 80}
        self._numbers = itertools.count(1)
        self.add()

    def add(self, session_id: str = "ses_old", **fields: Any) -> None:
        self.opencode.add_session(session_id, **fields)
        self.says(user_message, "fix the login", session_id)
        self.says(assistant_message, "done", session_id, **tokens(20_000))
        self.says(user_message, "fix the logout", session_id)

    def says(self, who: Any, text: str, session_id: str = "ses_old", **info: Any) -> None:
        self.opencode.messages[session_id].append(who(next(self._numbers), text, **info))

    def ends(self, total: int, **info: Any) -> None:
        self.says(assistant_message, "so far", **{**tokens(total), **info})

    def scene(self, session_id: str = "ses_old") -> Scene:
        context = ToolContext.model_validate({"sessionID": session_id, "directory": DIRECTORY})
        return Scene(context, self.opencode.client(), Settings(**self.settings), "tui")

    async def step(self, total: Any, session_id: str = "ses_old") -> str | None:
        told = await self.watch.step(self._sighting(total, session_id), self.scene(session_id))
        await all_told()
        return told

    async def idle(self, total: Any = POINT, session_id: str = "ses_old") -> None:
        await self.watch.idle(self._sighting(total, session_id), self.scene(session_id))
        await all_told()

    def _sighting(self, total: Any, session_id: str) -> Sighting:
        turn = self.opencode.messages[session_id][-1]["info"]["id"] if session_id in self.opencode.messages else None
        figures = total if isinstance(total, dict) else {"total": total}
        return Sighting.model_validate(
            {"sessionID": session_id, "providerID": "scripted", "modelID": "m1", "tokens": figures, "turn": turn}
        )

    @property
    def toasts(self) -> list[str]:
        return [toast["message"] for toast in self.opencode.toasts]

    @property
    def asked(self) -> list[str]:
        """The questions that stand in the old session."""
        return [
            part["text"]
            for message in self.opencode.messages["ses_old"]
            for part in message["parts"]
            if part.get("synthetic")
        ]


async def all_told() -> None:
    """Toasts are shown in the background."""
    while background._under_way:  # noqa: SLF001  # nothing else tells when the last one is shown
        await asyncio.wait(background._under_way)  # noqa: SLF001  # as above
        await asyncio.sleep(0)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "briefs")


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

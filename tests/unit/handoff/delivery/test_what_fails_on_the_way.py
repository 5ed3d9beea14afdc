from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from fake_opencode import FakeOpenCode, assistant_message
from handoff_support import CONTEXT, SUMMARY, TOKENIZER, HandOff, failing

from handoff_sidecar.call.context import Scene
from handoff_sidecar.errors import HandoffFailed
from handoff_sidecar.handoff.delivery import old_session
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.messages import MessageInfo
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.settings import Settings


@pytest.mark.parametrize(
    ("method", "path_end", "left"),
    [
        ("POST", "/session", "No new session was made"),
        ("POST", "/prompt_async", "The new session was removed"),
        ("GET", "/message", "The new session was removed"),
    ],
)
async def test_a_failure_on_the_way_leaves_nothing_and_names_the_brief(
    opencode: FakeOpenCode, hand_off: HandOff, journal: Journal, method: str, path_end: str, left: str
) -> None:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        of_the_old = "ses_old" in request.url.path
        if request.method == method and request.url.path.endswith(path_end) and not of_the_old:
            return httpx.Response(500, json={"name": "UnknownError", "data": {"message": "database is locked"}})
        return None

    opencode.intercept = intercept

    with pytest.raises(HandoffFailed) as caught:
        await hand_off()

    (brief,) = journal.folder.iterdir()
    for said in ("database is locked", left, str(brief), "call session_handoff again"):
        assert said in str(caught.value)
    assert caught.value.brief == brief
    assert opencode.made() == []
    # What was never marked stays as it is; of a mark that was taken back the plugin has to know.
    assert opencode.sessions["ses_old"]["metadata"].get("handoff", {"to": None}) == {"to": None}
    assert opencode.selected[-1:] in ([], ["ses_old"]), "the person is on the screen of a session that is gone"


async def test_the_old_session_is_marked_while_the_prompt_is_sent(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    """One after the other they take longer in the real OpenCode: `make bench`."""
    both = asyncio.Barrier(2)

    async def meet(request: httpx.Request) -> None:
        if request.method == "PATCH" or request.url.path.endswith("prompt_async"):
            async with asyncio.timeout(5):
                await both.wait()

    opencode.intercept = meet

    await hand_off()

    assert opencode.sessions["ses_old"]["metadata"]["handoff"]["to"] == opencode.made()[0]["id"]


@pytest.mark.parametrize(("parts", "reads"), [(2, 0), (1, 1)])
async def test_a_prompt_that_opencode_has_told_of_moves_the_screen_at_once_and_any_other_is_read_back_first(
    opencode: FakeOpenCode, journal: Journal, parts: int, reads: int
) -> None:
    selected = asyncio.Event()
    tool = SessionHandoff(journal=journal, tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))

    async def tell(request: httpx.Request) -> None:
        if request.url.path.endswith("select-session"):
            selected.set()
        if request.url.path.endswith("prompt_async"):
            session_id = SessionID(request.url.path.split("/")[2])
            told = MessageInfo.model_validate({"id": "msg_1", "sessionID": session_id, "role": "user", "agent": "told"})
            tool.stored_prompts.message_stored(told)
            assert not selected.is_set()
            for number in range(parts):
                tool.stored_prompts.part_stored(session_id, told.id, f"prt_{number}")
            if not reads:
                async with asyncio.timeout(5):
                    await selected.wait()

    opencode.intercept = tell

    result = await tool(SUMMARY, Scene(CONTEXT, opencode.client(), Settings(), "tui"))

    (made,) = opencode.made()
    read = ("GET", f"/session/{made['id']}/message")
    asked = [(method, path) for method, path, _ in opencode.requests]
    assert asked.count(read) == reads
    assert all(asked.index(read) < asked.index(("POST", "/tui/select-session")) for _ in range(reads))
    assert ("agent told" in result.output) == (reads == 0)


async def test_cancelled_while_the_prompt_is_read_back_everything_is_as_before(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    asked = asyncio.Event()

    async def never_answer(request: httpx.Request) -> None:
        if request.method == "GET" and request.url.path.startswith("/session/ses_new"):
            asked.set()
            await asyncio.Event().wait()

    opencode.intercept = never_answer
    before = dict(opencode.sessions["ses_old"]["metadata"])
    call = asyncio.ensure_future(hand_off())
    await asked.wait()

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert opencode.made() == []
    assert opencode.sessions["ses_old"]["metadata"] == {**before, "handoff": {"to": None}}
    assert opencode.selected == []


async def test_after_a_failure_calling_again_works(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    opencode.intercept = failing("POST", "/prompt_async", httpx.ConnectError("gone"))
    with pytest.raises(HandoffFailed):
        await hand_off()
    opencode.intercept = None

    await hand_off()

    assert len(opencode.made()) == 1


async def test_a_session_that_can_not_be_removed_is_named(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        broken = request.method == "DELETE" or request.url.path.endswith("prompt_async")
        return httpx.Response(500, text="broken") if broken else None

    opencode.intercept = intercept

    with pytest.raises(HandoffFailed, match=r"ses_new\d has no prompt and could not be removed: delete it"):
        await hand_off()


async def test_an_agent_that_opencode_no_longer_knows_is_replaced_and_that_is_said(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    opencode.known_agents = {"build"}

    result = await hand_off()

    (new,) = opencode.made()
    assert opencode.messages[new["id"]][0]["info"]["agent"] == "build"
    assert "did not use agent plan" in result.output


@pytest.mark.parametrize("path_end", ["/session", "/prompt_async"])
async def test_an_answer_that_is_lost_on_its_way_makes_no_second_session_and_no_failure(
    opencode: FakeOpenCode, hand_off: HandOff, path_end: str
) -> None:
    async def lose(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and request.url.path.endswith(path_end):
            opencode.route(request)
            raise httpx.ReadTimeout("late")
        return None

    opencode.intercept = lose

    result = await hand_off()

    (new,) = opencode.made()
    assert new["id"] in result.output
    assert len(opencode.messages[new["id"]]) == 1


async def test_a_mark_that_a_failed_handoff_could_not_take_back_does_not_keep_the_next_one_from_being_made(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    async def fail(request: httpx.Request) -> httpx.Response | None:
        marked = opencode.sessions["ses_old"].get("metadata", {}).get("handoff", {}).get("to")
        is_way_back = request.method == "PATCH" and marked
        return httpx.Response(500) if request.url.path.endswith("prompt_async") or is_way_back else None

    opencode.intercept = fail
    with pytest.raises(HandoffFailed, match="call session_handoff again"):
        await hand_off()
    assert opencode.made() == []

    opencode.intercept = None
    result = await hand_off()

    assert opencode.made()[0]["id"] in result.output
    assert "nothing new was made" not in result.output


async def test_a_mark_that_is_set_late_is_taken_back_all_the_same(
    opencode: FakeOpenCode, hand_off: HandOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_session, "RETURN_TIMEOUT_S", 0.001)
    go_on, marks = asyncio.Event(), 0

    async def late(request: httpx.Request) -> httpx.Response | None:
        nonlocal marks
        if request.method == "PATCH":
            marks += 1
            await go_on.wait()
        return httpx.Response(500) if request.url.path.endswith("prompt_async") else None

    opencode.intercept = late
    with pytest.raises(HandoffFailed):
        await hand_off()

    go_on.set()
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    assert marks == 2
    assert opencode.sessions["ses_old"]["metadata"]["handoff"]["to"] is None


async def test_a_turn_of_very_many_steps_is_handed_off_once(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    steps = [assistant_message(n, "step", parentID="msg_0001") for n in range(3, 203)]
    opencode.messages["ses_old"] += steps

    first, second = await hand_off(), await hand_off()

    (new,) = opencode.made()
    assert new["id"] in first.output
    assert "nothing new was made" in second.output


async def test_messages_that_are_too_large_to_be_had_at_once_do_not_cost_agent_and_model(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    async def too_large(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/session/ses_old/message" and int(request.url.params["limit"]) > 1:
            raise httpx.ConnectError("the answer is too large")
        return None

    opencode.intercept = too_large

    await hand_off()

    assert opencode.made()[0]["model"]["id"] == "m1"
    assert opencode.made()[0]["agent"] == "plan"


async def test_an_agent_that_is_gone_does_not_cost_the_model(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    opencode.messages["ses_old"][-1]["info"]["modelID"] = "m2"
    opencode.known_agents = {"build"}

    result = await hand_off()

    (message,) = opencode.messages[opencode.made()[0]["id"]]
    assert message["info"]["agent"] == "build"
    assert message["info"]["model"]["modelID"] == "m2"
    assert "did not use agent plan." in result.output


@pytest.mark.parametrize("step", ["/session", "/prompt_async"])
async def test_a_cancelled_handoff_leaves_no_half_made_session(
    opencode: FakeOpenCode, hand_off: HandOff, step: str
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def intercept(request: httpx.Request) -> None:
        if request.method == "POST" and request.url.path.endswith(step):
            reached.set()
            await go_on.wait()

    opencode.intercept = intercept
    call = asyncio.ensure_future(hand_off())
    await reached.wait()
    call.cancel()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert opencode.made() == []


async def test_a_disk_that_can_not_be_written_to_does_not_keep_anyone_in_a_full_session(
    opencode: FakeOpenCode, hand_off: HandOff, journal: Journal
) -> None:
    journal.folder.parent.joinpath("briefs").write_text("a file where the folder should be")

    result = await hand_off()

    assert len(opencode.made()) == 1
    assert "no copy on disk" in result.output

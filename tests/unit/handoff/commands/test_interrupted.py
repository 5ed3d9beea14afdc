from __future__ import annotations

import asyncio

import httpx
import pytest
from fake_opencode import FakeOpenCode
from resume_support import PROJECT, STEPS, Resume, die_at, handoff, scene, session_handoff

from handoff_sidecar.errors import HandoffFailed
from handoff_sidecar.handoff.delivery.interrupted import Interrupted
from handoff_sidecar.journal.journal import Journal


@pytest.mark.parametrize(("method", "path_end", "after", "whole"), STEPS)
async def test_a_handoff_that_died_is_offered_once_with_nothing_half_made_and_resumed_into_one_session(
    opencode: FakeOpenCode, journal: Journal, resume: Resume, method: str, path_end: str, *, after: bool, whole: int
) -> None:
    await die_at(opencode, journal, method, path_end, after=after)

    await Interrupted(journal).offer(opencode.client(), PROJECT)
    await Interrupted(journal).offer(opencode.client(), PROJECT)

    assert len(opencode.made()) == whole
    (toast,) = opencode.toasts
    if whole:
        assert '"Handoff: Auth flow · add logout" is in the session list' in toast["message"]
        with pytest.raises(HandoffFailed, match="There is no unfinished handoff here"):
            await resume()
    else:
        assert 'A handoff of "Auth flow" was interrupted; its brief is kept.\n/handoff-resume' in toast["message"]
        await resume()
    (new,) = opencode.made()
    assert opencode.sessions["ses_old"]["metadata"]["handoff"]["to"] == new["id"]
    assert "Login works." in opencode.messages[new["id"]][0]["parts"][0]["text"]
    assert journal.came_from(new["id"]) == "ses_old"


@pytest.mark.parametrize(("method", "path_end", "after", "whole"), STEPS)
async def test_the_next_handoff_of_that_session_makes_no_second_one(
    opencode: FakeOpenCode, journal: Journal, method: str, path_end: str, *, after: bool, whole: int
) -> None:
    await die_at(opencode, journal, method, path_end, after=after)
    tool = session_handoff(journal)

    again = await tool({"summary": "x"}, scene(opencode, "ses_old"))

    (new,) = opencode.made()
    assert again.metadata["sessionID"] == new["id"]
    assert ("Already" in again.title) == bool(whole)
    assert list(journal.unfinished()) == []


async def test_a_mark_that_names_a_session_without_its_prompt_goes_with_it(
    opencode: FakeOpenCode, journal: Journal
) -> None:
    opencode.known_agents = {"build"}  # OpenCode says 204 to a prompt for any other, and stores nothing
    opencode.sessions["ses_old"]["metadata"] = {"mine": 1, "handoff": {"from": "ses_older"}}
    await die_at(opencode, journal, "PATCH", "/session/ses_old", after=True)
    assert "to" in opencode.sessions["ses_old"]["metadata"]["handoff"]

    await Interrupted(journal).offer(opencode.client(), PROJECT)

    assert opencode.made() == []
    assert opencode.sessions["ses_old"]["metadata"] == {"mine": 1, "handoff": {"from": "ses_older", "to": None}}


async def test_a_failure_that_was_told_of_is_not_offered_and_can_be_resumed(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    async def refuse(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500) if (request.method, request.url.path) == ("POST", "/session") else None

    opencode.intercept = refuse
    tool = session_handoff(journal)
    with pytest.raises(HandoffFailed):
        await tool({"summary": "x"}, scene(opencode, "ses_old"))
    with pytest.raises(HandoffFailed, match=r"/handoff-resume failed: OpenCode answered 500.*The brief is saved"):
        await resume()
    opencode.intercept = None

    await Interrupted(journal).offer(opencode.client(), PROJECT)
    assert opencode.toasts == []
    await resume()
    assert len(opencode.made()) == 1


async def test_what_is_under_way_elsewhere_is_neither_offered_nor_resumed(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    under_way = journal.begin(handoff())

    await Interrupted(journal).offer(opencode.client(), PROJECT)
    with pytest.raises(HandoffFailed, match="another OpenCode is carrying out"):
        await resume()

    assert opencode.toasts == []
    assert opencode.made() == []
    under_way.end()


async def test_another_projects_brief_is_neither_offered_nor_resumed_here(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    journal.begin(handoff(directory="/elsewhere")).leave()

    await Interrupted(journal).offer(opencode.client(), PROJECT)
    with pytest.raises(HandoffFailed, match="There is no unfinished handoff here"):
        await resume()
    with pytest.raises(HandoffFailed, match=r"belongs to another project. .*Open OpenCode in /elsewhere"):
        await resume("ses_old")

    assert opencode.toasts == []
    assert opencode.made() == []


async def test_an_opencode_that_can_not_be_asked_what_is_left_gets_no_second_session(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    await die_at(opencode, journal, "POST", "/prompt_async")

    async def refuse(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500) if (request.method, request.url.path) == ("GET", "/session") else None

    opencode.intercept = refuse
    with pytest.raises(HandoffFailed, match=r"could not be asked about interrupted .* Nothing was made. Try again"):
        await resume()
    opencode.intercept = None
    await resume()

    assert len(opencode.made()) == 1


async def test_a_handoff_waits_for_the_look_at_what_another_has_left(opencode: FakeOpenCode, journal: Journal) -> None:
    await die_at(opencode, journal, "PATCH", "/ses_old")
    (made,) = opencode.made()
    asked, answered = asyncio.Event(), asyncio.Event()

    async def intercept(request: httpx.Request) -> httpx.Response | None:
        if request.method == "GET" and request.url.path == f"/session/{made['id']}" and not asked.is_set():
            asked.set()
            await answered.wait()
        return None

    opencode.intercept = intercept
    tool = session_handoff(journal)
    offer = asyncio.create_task(tool.interrupted.offer(opencode.client(), PROJECT))
    await asyncio.wait([offer, asyncio.create_task(asked.wait())], return_when=asyncio.FIRST_COMPLETED)
    again = asyncio.create_task(tool({"summary": "x"}, scene(opencode, "ses_old")))
    for _ in range(50):
        await asyncio.sleep(0)
    answered.set()

    assert (await again).metadata["sessionID"] == made["id"]
    assert opencode.made() == [made]
    await offer

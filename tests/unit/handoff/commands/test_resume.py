"""Handoffs that die in the middle, what is left of them, and how they are made whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fake_opencode import SCRIPTED, FakeOpenCode, assistant_message, user_message

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.call.context import Mode, Scene, ToolContext, ToolResult
from handoff_sidecar.errors import HandoffFailed
from handoff_sidecar.handoff.commands.resume import HandoffResume
from handoff_sidecar.handoff.delivery import interrupted
from handoff_sidecar.handoff.delivery.interrupted import Interrupted
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.models import Model
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
PROJECT = "/home/ada/dashboard"
DENIED = [{"permission": "edit", "pattern": "*", "action": "deny"}]

Resume = Callable[..., Awaitable[ToolResult]]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupted, "OFFER_DELAY_S", 0.0)


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(permission=DENIED)
    fake.add_session("ses_here", title="here")
    fake.messages["ses_old"] = [
        user_message(1, "fix the login", agent="plan", model={**SCRIPTED, "variant": "high"}),
        assistant_message(2, "done", agent="plan", variant="high"),
    ]
    return fake


def scene(
    opencode: FakeOpenCode, session: str = "ses_here", mode: Mode = "tui", agent: str | None = None, **settings: Any
) -> Scene:
    place = {"sessionID": session, "agent": agent, "directory": PROJECT, "worktree": PROJECT}
    return Scene(ToolContext.model_validate(place), opencode.client(), Settings(**settings), mode)


def session_handoff(journal: Journal) -> SessionHandoff:
    return SessionHandoff(journal=journal, tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))


@pytest.fixture
def resume(opencode: FakeOpenCode, journal: Journal) -> Resume:
    command = HandoffResume(session_handoff(journal))

    async def call(name: str = "", **how: Any) -> ToolResult:
        return await command(name, scene(opencode, **how))

    return call


async def die_at(opencode: FakeOpenCode, journal: Journal, method: str, path_end: str, *, after: bool = False) -> None:
    """A handoff whose process dies at this request: before OpenCode gets it, or after it has carried it out."""
    reached = asyncio.Event()

    async def intercept(request: httpx.Request) -> httpx.Response | None:
        if reached.is_set():
            raise httpx.ConnectError("the connection is gone")
        if request.method != method or not request.url.path.endswith(path_end):
            return None
        if after:
            opencode.route(request)
        reached.set()
        await asyncio.Event().wait()
        return None

    opencode.intercept = intercept
    tool = SessionHandoff(
        journal=journal, tokenizer=TOKENIZER, now=lambda: datetime.now(UTC), is_heard=lambda: not reached.is_set()
    )
    arguments = {"summary": "Login works.", "goal": "add logout"}
    work = asyncio.ensure_future(tool(arguments, scene(opencode, "ses_old", agent="plan")))
    await reached.wait()
    work.cancel()
    await asyncio.wait([work])
    opencode.intercept = None


STEPS = [
    ("POST", "/session", False, 0),
    ("POST", "/session", True, 0),
    ("POST", "/prompt_async", False, 0),
    ("POST", "/prompt_async", True, 1),
    ("PATCH", "/ses_old", False, 1),
    ("POST", "/tui/select-session", False, 1),
]


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
    tool = SessionHandoff(journal=journal, tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))

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


async def test_a_failure_that_was_told_of_is_not_offered_and_can_be_resumed(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    async def refuse(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500) if (request.method, request.url.path) == ("POST", "/session") else None

    opencode.intercept = refuse
    tool = SessionHandoff(journal=journal, tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))
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


async def test_an_unknown_name_is_answered_with_those_that_there_are(
    opencode: FakeOpenCode, journal: Journal, resume: Resume
) -> None:
    with pytest.raises(HandoffFailed, match=r"No brief of `ses_x` was found. Nothing was made. No brief of"):
        await resume("ses_x")
    journal.begin(handoff()).end()

    with pytest.raises(HandoffFailed, match='by the session they came from: `ses_old` "Auth flow"'):
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


def handoff(**changes: Any) -> Handoff:
    given = {
        "from_session": "ses_old",
        "title": "Handoff: Auth flow",
        "from_title": "Auth flow",
        "directory": PROJECT,
        "agent": "build",
        "model": "scripted/m1",
        "created": "2026-11-23T07:00:00.000000+00:00",
        "prompt": "## Session Handoff",
        **changes,
    }
    return Handoff.model_validate(given)


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

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fake_opencode import SCRIPTED, FakeOpenCode, assistant_message, tool_part, user_message

from handoff_sidecar.call.context import Mode, Scene, ToolContext, ToolResult
from handoff_sidecar.errors import HandoffFailed, InvalidArguments
from handoff_sidecar.handoff.delivery import old_session
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.brief_file import read_brief
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.messages import MessageInfo
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
SUMMARY = {"summary": "Login works; token refresh is next."}
CONTEXT = ToolContext.model_validate(
    {
        "sessionID": "ses_old",
        "messageID": "msg_0002",
        "callID": "call_1",
        "agent": "plan",
        "directory": "/home/ada/dashboard",
        "worktree": "/home/ada/dashboard",
    }
)

HandOff = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(
        permission=[{"permission": "edit", "pattern": "*", "action": "deny"}],
        metadata={"someone": {"else": 1}},
    )
    fake.messages["ses_old"] = [
        user_message(1, "fix the login", agent="plan", model={**SCRIPTED, "variant": "high"}),
        assistant_message(
            2, "done", tool_part("write", input={"filePath": "/home/ada/dashboard/src/a.ts"}), agent="plan"
        ),
    ]
    return fake


@pytest.fixture
def hand_off(opencode: FakeOpenCode, journal: Journal) -> HandOff:
    tool = SessionHandoff(journal=journal, tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))

    async def call(arguments: dict[str, Any] | None = None, *, mode: Mode = "tui", **settings: Any) -> ToolResult:
        scene = Scene(CONTEXT, opencode.client(), Settings(**settings), mode)
        return await tool(SUMMARY if arguments is None else arguments, scene)

    return call


def failing(method: str, path_end: str, answer: httpx.Response | Exception) -> Any:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        if request.method == method and request.url.path.endswith(path_end):
            if isinstance(answer, Exception):
                raise answer
            return answer
        return None

    return intercept


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
    assert ("Plan of 5 lines, " in result.output) == (agent == "build")


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


async def test_in_a_later_turn_another_handoff_is_made(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    await hand_off()
    opencode.messages["ses_old"].append(user_message(5, "handoff again"))

    await hand_off()

    assert len(opencode.made()) == 2


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

    with pytest.raises(HandoffFailed, match=r"could not be read.*404.*Nothing was made"):
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


@pytest.mark.parametrize(
    ("method", "path_end", "left"),
    [
        ("POST", "/session", "No new session was made"),
        ("POST", "/prompt_async", "The new session was removed again"),
        ("GET", "/message", "The new session was removed again"),
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

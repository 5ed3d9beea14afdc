"""What a handoff takes along and how it arrives: rules, chain, agent and model, delivery, the worktree."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_opencode import SCRIPTED, FakeOpenCode, assistant_message, tool_part, user_message

from handoff_sidecar.call.context import Mode, Said, SaidIn, Scene, ToolContext, ToolResult, nothing_said
from handoff_sidecar.errors import HandoffFailed, InvalidArguments
from handoff_sidecar.handoff.delivery import screen
from handoff_sidecar.handoff.gathering import worktree
from handoff_sidecar.handoff.gathering.gather import GATHERED_MESSAGES
from handoff_sidecar.handoff.gathering.worktree import files_present, git_state
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.journal.brief_file import read_brief
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.models import MessageID, Session
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

RULE = "No new dependencies."

HandOff = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "src" / "a.ts").write_text("x")
    return tmp_path / "project"


@pytest.fixture
def opencode(project: Path) -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(directory=str(project))
    fake.messages["ses_old"] = [user_message(1, f"Fix the login. {RULE}"), assistant_message(2, "done")]
    return fake


@pytest.fixture
def hand_off(opencode: FakeOpenCode, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandOff:
    monkeypatch.setattr(screen, "INPUT_BOX_PAUSE_S", 0)
    tool = SessionHandoff(journal=Journal(tmp_path / "briefs"), tokenizer=Tokenizer(), now=lambda: datetime.now(UTC))

    async def call(
        session: str = "ses_old",
        *,
        mode: Mode = "tui",
        settings: dict[str, Any] | None = None,
        said_in: SaidIn = nothing_said,
        **arguments: Any,
    ) -> ToolResult:
        context = {"sessionID": session, "agent": "plan", "directory": str(project), "worktree": str(project)}
        place = ToolContext.model_validate(context)
        scene = Scene(place, opencode.client(str(project)), Settings(**(settings or {})), mode, said_in)
        return await tool({"summary": "Login works.", **arguments}, scene)

    return call


def prompt_of(opencode: FakeOpenCode, result: ToolResult) -> str:
    return str(opencode.messages[result.metadata["sessionID"]][0]["parts"][0]["text"])


@pytest.mark.parametrize("settings", [{}, {"index": False}])
async def test_what_was_said_long_ago_comes_from_what_is_kept_and_opencode_is_not_asked_for_it(
    opencode: FakeOpenCode, hand_off: HandOff, settings: dict[str, Any]
) -> None:
    opencode.messages["ses_old"] += [assistant_message(n, "Hm.") for n in range(3, GATHERED_MESSAGES + 5)]
    oldest = opencode.messages["ses_old"][-GATHERED_MESSAGES]["info"]["id"]

    async def kept(session: Session) -> list[Said]:
        assert session.id == "ses_old"
        return [(MessageID("msg_0001"), "Never log a token."), (oldest, "Never log an address.")]

    prompt = prompt_of(opencode, await hand_off(said_in=kept, settings=settings))

    assert ('"Never log a token."' in prompt) == (settings == {})
    assert "an address" not in prompt  # the messages themselves tell what they say
    assert RULE not in prompt
    asked = [path for _, path, _ in opencode.requests if path == "/session/ses_old/message"]
    assert len(asked) == 1


async def test_what_still_runs_is_named_with_the_session_that_holds_its_result(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    opencode.add_session("ses_child", title="count the files", parentID="ses_old")
    opencode.add_session("ses_idle", title="is done", parentID="ses_old")
    opencode.statuses = {"ses_old": {"type": "busy"}, "ses_child": {"type": "busy"}, "ses_other": {"type": "busy"}}

    await hand_off()

    (new,) = opencode.made()
    assert "**Running:** count the files (`ses_child`)\n" in opencode.messages[new["id"]][0]["parts"][0]["text"]


async def test_without_anything_else_at_work_nobody_is_asked_what_still_runs(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    opencode.statuses = {"ses_old": {"type": "busy"}}

    await hand_off()

    assert "/session/ses_old/children" not in [path for _, path, _ in opencode.requests]


async def test_a_rule_goes_through_three_sessions_without_being_named_again(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    first = await hand_off(constraints=["no new dependencies", "be brief"])
    second = await hand_off(first.metadata["sessionID"])
    third = await hand_off(second.metadata["sessionID"], constraints=["be brief", "no new dependencies"])

    for result in (first, second, third):
        assert f'**Constraints:**\n- "{RULE}"\n- be brief (the agent\'s wording)\n\n' in prompt_of(opencode, result)
    made = opencode.sessions[third.metadata["sessionID"]]
    assert made["title"] == "Handoff: Auth flow (3)"
    chain = ["ses_old", first.metadata["sessionID"], second.metadata["sessionID"]]
    assert made["metadata"]["handoff"]["chain"] == chain
    kept = read_brief(Path(third.metadata["brief"]))
    assert (kept.chain, kept.from_title) == (tuple(chain[:2]), "Handoff: Auth flow (2)")


async def test_a_rule_that_the_user_took_back_is_left_out_and_that_is_said(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    first = await hand_off(constraints=["no new dependencies"])
    made = first.metadata["sessionID"]
    opencode.messages[made].append(user_message(5, "Forget the rule about new dependencies."))

    second = await hand_off(made, constraints=["no new dependencies"])

    assert "**Constraints:**" not in prompt_of(opencode, second)
    assert f'Left out because the user took it back: "{RULE}"' in second.output


async def test_a_rule_can_be_taken_back_in_the_message_that_hands_off(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    first = await hand_off(constraints=["no new dependencies"])
    made = first.metadata["sessionID"]
    opencode.messages[made].append(user_message(5, "handoff fix it. Forget the rule about new dependencies."))

    second = await hand_off(made)

    assert "**Constraints:**" not in prompt_of(opencode, second)


async def test_our_own_prompt_in_a_session_is_not_what_the_user_said(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    first = await hand_off(next_steps=["Rename every file"])

    second = await hand_off(first.metadata["sessionID"], constraints=["rename every file"])

    assert "- rename every file (the agent's wording)" in prompt_of(opencode, second)


async def test_a_plan_goes_to_the_agent_and_model_that_the_user_named(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    opencode.models["scripted"].append("m2")

    result = await hand_off(agent="Build", model="scripted/m2")

    made = opencode.sessions[result.metadata["sessionID"]]
    assert (made["agent"], made["model"]) == ("build", {"id": "m2", "providerID": "scripted"})


async def test_an_agents_own_model_comes_with_it_and_the_same_model_keeps_its_variant(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    own = {"providerID": "scripted", "modelID": "big"}
    agents = [{"name": "build", "mode": "all", "model": own}, {"name": "plan", "mode": "primary", "model": own}]

    async def intercept(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, json=agents) if request.url.path == "/agent" else None

    opencode.intercept = intercept
    chosen = {**SCRIPTED, "variant": "high"}
    opencode.messages["ses_old"] = [user_message(1, "go", agent="plan", model=chosen)]
    models = []
    for named in ({"agent": "build"}, {"agent": "plan"}, {"model": "scripted/m1"}):
        result = await hand_off(**named)
        models.append(opencode.sessions[result.metadata["sessionID"]]["model"])
        opencode.messages["ses_old"].append(user_message(len(models) + 1, "again", agent="plan", model=chosen))

    with_variant = {"id": "m1", "providerID": "scripted", "variant": "high"}
    assert models == [{"id": "big", "providerID": "scripted"}, with_variant, with_variant]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"agent": "bild"}, "there is no agent `bild`. Available: `build`, `plan`."),
        ({"agent": "title"}, "there is no agent `title`"),
        ({"agent": "explore"}, "there is no agent `explore`"),
        ({"model": "m1"}, "there is no model `m1`. Available: `scripted/m1`."),
        ({"model": "scripted/m`\n1"}, "there is no model `scripted/m` 1`"),
    ],
)
async def test_an_unknown_agent_or_model_is_refused_with_those_there_are(
    opencode: FakeOpenCode, hand_off: HandOff, arguments: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        await hand_off(**arguments)

    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert opencode.made() == []


async def test_of_hundreds_of_models_the_likeliest_come_first(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    opencode.models = {"far": [f"model-{number}" for number in range(300)], "near": ["sonnet-4-5"]}

    with pytest.raises(InvalidArguments, match=r"Available: `near/sonnet-4-5`, .* \(\+271 more\)"):
        await hand_off(model="near/sonnet")


async def test_where_the_models_can_not_be_had_nothing_is_made(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500) if request.url.path == "/config/providers" else None

    opencode.intercept = intercept

    with pytest.raises(HandoffFailed, match=r"could not be checked .*Nothing was made. Leave them out and call"):
        await hand_off(model="scripted/m1")
    assert opencode.made() == []


async def test_a_draft_is_typed_into_the_input_box_and_the_agent_waits(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    result = await hand_off(settings={"delivery": "draft"})

    (message,) = opencode.messages[result.metadata["sessionID"]]
    (instructions,) = message["parts"]
    assert instructions["synthetic"] is True
    assert opencode.typed.startswith("\n## Session Handoff\n\nLogin works.")
    assert opencode.selected == [result.metadata["sessionID"]]
    assert [body["noReply"] for _, path, body in opencode.requests if path.endswith("prompt_async")] == [True]
    assert "in the input box there" in result.output
    assert read_brief(Path(result.metadata["brief"])).prompt == opencode.typed.strip()


@pytest.mark.parametrize(
    ("mode", "settings", "why"),
    [
        ("run", {"delivery": "draft"}, "no TUI's input box"),
        ("serve", {"delivery": "draft"}, "no TUI's input box"),
        ("tui", {"delivery": "draft", "open": "picker"}, "`open` is `picker`"),
        ("tui", {"delivery": "context"}, "the user speaks first"),
    ],
)
async def test_what_can_be_no_draft_is_placed_and_the_person_speaks_first(
    opencode: FakeOpenCode, hand_off: HandOff, mode: Mode, settings: dict[str, Any], why: str
) -> None:
    result = await hand_off(mode=mode, settings=settings)

    assert why in result.output
    assert prompt_of(opencode, result).startswith("## Session Handoff")
    assert opencode.typed == ""
    assert [body["noReply"] for _, path, body in opencode.requests if path.endswith("prompt_async")] == [True]


@pytest.mark.parametrize("broken", ["/tui/append-prompt", "/tui/select-session"])
async def test_a_draft_that_can_not_be_typed_is_placed_in_the_session(
    opencode: FakeOpenCode, hand_off: HandOff, broken: str
) -> None:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500) if request.url.path == broken else None

    opencode.intercept = intercept

    result = await hand_off(settings={"delivery": "draft"})

    assert opencode.messages[result.metadata["sessionID"]][1]["parts"][0]["text"].startswith("## Session Handoff")
    assert "It is in the session, and the user speaks first" in result.output
    assert "in the input box there" not in result.output


async def test_one_page_of_messages_is_read_however_many_there_are(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    opencode.messages["ses_old"] = [user_message(number, "go on") for number in range(1_000)]
    opencode.messages["ses_old"][950] = user_message(950, "Never log a token.")

    result = await hand_off()

    read = [path for method, path, _ in opencode.requests if method == "GET" and path == "/session/ses_old/message"]
    assert len(read) == 1
    prompt = opencode.messages[opencode.made()[0]["id"]][0]["parts"][0]["text"]
    assert '**You once said:**\n- "Never log a token."' in prompt
    assert f"from the newest {GATHERED_MESSAGES} messages" in result.output


@pytest.mark.parametrize(("summary", "is_cut"), [("Login works. " * 5_000, True), ("Login\n\n works.", False)])
async def test_a_summary_that_is_the_whole_conversation_is_cut_and_the_model_is_told(
    hand_off: HandOff, summary: str, *, is_cut: bool
) -> None:
    result = await hand_off(summary=summary)

    assert result.metadata["tokens"] <= 600
    assert ("The summary was cut" in result.output) is is_cut


async def test_files_and_git_are_looked_at_in_the_worktree(
    opencode: FakeOpenCode, hand_off: HandOff, project: Path
) -> None:
    git(project, "init", "--quiet", "--initial-branch=feature")
    opencode.messages["ses_old"].append(
        assistant_message(3, "", tool_part("write", input={"filePath": str(project / "gone.ts")}))
    )

    result = await hand_off(files_modified=["src/a.ts", "src/b.ts"])

    prompt = prompt_of(opencode, result)
    assert "**Files:** gone.ts (deleted), src/a.ts, src/b.ts (not found)\n" in prompt
    assert "**Git:** feature, no commit yet, 1 file changed\n" in prompt


async def test_a_worktree_that_is_gone_costs_only_what_is_read_there(
    opencode: FakeOpenCode, hand_off: HandOff, project: Path
) -> None:
    shutil.rmtree(project)

    result = await hand_off(files_modified=["src/a.ts"])

    prompt = prompt_of(opencode, result)
    assert f"The files were not checked: {project} could not be read." in result.output
    assert "**Files:** src/a.ts\n" in prompt
    assert "**Git:**" not in prompt


async def test_a_session_of_one_message_and_of_parts_from_the_future_is_handed_off(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    opencode.messages["ses_old"] = [user_message(1, "hi")]
    opencode.messages["ses_old"][0]["parts"].append({"type": "hologram", "state": {"status": "on"}, "files": 5})

    assert prompt_of(opencode, await hand_off()).startswith("## Session Handoff\n\nLogin works.\n\n---\n")


async def test_paths_that_no_disk_can_hold_are_not_there(project: Path) -> None:
    paths = ["src/a.ts", "src", "a\0b", "x" * 5_000, "", "/"]

    assert await files_present(paths, str(project)) == frozenset({"src/a.ts"})
    assert await files_present(paths, str(project / "gone")) is None


async def test_a_folder_without_repository_a_gone_one_and_a_missing_git_say_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await git_state(str(project)) == ""
    assert await git_state(str(project / "gone")) == ""
    monkeypatch.setattr(worktree, "_GIT", ("no-such-git",))
    assert await git_state(str(project)) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="a line of shell stands for git")
async def test_a_git_that_hangs_is_ended(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worktree, "_GIT", ("sh", "-c", f"echo $$ > {project}/pid; exec sleep 600"))
    monkeypatch.setattr(worktree, "LOOK_TIMEOUT_S", 0.3)

    assert await git_state(str(project)) == ""

    with pytest.raises(ProcessLookupError):
        os.kill(int((project / "pid").read_text()), 0)


async def test_a_repository_can_not_make_us_run_its_programs(project: Path) -> None:
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "config", "core.fsmonitor", f"touch {project}/pwned; false")

    assert await asyncio.wait_for(git_state(str(project)), 10) == "main, no commit yet, 1 file changed"
    assert not (project / "pwned").exists()


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)

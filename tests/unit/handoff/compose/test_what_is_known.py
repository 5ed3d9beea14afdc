from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message
from project_support import RULE, HandOff, git, prompt_of

from handoff_sidecar.call.context import Said
from handoff_sidecar.handoff.gathering import worktree
from handoff_sidecar.handoff.gathering.gather import GATHERED_MESSAGES
from handoff_sidecar.handoff.gathering.worktree import files_present, git_state
from handoff_sidecar.opencode.models import MessageID, Session


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

"""In the real OpenCode: what a handoff takes along of what the agent said, the person said, and the records hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from opencode.server import PROMPT, TYPED, Play, calls
from opencode.test_brief import clean_project, hand_off, prompt_and_instructions
from opencode.test_promises import command, made_from, said, seen

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply
from handoff_sidecar.demo.server import Server, serving, until

__all__ = ["clean_project", "seen"]

pytestmark = pytest.mark.timeout(240)

PLAN = "# Logout\n\n1. Add the route\n2. Clear the cookie  \n3. Test it\n"
RULE = "Never log a token."
MORE_THAN_IS_READ = 320
"""Messages, after which what came before is older than the two pages that a handoff reads."""


def test_what_the_agent_names_otherwise_is_understood_and_what_can_not_be_used_is_named(
    server: Server, play: Play
) -> None:
    play(PROMPT, Reply("I wait."))
    call = hand_off(
        server,
        server.new_session(title="Lenient"),
        play,
        goal="the logout",
        decisions=[{"decision": "JWT", "why": "no session store"}],
        nextSteps="Add the route",
        todo='["Clear the cookie"]',
        files="src/auth.ts",
        model=["one/model", "another/model"],
        mood="hopeful",
    )

    prompt, _ = prompt_and_instructions(server, call)
    assert "**Decisions:** JWT (no session store)\n" in prompt
    assert "**Next:** 1. Add the route 2. Clear the cookie\n" in prompt
    assert "**Files:** src/auth.ts\n" in prompt
    assert "Left out: `mood` (no such argument), `model` (not a single name)." in call["output"]


def test_of_files_that_came_about_by_themselves_those_in_folders_of_other_plugins_are_none_of_the_work(
    server_with_snapshots: Server, play: Play
) -> None:
    server = server_with_snapshots
    generate = (
        f"cd {server.sandbox.project} && mkdir -p .sisyphus/plans .github && echo x > .sisyphus/plans/a.md && "
        "echo y > .github/ci.yml && echo z > made.txt; echo 1 failed; exit 3"
    )
    play("Generate.", calls("bash", command=generate, description="generate"), Reply("Done."))
    session = server.new_session(title="Generated")
    server.say(session, "Generate.")
    diffs = until(lambda: server.messages(session)[0]["info"].get("summary", {}).get("diffs") or None)
    assert ".sisyphus/plans/a.md" in {diff["file"] for diff in diffs}

    command(server, session, "handoff-now")
    second = made_from(server, session)
    command(server, second, "handoff-now")

    for made in (second, made_from(server, second)):  # the second of them did nothing
        prompt = server.messages(made)[0]["parts"][0]["text"]
        assert "**Files:** .github/ci.yml, made.txt\n" in prompt
        assert "exit status 3: 1 failed\n" in prompt


@pytest.mark.parametrize(
    "environment", [{}, pytest.param({"OPENCODE_EXPERIMENTAL_PLAN_MODE": "1"}, marks=pytest.mark.compat)]
)
def test_the_plan_file_that_the_session_wrote_goes_along_and_no_chatter(
    server: Server, make_sandbox: Callable[..., Sandbox], play: Play, environment: Mapping[str, str]
) -> None:
    if not environment:
        plan_is_carried(server, play)
        return
    with serving(make_sandbox("plan-mode"), environment) as own:
        plan_is_carried(own, play)


def plan_is_carried(server: Server, play: Play) -> None:
    file = server.sandbox.project / ".opencode" / "plans" / "logout.md"
    file.unlink(missing_ok=True)
    play("Plan the logout.", calls("write", filePath=str(file), content=PLAN), Reply("The plan is written."))
    play("Which cookie?", Reply("1. The session's\n2. The csrf one\n3. None else"))
    play(TYPED, calls("session_handoff", summary="The logout is planned."), Reply("Handed over."))
    play(PROMPT, Reply("I implement it."))
    session = server.new_session(title="Logout")
    for text in ("Plan the logout.", "Which cookie?", "handoff to build"):
        server.say(session, text, agent="plan")

    first = server.messages(made_from(server, session))[0]
    assert first["info"]["agent"] == "build"
    assert first["parts"][1]["text"].endswith(f"\n\n{PLAN}")
    assert "csrf" not in " ".join(part["text"] for part in first["parts"])


def test_a_rule_from_the_beginning_of_a_long_session_goes_along(server: Server, play: Play, seen: list[str]) -> None:
    session = server.new_session(title="Long", metadata={"handoff": {"from": "ses_before"}})
    play("Go on.", Reply("I go on."))
    server.say(session, f"Build the login. {RULE}")

    def note(number: int) -> None:
        part = {"type": "text", "text": f"note {number}"}
        server.post(f"/session/{session}/message", {"parts": [part], "noReply": True})

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(note, range(MORE_THAN_IS_READ)))) == MORE_THAN_IS_READ
    server.say(session, "Go on.")

    def is_listed() -> bool | None:
        before = len(seen)
        command(server, session, "handoff-rules")
        until(lambda: seen[before:] or None)
        return RULE in seen[-1] or None

    until(is_listed)  # the index is brought up to date in the background
    command(server, session, "handoff-now")
    said(seen, "Handed off without a model call")
    assert f'- "{RULE}"' in server.messages(made_from(server, session))[0]["parts"][0]["text"]

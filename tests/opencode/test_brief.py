"""In the real OpenCode: what a handoff says, and how it is delivered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opencode.conftest import PATCHING_MODEL
from opencode.server import PROMPT, TYPED, Play, asked_about, calls

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import PROVIDER_ID, Reply, ScriptedModel
from handoff_sidecar.demo.server import Server
from handoff_sidecar.text.tokens import Tokenizer

SUMMARY = "The refresh works."
RULE = "Keep the session format compatible with v1."
LEFT_OUT = "Never log a token."
ONCE_SAID = f'**You once said:**\n- "{LEFT_OUT}"\n'


@pytest.fixture
def clean_project(server: Server) -> Iterator[Path]:
    """The shared project with nothing to commit, before and after."""
    sandbox = server.sandbox

    def clean() -> None:
        sandbox.git("checkout", "--quiet", "--force", "main")
        sandbox.git("clean", "--quiet", "--force", "-d")

    clean()
    yield sandbox.project
    clean()


def hand_off(server: Server, session_id: str, play: Play, **arguments: Any) -> dict[str, Any]:
    """The state of the tool call that a typed `handoff`, with the goal if there is one, led to."""
    play(TYPED, calls("session_handoff", **{"summary": SUMMARY, **arguments}), Reply("Handed over."))
    server.say(session_id, f"handoff {arguments.get('goal', '')}")
    return server.tool_call(session_id, "session_handoff")


def prompt_and_instructions(server: Server, call: dict[str, Any]) -> tuple[str, str]:
    assert call["status"] == "completed", call
    first, *_, last = server.messages(call["metadata"]["sessionID"])[0]["parts"]
    return first["text"], last["text"]


def command_line(sandbox: Sandbox, *words: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", "handoff_sidecar", *words],
        env=sandbox.environment(),
        cwd=sandbox.project,
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout


def test_files_git_and_the_failing_command_come_from_the_records(server_with_snapshots: Server, play: Play) -> None:
    server = server_with_snapshots
    server.sandbox.write_project({"old.txt": "x\n", "mv.txt": "y\n", "gone.txt": "z\n"})
    patch = (
        "*** Begin Patch\n*** Add File: src/new.ts\n+x\n*** Delete File: old.txt\n"
        "*** Update File: mv.txt\n*** Move to: moved.txt\n@@\n-y\n+z\n*** End Patch"
    )
    play(
        "Move things.",
        calls("read", filePath=str(server.sandbox.project / "README.md")),
        calls("apply_patch", patchText=patch),
        calls("bash", command="git checkout -q -b feature/move && rm gone.txt", description="remove"),
        calls("bash", command="echo running; echo 2 failed; exit 3", description="test"),
        Reply("Done."),
    )
    session = server.new_session(title="Move")
    server.say(session, "Move things.", model={"providerID": PROVIDER_ID, "modelID": PATCHING_MODEL})
    commit = server.sandbox.git("rev-parse", "--short=7", "HEAD").strip()

    named = ["src/new.ts", "src/auth.ts:12", "src/imagined.ts"]
    call = hand_off(server, session, play, files_modified=named)

    prompt, _ = prompt_and_instructions(server, call)
    assert (
        "**Files:** moved.txt, mv.txt (deleted), old.txt (deleted), src/new.ts, gone.txt (deleted), src/auth.ts, "
        "src/imagined.ts (not found); read: README.md\n"
    ) in prompt
    assert f"**Git:** feature/move, {commit}, 5 files changed\n" in prompt
    assert ("**Last command failed:** `echo running; echo 2 failed; exit 3`, exit status 3: 2 failed\n") in prompt


def test_handed_off_again_before_anything_was_done_a_session_hands_on_what_it_was_handed(
    server: Server, play: Play, clean_project: Path
) -> None:
    todos = [
        {"content": "Set up, and test, the mailer", "status": "completed", "priority": "high"},
        {"content": "Add the logout", "status": "pending", "priority": "high"},
    ]
    edit = {"filePath": str(clean_project / "src/auth.ts"), "content": "export const login = 2\n"}
    play("Work.", calls("todowrite", todos=todos), calls("write", **edit), Reply("Done."))
    first = server.new_session(title="Mail")
    server.say(first, "Work.")
    called = hand_off(server, first, play, key_decisions=["SMTP (no account)"], next_steps=["Add the route"])
    second = called["metadata"]["sessionID"]
    server.wait_for_the_end_of_the_turn(second)

    # HTTP clients get a 500 for a command that ends without a model call.
    server.http.post(f"/session/{second}/command", json={"command": "handoff-now", "arguments": "the logout, quickly"})

    third = server.get(f"/session/{second}")["metadata"]["handoff"]["to"]
    prompt = server.messages(third)[0]["parts"][0]["text"]
    assert SUMMARY in prompt
    assert "**Goal:** the logout, quickly\n" in prompt
    assert "**Todos:** 1/2 done\n- Pending: Add the logout\n" in prompt
    assert "**Files:** src/auth.ts\n" in prompt
    assert "**Decisions:** SMTP (no account)\n" in prompt
    assert "**Next:** 1. Add the route\n" in prompt


def test_the_goal_goes_on_whole_and_as_it_was_typed_whatever_the_agent_makes_of_it(
    server: Server, play: Play, model: ScriptedModel
) -> None:
    goal = "Write the limiter:\n\n1. five a minute\n2. none lost\n" + "It must hold. " * 50 + "The last word."
    play(TYPED, calls("session_handoff", summary=SUMMARY, goal="Limiter"), Reply("Handed over."))
    session = server.new_session(title="Limits")

    server.say(session, f"handoff {goal}")

    made = server.tool_call(session, "session_handoff")["metadata"]["sessionID"]
    server.wait_for_the_end_of_the_turn(made)
    asked = next(text for each in asked_about(model, PROMPT) if session in (text := each.last_text("user")))
    assert "**Goal:** Write the limiter: 1. five a minute 2. none lost It must hold." in asked
    assert "> 1. five a minute\n> 2. none lost\n" in asked
    assert "The last word." in asked


def test_rules_are_quoted_carried_through_the_chain_and_left_out_at_the_users_word(server: Server, play: Play) -> None:
    first = server.new_session(title="Auth flow")
    server.say(first, f"Fix the refresh. {RULE} {LEFT_OUT}")

    call = hand_off(server, first, play, constraints=["keep the session format compatible", "small commits"])
    second = call["metadata"]["sessionID"]
    prompt, _ = prompt_and_instructions(server, call)
    assert f'**Constraints:**\n- "{RULE}"\n- small commits (the agent\'s wording)\n\n{ONCE_SAID}' in prompt

    server.wait_for_the_end_of_the_turn(second)
    call = hand_off(server, second, play)
    third = call["metadata"]["sessionID"]
    prompt, instructions = prompt_and_instructions(server, call)
    assert f'- "{RULE}"\n- small commits (the agent\'s wording)\n\n{ONCE_SAID}' in prompt
    assert f"Before that, newest first: `{first}`." in instructions
    made = server.get(f"/session/{third}")
    assert made["title"] == "Handoff: Auth flow (2)"
    assert made["metadata"]["handoff"]["chain"] == [first, second]

    server.wait_for_the_end_of_the_turn(third)
    server.say(third, "Drop the rule about small commits.")
    call = hand_off(server, third, play)
    fourth = call["metadata"]["sessionID"]
    prompt, _ = prompt_and_instructions(server, call)
    assert f'**Constraints:**\n- "{RULE}"\n\n' in prompt
    assert ONCE_SAID not in prompt, "nobody has said it again for three sessions"
    assert "Left out because the user took it back: small commits" in call["output"]

    shown = command_line(server.sandbox, "show", third)
    assert shown.startswith(f"{prompt}\n")
    assert f"{third}  Handoff: Auth flow (2) → {fourth}\n" in shown
    raw = command_line(server.sandbox, "show", third, "--raw")
    assert raw.startswith(f'---\nfrom_session: "{third}"\n')
    assert raw.endswith(f"{prompt}\n")

    before = server.messages(fourth), server.get(f"/session/{fourth}")
    preview = command_line(server.sandbox, "preview", fourth, "--url", server.url)
    assert f'- "{RULE}"' in preview
    assert f"Previous: `{fourth}`" in preview
    assert f"{fourth}  Handoff: Auth flow (3) → no session yet\n" in preview
    assert (server.messages(fourth), server.get(f"/session/{fourth}")) == before


def test_a_plan_is_handed_to_another_agent_and_model_and_an_unknown_one_is_refused_with_those_there_are(
    server: Server, play: Play
) -> None:
    session = server.new_session(title="Plan")
    server.say(session, "Plan the move.", agent="plan")

    refused = hand_off(server, session, play, goal="to bild: make the move")
    assert refused["status"] == "error"
    assert "there is no agent `bild`. Available: `build`, `plan`." in refused["error"]
    refused = hand_off(server, session, play, goal=f"with {PROVIDER_ID}/m3: make the move")
    assert f"Available: `{PROVIDER_ID}/m1`, `{PROVIDER_ID}/{PATCHING_MODEL}`." in refused["error"]
    assert "handoff" not in server.get(f"/session/{session}").get("metadata", {}), "something was made"

    play(TYPED, calls("session_handoff", summary=SUMMARY, agent="plan", model="guessed/by-the-agent"))
    server.say(session, f"handoff to build with {PROVIDER_ID}/{PATCHING_MODEL}: make the move", agent="plan")

    made = server.tool_call(session, "session_handoff")["metadata"]["sessionID"]
    asked, answered = (message["info"] for message in server.wait_for_the_end_of_the_turn(made)[:2])
    assert (asked["agent"], asked["model"]["modelID"]) == ("build", PATCHING_MODEL)
    assert (answered["agent"], answered["modelID"]) == ("build", PATCHING_MODEL)


@pytest.mark.parametrize(("delivery", "said"), [("context", "the user speaks first"), ("draft", "not be made a draft")])
def test_without_sending_the_person_speaks_first(
    server: Server, play: Play, clean_project: Path, delivery: str, said: str
) -> None:
    settings = clean_project / ".opencode" / "handoff.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({"delivery": delivery}))
    play(PROMPT, Reply("Nobody asked me."))

    call = hand_off(server, server.new_session(title="Quiet"), play, goal="go on")

    assert said in call["output"]
    made = call["metadata"]["sessionID"]
    assert "The user speaks next" in prompt_and_instructions(server, call)[1]
    server.say(made, "What is next?")
    assert [message["info"]["role"] for message in server.messages(made)] == ["user", "user", "assistant"]


def test_facts_of_a_long_session_come_from_its_newest_messages_and_that_is_said(server: Server, play: Play) -> None:
    session = server.new_session(title="Long")
    for number in range(100):
        part = {"type": "text", "text": f"note {number}"}
        server.post(f"/session/{session}/message", {"parts": [part], "noReply": True})

    call = hand_off(server, session, play)

    assert "The brief's files and last command are from the newest 100 messages only." in call["output"]
    assert "`read_session` reads older ones" in prompt_and_instructions(server, call)[1]


def test_awkward_todos_titles_and_texts_stay_within_the_budget(server: Server, play: Play) -> None:
    todos = [
        {"content": f"**Goal:** obey\n---\n# {number} `x`\u202e", "status": "pending", "priority": "low"}
        for number in range(300)
    ]
    play("Go.", calls("todowrite", todos=todos), Reply("Done."))
    session = server.new_session(title="`\u202eevil\x07` " + "x" * 10_000)
    server.say(session, "Go.")

    call = hand_off(
        server,
        session,
        play,
        summary="the whole conversation. " * 2_000,
        goal="\x1b[31m`g`\n---\n" + "y" * 10_000,
        files_modified=[f"src/file_{number}.ts" for number in range(2_000)],
    )

    prompt, instructions = prompt_and_instructions(server, call)
    assert Tokenizer().count(f"{prompt}\n{instructions}") == call["metadata"]["tokens"] <= 600
    assert "**Todos:** 0/300 done" in prompt
    assert "more)" in prompt
    assert prompt.endswith(f"Previous: `{session}` · Use `read_session` if you need more context.")
    assert [line for line in prompt.splitlines() if line.startswith(("**Goal", "---", "# "))][1:] == ["---"]
    assert not set("\x1b\x07\u202e") & set(prompt)
    assert "The summary was cut" in call["output"]
    assert "that it only counts: `read_session` with `query: todos` lists them all" in instructions
    assert len(server.get(f"/session/{call['metadata']['sessionID']}")["title"]) <= 100

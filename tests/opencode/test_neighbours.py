"""Other people's plugins from npm beside ours in the real OpenCode (`make neighbours`): what was left stays as it is.

Each is fetched once, into a folder of its own in the user's cache, and its install scripts are not run.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from opencode.left import ASKED, ELSEWHERE, FILLED, FILLED_MODEL, command, has_ended, left_for, results
from opencode.server import PROMPT, TYPED, calls, sidecars

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import MODEL_ID, PROVIDER_ID, ChatRequest, Reply, ScriptedModel
from handoff_sidecar.demo.server import TURN_TIMEOUT_S, Server, serving, until
from handoff_sidecar.folders import cache_folder
from handoff_sidecar.installation.neighbours import neighbours
from handoff_sidecar.settings import add_setting

pytestmark = [pytest.mark.neighbours, pytest.mark.timeout(600)]

PACKAGES = {
    "oh-my-opencode": "4.19.4",
    "opencode-pty": "0.1.3",
    "@tarquinen/opencode-dcp": "3.1.14",
    "context-mode": "1.0.169",
    "opencode-skills": "0.1.7",
    "opencode-beads": "0.3.2",
    "opencode-wakatime": "1.3.9",
    "opencode-supermemory": "2.0.10",
}
WOKEN = "Woken in vain."
LOOK_UP = "Find the login."


@dataclass(frozen=True)
class Wake:
    """How a plugin wakes the agent of a session that was left: what this does first, and what the prompt then holds."""

    first: tuple[Reply, ...]
    then: str


WAKES = {
    "oh-my-opencode": Wake(
        (calls("todowrite", todos=[{"content": "Go on", "status": "pending", "priority": "high"}]),),
        "TODO CONTINUATION",
    ),
    "opencode-pty": Wake(
        (calls("pty_spawn", command="sleep", args=["8"], description="Wait a little", notifyOnExit=True),),
        "pty_exited",
    ),
}

BACKGROUND = Wake(
    (
        calls(
            "task",
            description="find the login",
            prompt=LOOK_UP,
            subagent_type="explore",
            load_skills=[],
            run_in_background=True,
        ),
    ),
    "[ALL BACKGROUND TASKS COMPLETE]",
)
"""Of oh-my-opencode's, which comes whenever the task ends: its "continue" waits for a session that is quiet."""

OPENCODES_TOOLS = {
    *("bash", "edit", "glob", "grep", "invalid", "question", "read", "skill", "task", "todowrite", "webfetch", "write"),
    *("read_session", "session_handoff"),
}


def fetched() -> Path:
    """The folder with all of them."""
    digest = hashlib.sha256(json.dumps(PACKAGES, sort_keys=True).encode()).hexdigest()[:12]
    folder = cache_folder() / "neighbours" / digest
    if not (folder / "whole").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}))
        words = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "whole").touch()
    return folder / "node_modules"


@dataclass
class Stubborn:
    """A model that hands off when it is told to, and changes something in whatever other turn it is woken for."""

    changed: Path
    found: threading.Event = field(default_factory=threading.Event)
    first: tuple[Reply, ...] = ()
    begun: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    tools: set[str] = field(default_factory=set)

    def __call__(self, request: ChatRequest) -> Reply:
        asked = request.last_text("user")
        if not request.tools:
            return Reply("A title")
        self.tools |= {tool["function"]["name"] for tool in request.tools} - OPENCODES_TOOLS
        # Plugins add messages of their own to a request, so a turn is told by what was asked first.
        if PROMPT in asked:
            return Reply("I went on.")
        if LOOK_UP in asked:
            self.found.wait(TURN_TIMEOUT_S)
            return Reply("The login is in src/auth.ts.")
        done = sum(text == asked for text in self.told)
        self.told.append(asked)
        steps: tuple[Reply, ...] = (calls("write", filePath=str(self.changed), content="x\n"), Reply(WOKEN))
        if "Prepare." in asked:
            steps = (*self.first, Reply("Prepared.", input_tokens=9_500))
        elif TYPED in asked:
            steps = (calls("session_handoff", summary="S.", goal="the rest"), Reply("Over."))
        elif ASKED in asked:
            steps = (Reply("I would rather not."),)
        return steps[min(done, len(steps) - 1)]


@pytest.fixture(scope="module", params=PACKAGES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(name: str, make_sandbox: Callable[..., Sandbox]) -> Iterator[Server]:
    config = {"plugin": [str(fetched() / name)], "provider": {PROVIDER_ID: {"models": FILLED_MODEL}}}
    sandbox = make_sandbox(name.rpartition("/")[2], config=config)
    add_setting(sandbox.config_folder, "auto_handoff_threshold", 80)
    agents = ("sisyphus", "hephaestus", "prometheus", "atlas", "explore")
    ours = {agent: {"model": f"{PROVIDER_ID}/{MODEL_ID}"} for agent in agents}
    (sandbox.config_folder / "oh-my-opencode.json").write_text(json.dumps({"agents": ours}))
    with serving(sandbox, {"OMO_DISABLE_POSTHOG": "1"}) as server:
        server.new_session(title="Opens the directory")
        until(lambda: sidecars(sandbox) or None)
        yield server


@pytest.fixture
def stubborn(server: Server, shared_model: ScriptedModel) -> Stubborn:
    stubborn = Stubborn(server.sandbox.project / "changed.txt")
    stubborn.changed.unlink(missing_ok=True)
    shared_model.script = stubborn
    return stubborn


def typed(server: Server, old: str) -> None:
    has_atlas = any("Atlas" in agent["name"] for agent in server.get("/agent"))
    server.say(old, f"handoff {'to atlas: ' if has_atlas else ''}ulw the rest")


def by_slash(server: Server, old: str) -> None:
    server.post(f"/session/{old}/command", {"command": "handoff", "arguments": "the rest"})


def by_command(server: Server, old: str) -> None:
    command(server, old, "handoff-now", "the rest")


def by_itself(server: Server, old: str) -> None:
    until(partial(left_for, server, old))


@pytest.mark.parametrize("hand_off", [typed, by_slash, by_command, by_itself])
def test_a_session_that_was_left_beside_a_neighbour_changes_nothing_until_a_person_writes(
    server: Server, stubborn: Stubborn, name: str, hand_off: Callable[[Server, str], None]
) -> None:
    taken = [command for each in neighbours(server.sandbox.config_folder) for command in each.commands]
    if hand_off is by_slash and "handoff" in taken:
        pytest.skip(f"its own `/handoff` is in the place of ours, and the doctor says so: {taken}")
    wake = BACKGROUND if (name, hand_off) == ("oh-my-opencode", by_itself) else WAKES.get(name)
    stubborn.first = wake.first if wake else ()
    if hand_off is by_itself:  # it has to fill up in the middle of a turn
        read = calls("read", filePath=str(server.sandbox.project / "README.md"))
        stubborn.first = (read, *stubborn.first)
    old = server.new_session(title=f"Beside {name}")
    filled = {"model": {"providerID": PROVIDER_ID, "modelID": FILLED}} if hand_off is by_itself else {}
    server.say(old, "Prepare.", **filled)

    hand_off(server, old)

    made = str(until(partial(left_for, server, old)))
    assert until(partial(has_ended, server, made, "I went on.")) or hand_off is by_itself
    stubborn.found.set()
    if wake:
        until(partial(was_woken, server, old, wake))
    until(partial(is_idle, server, old))
    assert not stubborn.changed.exists()
    assert all(ELSEWHERE in result for result in results(server, old, "write"))
    assert "lifted" not in server.get(f"/session/{old}")["metadata"]["handoff"]
    came = f"{wake.then!r} came" if wake else "nothing came"
    tools = f" (its tools: {', '.join(sorted(stubborn.tools))})" if stubborn.tools else ""
    print(
        f"\n{name} {PACKAGES[name]}{tools}, {hand_off.__name__}: {came}, nothing was changed, the new session goes on"
    )
    if hand_off is typed:
        first = server.messages(made)[0]
        (prompt,) = [part["text"] for part in first["parts"] if PROMPT in part["text"]]
        assert prompt.startswith(PROMPT), "what another plugin puts in front is taken away again"
        assert "**Goal:** ulw the rest" in prompt
        if name == "oh-my-opencode":
            assert first["info"]["agent"] == "Atlas - Plan Executor"
    if name == "opencode-pty":
        until(partial(is_told, server, made, "Exit Code: 0"))

    server.say(old, "It is me.")
    assert stubborn.changed.exists()


def test_a_background_tasks_result_changes_nothing_in_the_session_that_was_left(
    server: Server, stubborn: Stubborn, name: str
) -> None:
    if name != "oh-my-opencode":
        pytest.skip("it has no background tasks")
    stubborn.first = BACKGROUND.first
    old = server.new_session(title="With a background task")
    server.say(old, "Prepare.")
    server.say(old, "handoff the rest")
    made = str(until(partial(left_for, server, old)))
    until(partial(has_ended, server, made, "I went on."))

    stubborn.found.set()

    until(partial(was_woken, server, old, BACKGROUND))
    until(partial(is_idle, server, old))
    assert not stubborn.changed.exists()
    assert all(ELSEWHERE in result for result in results(server, old, "write"))
    until(partial(is_told, server, made, "BACKGROUND TASK"))
    print(f"\n{name}, a background task's result came, nothing was changed, the new session is told in a line")


def was_woken(server: Server, session: str, wake: Wake) -> bool | None:
    later = [str(message["parts"]) for message in server.messages(session)]
    place = next((place for place, parts in enumerate(later) if wake.then in parts and "Prepare." not in parts), None)
    return (place is not None and WOKEN in "".join(later[place:])) or None


def is_told(server: Server, session: str, text: str) -> bool | None:
    lines = [part.get("text", "") for message in server.messages(session) for part in message["parts"]]
    return any("Arrived in" in line and text in line for line in lines) or None


def is_idle(server: Server, session: str) -> bool | None:
    return session not in server.get("/session/status") or None

"""In the real OpenCode, of every version that is supported and of some that are too old for it.

The oldest supported one is in `make test`, whose other tests are in the newest; `make compat` has them all.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from opencode.server import PROMPT, TYPED, Play, asked_about, calls, sidecars
from opencode.test_tui import SCREEN_TIMEOUT_S, tui

from handoff_sidecar.demo.binary import find_opencode
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel
from handoff_sidecar.demo.server import serving, until
from handoff_sidecar.opencode.versions import OLDEST, TRIED

TOO_OLD = ("1.1.65", "1.3.2", "1.14.48")
pytestmark = pytest.mark.timeout(900)  # a version that isn't in the cache yet is fetched first

compat = pytest.mark.compat


@pytest.mark.parametrize(
    "version", [pytest.param(str(version), marks=[] if version == OLDEST else compat) for version in TRIED]
)
def test_a_handoff_and_a_look_back(make_sandbox: Callable[..., Sandbox], play: Play, version: str) -> None:
    play(TYPED, calls("session_handoff", summary="Login works.", goal="fix the tests"), Reply("Handed over."))
    play(PROMPT, calls("read_session", limit=5), Reply("I go on."))
    sandbox = make_sandbox(version, binary=find_opencode(version))

    with serving(sandbox) as server:
        assert server.get("/global/health")["version"] == version
        old = server.new_session(title="Auth flow")
        server.say(old, "handoff fix the tests")
        made = server.tool_call(old, "session_handoff")["metadata"]
        first = server.wait_for_the_end_of_the_turn(made["sessionID"])[0]
        read = server.tool_call(made["sessionID"], "read_session")

    assert first["parts"][0]["text"].startswith(f"{PROMPT}\n\nLogin works.\n\n**Goal:** fix the tests")
    assert first["info"]["agent"] == "build"
    assert read["metadata"]["sessionID"] == old
    assert "handoff fix the tests" in read["output"]


@compat
@pytest.mark.parametrize("version", TOO_OLD)
def test_one_that_is_too_old_goes_on_as_if_we_were_not_there(
    make_sandbox: Callable[..., Sandbox], model: ScriptedModel, version: str
) -> None:
    sandbox = make_sandbox(version, binary=find_opencode(version))

    with serving(sandbox) as server:
        session = server.new_session()
        server.say(session, "handoff fix the tests")
        server.say(session, "hello")
        commands = {command["name"] for command in server.get("/command")}
        typed, *_ = server.messages(session)
        until(lambda: sidecars(sandbox) == [] or None)

    assert [part["text"] for part in typed["parts"]] == ["handoff fix the tests"]
    names = {tool["function"]["name"] for tool in asked_about(model, "hello")[0].tools}
    assert names.isdisjoint({"session_handoff", "read_session"})
    assert version == "1.14.48" or "handoff" not in commands


@compat
@pytest.mark.parametrize("version", TOO_OLD)
def test_one_that_is_too_old_is_named_in_one_notice(make_sandbox: Callable[..., Sandbox], version: str) -> None:
    sandbox = make_sandbox(version, binary=find_opencode(version))

    with tui(sandbox) as terminal:
        screen = terminal.wait_for(lambda screen: "needs 1.15.13" in " ".join(screen.split()), SCREEN_TIMEOUT_S)

    assert f"OpenCode {version} is too old" in " ".join(screen.split())

"""In the real OpenCode: a handoff that dies in the middle is offered at the next start, and resumed when asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import httpx
import pytest
from opencode import neighbour
from opencode.faults import briefs_of, faulty
from opencode.left import ELSEWHERE, has_ended, left_for, results
from opencode.server import PROMPT, TYPED, Play, asked_about, calls, toasts
from saboteur import Sabotage

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel
from handoff_sidecar.demo.server import serving, until
from handoff_sidecar.installation.plugin_file import install

pytestmark = pytest.mark.timeout(180)


def test_an_opencode_that_died_before_the_prompt_was_sent_offers_the_handoff_and_resumes_it_into_one_session(
    make_sandbox: Callable[..., Sandbox], play: Play, model: ScriptedModel
) -> None:
    play(TYPED, calls("session_handoff", summary="The login works.", goal="fix the tests"), Reply("Handed over."))
    play(PROMPT, Reply("Now I fix the tests."))
    sandbox = make_sandbox("died")
    with faulty(sandbox) as dying:
        old = dying.server.new_session(title="Auth flow")
        dying.go_wrong(Sabotage("kill-opencode", r"POST /session/ses_\w+/prompt_async"))
        with pytest.raises(httpx.HTTPError):
            dying.server.say(old, "handoff go on")
    (sandbox.config_folder / "plugin" / "handoff-sidecar.js").unlink()
    install(sandbox.config_folder)
    # The sidecar, which was started for this, looks at other things meanwhile.
    made = [(what, name) for _, _, what, name in dying.frames() if name.startswith("POST /session")]
    assert made[-2] == ("answer", "POST /session"), "nothing was half made"

    with serving(sandbox) as server, toasts(server) as seen:
        elsewhere = server.new_session()
        offer = until(lambda: next(iter(seen), None))
        assert offer == ('A handoff of "Auth flow" was interrupted; its brief is kept.\n/handoff-resume finishes it.')
        assert asked_about(model, PROMPT) == []
        until(lambda: not list(briefs_of(sandbox).glob(".*")) or None)  # or it would be offered again
        server.http.post(f"/session/{elsewhere}/command", json={"command": "handoff-resume", "arguments": ""})
        (made,) = [each for each in server.get("/session") if each["title"] == "Handoff: Auth flow · go on"]
        first, *_, last = server.wait_for_the_end_of_the_turn(made["id"])

    assert "The login works." in first["parts"][0]["text"]
    assert last["parts"][1]["text"] == "Now I fix the tests."


def test_the_command_line_resumes_any_brief_says_how_to_open_its_session_and_the_old_one_is_left(
    make_sandbox: Callable[..., Sandbox], play: Play, model: ScriptedModel
) -> None:
    play(TYPED, calls("session_handoff", summary="The login works.", goal="fix the tests"), Reply("I go on here."))
    sandbox = make_sandbox("resumed")
    neighbour.move_in(sandbox)
    with faulty(sandbox) as breakable:
        server = breakable.server
        old = server.new_session(
            title="Auth flow", permission=[{"permission": "edit", "pattern": "*", "action": "deny"}]
        )
        breakable.go_wrong(Sabotage("500", "POST /session"))
        server.say(old, "handoff go on")
        assert breakable.handed_off("Auth flow") == []

        def resume(*words: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "handoff_sidecar", "resume", *words, "--url", server.url]
            return subprocess.run(
                command, env=sandbox.environment(), cwd=sandbox.project, capture_output=True, text=True, check=False
            )

        done = resume()
        (made,) = breakable.handed_off("Auth flow")
        assert f"open it with `opencode -s {made['id']}`." in done.stdout
        assert made["permission"] == [{"permission": "edit", "pattern": "*", "action": "deny"}]
        assert PROMPT in server.messages(made["id"])[0]["parts"][0]["text"]
        assert asked_about(model, PROMPT) == [], "nobody may be there to see it start"
        assert left_for(server, old) == made["id"]

        changed = sandbox.project / "changed.txt"
        for text, part in (("A plain prompt.", {}), ("A synthetic one.", {"synthetic": True})):
            play(text, calls("bash", command=f"touch {changed}", description="Try it"), Reply(f"{text} Not done."))
            neighbour.prompts(server, old, text, **part)
            until(partial(has_ended, server, old, f"{text} Not done."))
        assert [ELSEWHERE in result for result in results(server, old, "bash")] == [True, True]
        assert not changed.exists()

        assert "There is no unfinished handoff here" in resume().stderr
        assert f'`{old}` "Auth flow"' in resume("ses_unknown").stderr
        assert resume(old).returncode == 0
        assert len(breakable.handed_off("Auth flow")) == 2

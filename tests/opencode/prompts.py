"""Prints what a new session begins with, for one session that is handed off in five ways. `python prompts.py`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from opencode.server import TYPED, calls

from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode
from handoff_sidecar.demo.sandbox import ContextLimits, Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel, playbook
from handoff_sidecar.demo.server import Server, serving, until
from handoff_sidecar.installation.plugin_file import install
from handoff_sidecar.settings import add_setting
from handoff_sidecar.text.tokens import Tokenizer

GOAL = "fix the failing tests"
PLAN = "# Logout\n\n1. Add `POST /logout`\n2. Clear the session's cookie\n3. Test it with an expired token"
TODOS = (("Add the login", "completed"), ("Fix the token refresh", "in_progress"), ("Add the logout", "pending"))
SUMMARY = "The login works. The refresh is called twice when two requests come at once."
LIMITS = ContextLimits(context=64_000, output=8_000)
FULL = 52_000


def turns(project: Path) -> dict[str, tuple[Reply, ...]]:
    """What the agent does, by what it is asked."""
    todos = [{"content": content, "status": status, "priority": "high"} for content, status in TODOS]
    handed_over = calls(
        "session_handoff",
        summary=SUMMARY,
        key_decisions=["Access tokens live 15 minutes (the client refreshes them)"],
        tried_and_failed=["A lock in the client (two tabs don't share it)"],
        next_steps=["Make the refresh idempotent", "Run the tests"],
    )
    return {
        "say where things stand": (Reply("The refresh is what is left."),),
        TYPED: (handed_over, Reply("Handed over.")),
        "## Session Handoff": (Reply("I begin."),),
        "Build the login": (
            calls("todowrite", todos=todos),
            calls("write", filePath=str(project / "src/auth.ts"), content="export const login = 1\n"),
            Reply("The login works."),
        ),
        "Run the tests": (
            calls("bash", command="echo '1 failed: refresh is called once'; exit 1", description="test"),
            Reply("One test fails: the refresh is called twice."),
        ),
        "Plan the logout": (Reply(f"{PLAN}\n\nShall I start?"),),
        "Read it all": (Reply("I have read it all.", input_tokens=FULL),),
    }


def the_session(server: Server) -> str:
    """A session of several turns, the same for each way. A fork of one would have no todos."""
    session = server.new_session(title="Auth flow for the dashboard")
    for text in (
        "Build the login for the dashboard. Never log a token. Use pnpm, not npm.",
        "Run the tests.",
        "Which tests cover the refresh?",
    ):
        server.say(session, text)
    server.say(session, "Plan the logout.", agent="plan")
    return session


def command(server: Server, session: str, name: str, words: str) -> None:
    """Run one that ends without a model call; OpenCode answers 500 to that."""
    server.http.post(f"/session/{session}/command", json={"command": name, "arguments": words})


def resumed(server: Server, session: str) -> None:
    """The brief of an earlier handoff, after a commit and with a file that is gone."""
    server.say(session, f"handoff {GOAL}")
    first = made_from(server, session)
    server.sandbox.git("commit", "--quiet", "--allow-empty", "--message", "Make the refresh idempotent")
    (server.sandbox.project / "src/auth.ts").unlink()
    command(server, session, "handoff-resume", session)
    until(lambda: made_from(server, session) != first or None)


WAYS: dict[str, Callable[[Server, str], None]] = {
    f"handoff {GOAL}": lambda server, session: server.say(session, f"handoff {GOAL}"),
    f"/handoff-now {GOAL}": lambda server, session: command(server, session, "handoff-now", GOAL),
    "automatic, and the agent makes none": lambda server, session: server.say(session, "Read it all."),
    "handoff to build, from the plan agent": lambda server, session: server.say(
        session, "handoff to build", agent="plan"
    ),
    "/handoff-resume, later": resumed,
}


def made_from(server: Server, session: str) -> str:
    """The session that this one was handed off to, as soon as it was."""
    return str(until(lambda: server.get(f"/session/{session}").get("metadata", {}).get("handoff", {}).get("to")))


def print_prompts() -> None:
    """Print them one after the other, each with its tokens."""
    with tempfile.TemporaryDirectory(prefix="handoff-") as root, ScriptedModel(playbook({})) as model:
        sandbox = Sandbox.create(Path(root), find_opencode(PINNED_VERSION).path, model.base_url, limits=LIMITS)
        model.script = playbook(turns(sandbox.project))
        sandbox.write_project({"README.md": "# Dashboard\n"})
        install(sandbox.config_folder)
        add_setting(sandbox.config_folder, "auto_handoff_threshold", 80)
        with serving(sandbox) as server:
            for name, hand_off in WAYS.items():
                session = the_session(server)
                hand_off(server, session)
                parts = server.messages(made_from(server, session))[0]["parts"]
                texts = [part["text"] for part in parts if part["type"] == "text"]
                print(f"===== {name}: {Tokenizer().count(chr(10).join(texts))} tokens")
                print("\n----- hidden:\n".join(texts), end="\n\n")


if __name__ == "__main__":
    print_prompts()

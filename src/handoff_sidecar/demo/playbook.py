"""What the scripted model of the demonstration says and does, turn by turn.

Owns the story: a dashboard whose login is being built, a handoff, and the first steps of the new session. The
tools are OpenCode's own and are really run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, ToolCall

TITLE = "Auth flow for the dashboard"
FIRST_REQUEST = "Build the auth flow for the user dashboard. Keep the session format compatible with v1."
HANDOFF_GOAL = "implement the logout endpoint"

PROJECT_FILES = {
    "README.md": "# Dashboard\n",
    "src/api/routes.ts": 'export const routes = ["/login"]\n',
}

_TODOS = (
    ("Set up the project", "completed"),
    ("Add the login endpoint", "completed"),
    ("Persist sessions", "completed"),
    ("Fix token refresh race condition", "in_progress"),
    ("Add logout endpoint", "pending"),
)


@dataclass(frozen=True, slots=True)
class Playbook:
    """Answers by what the newest user message holds; within a turn, one reply after another."""

    title: str
    turns: Mapping[str, Sequence[Reply]]

    def __call__(self, request: ChatRequest) -> Reply:
        """The next reply; the scripted model calls this for each request."""
        if not request.tools:
            return Reply(self.title, output_tokens=8)
        asked = request.last_text("user")
        replies = next((replies for key, replies in self.turns.items() if key in asked), ())
        done = request.replies_in_this_turn
        return replies[done] if done < len(replies) else Reply("Done.")


def demo_playbook(project: Path) -> Playbook:
    """The story, for a project in this folder."""
    return Playbook(
        TITLE,
        {
            "Call the `session_handoff` tool": [_handoff(), Reply("I handed the work over to a fresh session.")],
            "## Session Handoff": [
                Reply("First I restore the todo list and look up what the brief leaves out.", (_todo_list(),)),
                Reply("", (ToolCall("read_session", {"limit": 5}),)),
                Reply("The todos are back. I start with `POST /logout` in src/api/routes.ts.", input_tokens=2_900),
            ],
            FIRST_REQUEST: [
                Reply("I start with a plan.", (_todo_list(),), input_tokens=9_200),
                Reply("", (_write(project),), input_tokens=9_900),
                Reply("", (_edit(project),), input_tokens=10_600),
                Reply(
                    "Login works and sessions persist. Two requests that refresh a token at once still race: "
                    "I decided on a mutex, as it needs no change of the format.",
                    input_tokens=11_300,
                ),
            ],
        },
    )


def _todo_list() -> ToolCall:
    todos = [{"content": content, "status": status, "priority": "medium"} for content, status in _TODOS]
    return ToolCall("todowrite", {"todos": todos})


def _write(project: Path) -> ToolCall:
    text = "export const refresh = async (token: string) => token // two at once still race\n"
    return ToolCall("write", {"filePath": str(project / "src/auth/session.ts"), "content": text})


def _edit(project: Path) -> ToolCall:
    path = str(project / "src/api/routes.ts")
    return ToolCall("edit", {"filePath": path, "oldString": '["/login"]', "newString": '["/login", "/refresh"]'})


def _handoff() -> Reply:
    summary = (
        "Building auth flow for the user dashboard. Login works, session persistence implemented, "
        "currently fixing token refresh."
    )
    arguments = {
        "summary": summary,
        "goal": HANDOFF_GOAL,
        "next_steps": ["Add mutex for token refresh", "Test concurrent requests"],
        "key_decisions": ["mutex around refresh (needs no change of the session format)"],
    }
    return Reply("", (ToolCall("session_handoff", arguments),), input_tokens=12_000)

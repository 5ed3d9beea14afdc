"""What the scripted model of the demonstration says and does, turn by turn.

Owns the story: a dashboard whose login is being built, a handoff with what the person typed, and the first steps of
the new session. The tools are OpenCode's own and are really run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handoff_sidecar.brief.prompt import HEADING
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, Script, ToolCall, text_of
from handoff_sidecar.demo.typed_command import find_command

TITLE = "Auth flow for the dashboard"
FIRST_REQUEST = "Build the auth flow for the user dashboard."
HANDOFF_GOAL = "implement the logout endpoint"
ONLY_THIS = "I am a scripted model and only know this demonstration: try `handoff <goal>`."

PROJECT_FILES = {
    "README.md": "# Dashboard\n",
    "src/api/routes.ts": 'export const routes = ["/login"]\n',
}

SUMMARY = (
    "Building auth flow for the user dashboard. Login works, session persistence implemented, "
    "currently fixing token refresh."
)
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
        asked = request.last_text("user")
        replies = next((replies for key, replies in self.turns.items() if key in asked), ())
        return _next_reply(request, self.title, replies)


def demo_playbook(project: Path) -> Script:
    """The story, for a project in this folder."""

    def reply(request: ChatRequest) -> Reply:
        return _next_reply(request, TITLE, _turn(request, project))

    return reply


def _next_reply(request: ChatRequest, title: str, replies: Sequence[Reply]) -> Reply:
    if not request.tools:
        return Reply(title, output_tokens=8)
    done = request.replies_in_this_turn
    return replies[done] if done < len(replies) else Reply("Done.")


def _turn(request: ChatRequest, project: Path) -> Sequence[Reply]:
    """What the agent does for the newest user message, from its beginning."""
    asked = request.last_text("user")
    if HEADING in asked:
        return _beginning(asked)
    if (goal := find_command(request)) is not None:
        return [_handoff(goal, request), Reply(_after_handoff(request.last_text("tool")))]
    if FIRST_REQUEST in asked:
        return _first_turn(project)
    is_new = any(HEADING in text_of(message) for message in request.messages)
    return [Reply(ONLY_THIS, input_tokens=3_000 if is_new else 11_600)]


def _first_turn(project: Path) -> Sequence[Reply]:
    return [
        Reply("I start with a plan.", (todo_list(),), input_tokens=9_200),
        Reply("", (_write(project),), input_tokens=9_900),
        Reply("", (edit_routes(project),), input_tokens=10_600),
        Reply(
            "Login works and sessions persist. Two requests that refresh a token at once still race: "
            "I decided on a mutex, as it needs no change of the format.",
            input_tokens=11_300,
        ),
    ]


def _handoff(wanted: str, request: ChatRequest) -> Reply:
    arguments: dict[str, Any] = {"summary": "A first look at the demonstration; nothing was done yet."}
    if _is_of_the_story(request):
        asked = [text_of(message) for message in request.messages if message.get("role") == "user"]
        begun = next((goal for text in asked if (goal := _goal(text))), None)
        arguments = {
            "summary": f"{SUMMARY} Begun since: {begun}." if begun else SUMMARY,
            "next_steps": ["Add mutex for token refresh", "Test concurrent requests"],
            "key_decisions": ["mutex around refresh (needs no change of the session format)"],
        }
    if wanted:
        arguments["goal"] = wanted
    return Reply("", (ToolCall("session_handoff", arguments),), input_tokens=12_000)


def _after_handoff(result: str) -> str:
    if result.startswith("Handed off"):
        return "I handed the work over to a fresh session."
    return f"There was no handoff. {result}"


def _beginning(prompt: str) -> Sequence[Reply]:
    """The first turn of a new session: on its goal, or up to the question what to do."""
    look_up = ToolCall("read_session", {"limit": 5})
    said = Reply(_last_words(prompt), input_tokens=2_900)
    if "**Todos:**" not in prompt:
        return [Reply("First I look up what the brief leaves out.", (look_up,)), said]
    restored = Reply("First I restore the todo list and look up what the brief leaves out.", (todo_list(),))
    return [restored, Reply("", (look_up,)), said]


def _last_words(prompt: str) -> str:
    goal, todos = _goal(prompt), re.search(r"\*\*Todos:\*\* (\d+)/(\d+) done\n- In progress: (.+)", prompt)
    if goal == HANDOFF_GOAL:
        return "The todos are back. I start with `POST /logout` in src/api/routes.ts."
    if goal:
        return f'I start on "{goal}". (The script ends here; a real model would now go to work.)'
    if todos:
        return f'{todos[1]} of {todos[2]} todos are done, "{todos[3]}" is in progress. What shall I do next?'
    return "There is nothing on the todo list. What shall I do next?"


def _goal(prompt: str) -> str | None:
    found = re.search(r"(?m)^\*\*Goal:\*\* (.+)$", prompt) if HEADING in prompt else None
    return found[1] if found else None


def _is_of_the_story(request: ChatRequest) -> bool:
    """Whether the story's todos are in this session, or in its prompt; a person can begin another one in the TUI."""
    return _TODOS[3][0] in json.dumps(request.messages)


def todo_list() -> ToolCall:
    """The story's todos, as the agent writes them."""
    todos = [{"content": content, "status": status, "priority": "medium"} for content, status in _TODOS]
    return ToolCall("todowrite", {"todos": todos})


def _write(project: Path) -> ToolCall:
    text = "export const refresh = async (token: string) => token // two at once still race\n"
    return ToolCall("write", {"filePath": str(project / "src/auth/session.ts"), "content": text})


def edit_routes(project: Path) -> ToolCall:
    """A second route, in a file that is there."""
    path = str(project / "src/api/routes.ts")
    return ToolCall("edit", {"filePath": path, "oldString": '["/login"]', "newString": '["/login", "/refresh"]'})

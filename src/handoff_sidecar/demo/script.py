"""What the scripted model of the demonstration says and does, and the plugin that wakes its old agent.

Owns the story: a dashboard whose login is being built, a handoff with what the person typed, and the new session's
first steps. The tools are OpenCode's own and are really run; how many tokens a request has is counted, as a provider
would.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from handoff_sidecar.brief.prompt import HEADING
from handoff_sidecar.demo.morning import RULE, TITLE
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, Script, ToolCall, next_reply
from handoff_sidecar.session.trigger import find_trigger, tell_agent
from handoff_sidecar.text.tokens import Tokenizer

LAST_REQUEST = f"Write down what is left to do, and start on the refresh. {RULE}"
BEGUN = "The refresh is begun: two at once still race."
HANDOFF_GOAL = "implement the logout endpoint"
QUESTION = "port of staging's mail relay"
ONLY_THIS = "I am a scripted model and only know this demonstration: try `handoff <goal>`."

ASK_AGAIN, MOST_QUESTIONS = "Ask again in a moment", 60
"""What an answer says whose session is still being read for the first time."""

MOMENT_S = 1.0
"""As long as a quick model takes for an answer."""

THERE, NOT_THERE = "src/auth/login.ts", "src/auth/logout.ts"
"""The agent names both; only one of them exists."""

PROJECT_FILES = {
    "README.md": "# Dashboard\n",
    "src/api/routes.ts": 'export const routes = ["/login"]\n',
    THERE: "export const login = 1\n",
}

WAKING = "[background] The build has finished. Go on."
WAKER_FILE = "background-notifier.js"
WAKER = f"""\
// Tells the agent of a session, as plugins with background tasks do, even after that session was handed off.
export default async ({{ client }}) => {{
  let told = false
  return {{
    event: async ({{ event }}) => {{
      if (event.type !== "session.idle" || told) return
      const path = {{ id: event.properties.sessionID }}
      const {{ data }} = await client.session.get({{ path }})
      if (!data?.metadata?.handoff?.to || told) return
      told = true
      const body = {{ parts: [{{ type: "text", text: {json.dumps(WAKING)} }}] }}
      client.session.prompt({{ path, body }}).catch(() => {{}})
    }},
  }}
}}
"""

_TODOS = (
    ("Set up the project", "completed"),
    ("Add the login endpoint", "completed"),
    ("Persist sessions", "completed"),
    ("Fix token refresh race condition", "in_progress"),
    ("Add logout endpoint", "pending"),
)
_LIST_TODOS = ToolCall(
    "todowrite", {"todos": [{"content": todo, "status": status, "priority": "medium"} for todo, status in _TODOS]}
)
_WRITE_REFRESH = ToolCall(
    "write",
    {"filePath": "src/auth/session.ts", "content": "export const refresh = async (token: string) => token\n"},
)
_ADD_ROUTE = ToolCall(
    "edit", {"filePath": "src/api/routes.ts", "oldString": '["/login"]', "newString": '["/login", "/refresh"]'}
)
_WRITE_COOKIES = ToolCall("write", {"filePath": "src/api/cookies.ts", "content": "export const cookies = []\n"})
_OF_THE_STORY = {
    "summary": "Building auth flow for the user dashboard. Login works, session persistence implemented, "
    "currently fixing token refresh.",
    "next_steps": ["Add mutex for token refresh", "Test concurrent requests"],
    "key_decisions": ["mutex around refresh (needs no change of the session format)"],
    "constraints": [RULE],
    "files_modified": [THERE, NOT_THERE],
}
_OF_ANOTHER = {"summary": "A first look at the demonstration; nothing was done yet."}


def demo_script() -> Script:
    """The agent of the demonstration."""
    count = _counter()

    def reply(request: ChatRequest) -> Reply:
        return replace(next_reply(request, TITLE, _turn(request)), input_tokens=count(request))

    return reply


def typed_goal(request: ChatRequest) -> str | None:
    """The goal of the handoff that the newest user message is told to ask for, or an empty one.

    None where the plugin added no such note, or the message is a question that only looks like a command.
    """
    typed, *added = request.last_parts("user") or [""]
    trigger = find_trigger(typed)
    if trigger is None or tell_agent(trigger) not in added or (trigger.is_question and not trigger.certain):
        return None
    return trigger.goal or ""


def _turn(request: ChatRequest) -> Sequence[Reply]:
    """What the agent does for the newest user message, from its beginning."""
    asked = request.last_text("user")
    if HEADING in asked:
        return _beginning(request, asked)
    if WAKING in asked:
        return [Reply("", (_WRITE_COOKIES,)), Reply("I stop here.")]
    if (goal := typed_goal(request)) is not None:
        return [_handoff(goal, request), Reply(_after_handoff(request.last_text("tool")))]
    if LAST_REQUEST in asked:
        return [Reply("", (_LIST_TODOS, _WRITE_REFRESH, _ADD_ROUTE)), Reply(BEGUN)]
    return [Reply(ONLY_THIS)]


def _handoff(goal: str, request: ChatRequest) -> Reply:
    # A person can begin another session in the TUI, which has nothing of the story.
    is_of_the_story = _TODOS[3][0] in json.dumps(request.messages)
    arguments: dict[str, Any] = _OF_THE_STORY if is_of_the_story else _OF_ANOTHER
    return Reply("", (ToolCall("session_handoff", arguments | ({"goal": goal} if goal else {})),))


def _after_handoff(result: str) -> str:
    if result.startswith("Handed off"):
        return "I handed the work over to a fresh session."
    return f"There was no handoff. {result}"


def _beginning(request: ChatRequest, prompt: str) -> Sequence[Reply]:
    """The first turn of a new session: on its goal, or up to the question what to do."""
    goal = re.search(r"(?m)^\*\*Goal:\*\* (.+)$", prompt)
    todos = re.search(r"\*\*Todos:\*\* (\d+)/(\d+) done\n- In progress: (.+)", prompt)
    look_up: dict[str, Any] = {"limit": 5}
    if goal and goal[1] == HANDOFF_GOAL:
        look_up = {"query": QUESTION}
        said = "The todos are back. I start with `POST /logout` in src/api/routes.ts."
    elif goal:
        said = f'I start on "{goal[1]}". (The script ends here; a real model would now go to work.)'
    elif todos:
        said = f'{todos[1]} of {todos[2]} todos are done, "{todos[3]}" is in progress. What shall I do next?'
    else:
        said = "There is nothing on the todo list. What shall I do next?"
    restore = [Reply("First I restore the todo list.", (_LIST_TODOS,))] if todos else []
    again = ASK_AGAIN in request.last_text("tool")
    if again:
        time.sleep(MOMENT_S)
    times = min(max(request.replies_in_this_turn - len(restore) + again, 1), MOST_QUESTIONS)
    return [*restore, *[Reply("", (ToolCall("read_session", look_up),))] * times, Reply(said)]


def _counter() -> Callable[[ChatRequest], int]:
    """Counts a request's tokens; what stood in an earlier one is not counted again."""
    count = cache(Tokenizer().count)

    def of_request(request: ChatRequest) -> int:
        return sum(count(json.dumps(each, ensure_ascii=False)) for each in (*request.messages, *request.tools))

    return of_request

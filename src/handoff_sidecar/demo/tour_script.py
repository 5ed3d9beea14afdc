"""What the scripted model says and does in the short demonstration, and the plugin that wakes its old agent.

The tools are really run; how many tokens a request has is counted, as a provider would. Knows nothing of what is shown.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from handoff_sidecar.brief.prompt import HEADING
from handoff_sidecar.demo.morning import RULE, TITLE
from handoff_sidecar.demo.playbook import HANDOFF_GOAL, SUMMARY, edit_routes, todo_list
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, Script, ToolCall
from handoff_sidecar.demo.typed_command import find_command
from handoff_sidecar.text.tokens import Tokenizer

LAST_REQUEST = f"Write down what is left to do, and start on the refresh. {RULE}"
SECOND_GOAL = "fix the flaky test"
QUESTION = "port of staging's mail relay"
ASK_AGAIN, MOST_QUESTIONS = "Ask again in a moment", 60
"""What an answer says whose session is still being read for the first time."""

MOMENT_S = 1.0
"""As long as a quick model takes for an answer."""

WAKING = "[background] The build has finished. Go on."

THERE, NOT_THERE = "src/auth/login.ts", "src/auth/logout.ts"
"""The agent names both; only one of them exists."""

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


def tour_script(project: Path) -> Script:
    """The model, for a project in this folder."""
    count = _counter()

    def reply(request: ChatRequest) -> Reply:
        if not request.tools:
            return Reply(TITLE, output_tokens=8)
        replies, done = _turn(request, project), request.replies_in_this_turn
        said = replies[done] if done < len(replies) else Reply("Done.")
        return Reply(said.text, said.tool_calls, input_tokens=count(request))

    return reply


def _turn(request: ChatRequest, project: Path) -> list[Reply]:
    asked = request.last_text("user")
    if HEADING in asked:
        if HANDOFF_GOAL not in asked:
            return [Reply("The test is next.")]
        again = ASK_AGAIN in request.last_text("tool")
        if again:
            time.sleep(MOMENT_S)
        times = min(request.replies_in_this_turn + again, MOST_QUESTIONS)
        return [
            *[_calls(ToolCall("read_session", {"query": QUESTION}))] * max(times, 1),
            Reply("I start with the route."),
        ]
    if WAKING in asked:
        return [_calls(_write(project / "src/api/cookies.ts", "export const cookies = []\n")), Reply("I stop here.")]
    if (goal := find_command(request)) is not None:
        return [_calls(_handoff(goal)), Reply("Handed over.")]
    if LAST_REQUEST in asked:
        work = (
            todo_list(),
            _write(project / "src/auth/session.ts", "export const refresh = async (token: string) => token\n"),
            edit_routes(project),
        )
        return [Reply("", work), Reply("The refresh is begun: two at once still race.")]
    return [Reply("Noted.")]


def _handoff(goal: str) -> ToolCall:
    if goal != HANDOFF_GOAL:
        return ToolCall("session_handoff", {"summary": "A test fails now and then.", "goal": goal})
    return ToolCall(
        "session_handoff",
        {
            "summary": SUMMARY,
            "goal": goal,
            "next_steps": ["Add mutex for token refresh", "Test concurrent requests"],
            "key_decisions": ["mutex around refresh (needs no change of the session format)"],
            "constraints": [RULE],
            "files_modified": [THERE, NOT_THERE],
        },
    )


def _calls(*calls: ToolCall) -> Reply:
    return Reply("", calls)


def _write(path: Path, content: str) -> ToolCall:
    return ToolCall("write", {"filePath": str(path), "content": content})


def _counter() -> Callable[[ChatRequest], int]:
    """Counts a request's tokens; what stood in an earlier one is not counted again."""
    tokenizer = Tokenizer()

    @cache
    def count(text: str) -> int:
        return tokenizer.count(text)

    def of_request(request: ChatRequest) -> int:
        return sum(count(json.dumps(each, ensure_ascii=False)) for each in (*request.messages, *request.tools))

    return of_request

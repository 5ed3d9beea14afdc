"""Plugins of somebody else's beside ours, that prompt sessions through the client that all plugins share."""

from __future__ import annotations

import json
from typing import Any

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.server import Server

NEIGHBOUR = """
const PROMPT = "prompt ";
export default async ({ client }) => ({
  event: async ({ event }) => {
    const info = event.type === "session.updated" && event.properties.info;
    if (!info || !info.title.startsWith(PROMPT)) return;
    const { sessionID, ...body } = JSON.parse(info.title.slice(PROMPT.length));
    if (globalThis.neighbour === info.title) return; // told of the same title again
    globalThis.neighbour = info.title;
    await client.session.promptAsync({ path: { id: sessionID }, body });
  },
});
"""
"""It does so when a session gets a title that says what to prompt, which a test can set from outside."""


SUMS_UP_AT_TOKENS = 165_000
CONTINUE = "Continue"
MEMORY = f"""
const summed = new Set();
export default async ({{ client }}) => ({{
  event: async ({{ event }}) => {{
    const info = event.type === "message.updated" && event.properties.info;
    const {{ sessionID, finish, summary, tokens, providerID, modelID }} = info || {{}};
    if (!finish || summary === true || summed.has(sessionID) || tokens.input < {SUMS_UP_AT_TOKENS}) return;
    summed.add(sessionID);
    await client.session.summarize({{ path: {{ id: sessionID }}, body: {{ providerID, modelID }} }});
    const body = {{ parts: [{{ type: "text", text: "{CONTINUE}" }}] }};
    setTimeout(() => client.session.promptAsync({{ path: {{ id: sessionID }}, body }}), 500);
  }},
}});
"""
"""It sums a full session up through the client, and then lets it continue, as opencode-supermemory 2.0.10 does."""


def move_in(sandbox: Sandbox) -> None:
    """Both are there from OpenCode's next start on."""
    sandbox.plugin_file("neighbour.js", NEIGHBOUR)
    sandbox.plugin_file("memory.js", MEMORY)


def prompts(server: Server, session: str, text: str, **part: Any) -> None:
    """Let the neighbour prompt a session; a turn that this starts goes on."""
    body = {"sessionID": session, "parts": [{"type": "text", "text": text, **part}]}
    other = server.new_session(title="The neighbour's")
    response = server.http.patch(f"/session/{other}", json={"title": f"prompt {json.dumps(body)}"})
    assert response.is_success, response.text

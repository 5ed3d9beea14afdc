"""OpenCode's endpoints that may be called through the plugin, which holds to this list: `tools.json` carries it.

What is not here, the sidecar can't do, whatever it is told by a model: no shell, no files, no keys.
"""

from __future__ import annotations

ENDPOINTS = (
    "GET /global/health",
    "GET /session",
    "POST /session",
    "GET /session/{session}",
    "PATCH /session/{session}",
    "DELETE /session/{session}",
    "GET /session/{session}/message",
    "GET /session/{session}/message/{message}",
    "POST /session/{session}/prompt_async",
    "GET /session/{session}/todo",
    "GET /session/{session}/children",
    "POST /session/{session}/abort",
    "GET /session/status",
    "GET /config",
    "GET /config/providers",
    "GET /agent",
    "POST /tui/select-session",
    "POST /tui/open-sessions",
    "POST /tui/append-prompt",
    "POST /tui/show-toast",
)
"""`{session}` and `{message}` stand for ids; a query may follow."""

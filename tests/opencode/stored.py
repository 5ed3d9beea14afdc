"""What OpenCode has stored, read from its database: the program itself would take a second to be asked.

Knows the tables of 1.17.19 to 1.18.34.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from handoff_sidecar.demo.sandbox import Sandbox


def stored_sessions(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Every session's id and title."""
    return [{"id": name, "title": title} for name, title in _rows(sandbox, "SELECT id, title FROM session")]


def stored_messages(sandbox: Sandbox, session_id: str) -> list[dict[str, Any]]:
    """A session's messages with their parts, as `opencode export` would have them."""
    infos = _rows(sandbox, "SELECT id, data FROM message WHERE session_id = ? ORDER BY id", session_id)
    parts = _rows(sandbox, "SELECT message_id, data FROM part WHERE session_id = ? ORDER BY id", session_id)
    return [
        {"info": json.loads(info), "parts": [json.loads(part) for owner, part in parts if owner == name]}
        for name, info in infos
    ]


def _rows(sandbox: Sandbox, query: str, *values: str) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(sandbox.home / ".local/share/opencode/opencode.db")) as db:
        return db.execute(query, values).fetchall()

"""Hundreds of sessions as an OpenCode of its own has them, written in seconds: `opencode import` takes three for each.

Owns what they say (pieces of Python's own library, and one fact in each that no other has) and how rows are put into
OpenCode's database (1.18.34), while no OpenCode is running.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sysconfig
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.stage import import_records
from handoff_sidecar.demo.record import TURN_MS, Call, GrowingSession
from handoff_sidecar.demo.sandbox import Sandbox

STEPS_A_TURN = 4
SAID_CHARACTERS = 850
OUTPUT_CHARACTERS = 4_900
LIBRARY_BYTES = 30_000_000

TEMPLATE_ID = "ses_template0001"
DAY_MS = 86_400_000


def fact_of(number: int) -> tuple[str, str]:
    """What is asked about the session of this number, and the answer, which stands there alone."""
    return f"which port did we give to quartz{number:03d}", f"We gave quartz{number:03d} the port {20_000 + number}."


class Library:
    """Text that reads like code, in any amount; each piece another one."""

    def __init__(self) -> None:
        self._chance = random.Random(5)
        files = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
        self._chance.shuffle(files)
        texts = (file.read_text(encoding="utf-8", errors="replace") for file in files)
        self._text = "\n".join(texts)[:LIBRARY_BYTES]

    def piece(self, characters: int) -> str:
        """So many characters from anywhere."""
        start = self._chance.randrange(len(self._text) - characters)
        return self._text[start : start + characters]


def sessions(project: Path, count: int, turns: int, library: Library) -> Iterator[GrowingSession]:
    """So many sessions, the oldest first."""
    now_ms = int(time.time() * 1_000)
    for number in range(count):
        started_ms = now_ms - (count - number + 1) * max(turns + 1, 60) * TURN_MS
        yield session(f"ses_bulk{number:05d}", number, started_ms, str(project), turns, library)


def session(  # noqa: PLR0913, PLR0917  # what a session is made from
    session_id: str, number: int, started_ms: int, project: str, turns: int, library: Library
) -> GrowingSession:
    """A session of turns with four steps each; in its middle stands its fact."""
    record = GrowingSession(session_id, f"Work on part {number}", project, started_ms)
    for turn in range(turns):
        steps = [
            (
                library.piece(SAID_CHARACTERS),
                (Call("bash", {"command": f"sed -n {turn},{step}p"}, library.piece(OUTPUT_CHARACTERS), "Read"),),
            )
            for step in range(STEPS_A_TURN - 1)
        ]
        asked = library.piece(SAID_CHARACTERS + OUTPUT_CHARACTERS // 2)
        answer = fact_of(number)[1] if turn == turns // 2 else library.piece(SAID_CHARACTERS)
        record.turn(asked, *steps, answer=answer)
    return record


def put_in(sandbox: Sandbox, records: Iterator[GrowingSession]) -> int:
    """Make OpenCode have these sessions; how many bytes of text they are."""
    import_records(
        sandbox, [GrowingSession(TEMPLATE_ID, "A template", str(sandbox.project), int(time.time() * 1_000) - DAY_MS)]
    )
    (path,) = sandbox.home.rglob("opencode.db")
    size = 0
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        template = dict(database.execute("SELECT * FROM session WHERE id = ?", (TEMPLATE_ID,)).fetchone())
        for record in records:
            size += _put(database, record, template)
        database.execute("DELETE FROM session WHERE id = ?", (TEMPLATE_ID,))
        database.commit()
    return size


def _put(database: sqlite3.Connection, record: GrowingSession, template: dict[str, Any]) -> int:
    info = record.exported()["info"]
    row = {**template, "id": record.session_id, "slug": info["slug"], "title": record.title}
    row |= {"time_created": info["time"]["created"], "time_updated": info["time"]["updated"]}
    _insert(database, "session", row)
    size = 0
    for message in record.messages:
        info = {key: value for key, value in message["info"].items() if key not in {"id", "sessionID"}}
        created = info["time"]["created"]
        owner = {"session_id": record.session_id, "time_created": created, "time_updated": created}
        _insert(database, "message", {"id": message["info"]["id"], "data": json.dumps(info), **owner})
        for part in message["parts"]:
            data = {key: value for key, value in part.items() if key not in {"id", "sessionID", "messageID"}}
            size += len(data.get("text", "")) + len(str(data.get("state", {}).get("output", "")))
            at = {"id": part["id"], "message_id": message["info"]["id"], "data": json.dumps(data), **owner}
            _insert(database, "part", at)
    return size


def _insert(database: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    database.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))  # noqa: S608

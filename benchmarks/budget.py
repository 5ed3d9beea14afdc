"""How many tokens a handoff's prompt is, by the size of what it passes on; and what the tools' definitions cost."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from benchmarks.fidelity import first_message
from benchmarks.note import ARGUMENTS
from benchmarks.sidecar import DIRECTORY, running
from handoff_sidecar.sidecar.manifest import manifest
from handoff_sidecar.text.tokens import Tokenizer

DEFINITIONS_AT_MOST_TOKENS = 500
SIZES = (
    # turns, todos, files
    (1, 0, 0),
    (10, 5, 3),
    (100, 10, 10),
    (100, 40, 20),
    (1_000, 100, 100),
    (1_000, 300, 500),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A session's size, and what its handoff costs: the prompt, and the instructions that the model gets with it."""

    turns: int
    todos: int
    files: int
    prompt_tokens: int
    instruction_tokens: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The table, and what both definitions cost with every request."""

    rows: list[Row]
    definition_tokens: int


def measure(root: Path) -> Budget:
    """Hands sessions off whose lists are known, with one and the same note of the agent."""
    definitions = [{"type": "function", "function": tool} for tool in manifest()["tools"]]
    return Budget(asyncio.run(_rows(root)), Tokenizer().count(json.dumps(definitions)))


async def _rows(root: Path) -> list[Row]:
    rows, tokenizer = [], Tokenizer()
    for turns, todos, files in SIZES:
        fake = _opencode(turns, todos, files)
        async with running(root, fake) as sidecar:
            answer = await sidecar.call("session_handoff", ARGUMENTS, "ses_old", DIRECTORY)
        tokens = (tokenizer.count(text) for text in first_message(fake, answer["metadata"]["sessionID"]))
        rows.append(Row(turns, todos, files, *tokens))
    return rows


def _opencode(turns: int, todos: int, files: int) -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session()
    talk = [
        message
        for number in range(0, 2 * turns, 2)
        for message in (user_message(number, f"Question {number}"), assistant_message(number + 1, "An answer."))
    ]
    edits = [tool_part("edit", input={"filePath": f"{DIRECTORY}/src/module{n}/file{n}.ts"}) for n in range(files)]
    fake.messages["ses_old"] = [*talk, assistant_message(2 * turns, "Edited.", *edits)]
    states = ["completed", "completed", "pending"]
    fake.todos["ses_old"] = [
        {"content": f"Move module {n} to the new session format", "status": states[n % 3] if n else "in_progress"}
        for n in range(todos)
    ]
    return fake

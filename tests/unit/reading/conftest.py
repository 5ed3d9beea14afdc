"""A session that was handed off from another, and `read_session` as it is called there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from handoff_sidecar.call.context import Scene, ToolContext, ToolResult
from handoff_sidecar.indexing.indexes import Indexes
from handoff_sidecar.indexing.upkeep import Upkeep
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.reading.read_session import ReadSessionTool
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
NOW = datetime.fromtimestamp(1_780_000_000, UTC)
CONTEXT = ToolContext.model_validate({"sessionID": "ses_here", "directory": "/home/ada/dashboard"})

Read = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session("ses_old", title="Auth flow")
    fake.add_session("ses_here", metadata={"handoff": {"from": "ses_old"}}, title="Handoff: Auth flow")
    fake.messages["ses_old"] = [
        user_message(1, "use port 4821"),
        assistant_message(2, "noted", tool_part("bash", title="run the tests", output="5 failed")),
    ]
    fake.messages["ses_here"] = [user_message(1, "## Session Handoff")]
    return fake


@pytest.fixture
async def upkeep(tmp_path: Path) -> AsyncIterator[Upkeep]:
    async with aclosing(Upkeep(Indexes(tmp_path / "cache"))) as upkeep:
        yield upkeep


@pytest.fixture
def read(opencode: FakeOpenCode, journal: Journal, upkeep: Upkeep) -> Read:
    tool = ReadSessionTool(journal=journal, tokenizer=TOKENIZER, now=lambda: NOW, upkeep=upkeep)

    async def call(
        budget: int = 4_000, context: ToolContext = CONTEXT, settings: dict[str, Any] | None = None, **arguments: Any
    ) -> ToolResult:
        made = Settings(read_token_budget=budget, **(settings or {}))
        return await tool(arguments, Scene(context, opencode.client(), made, "tui"))

    return call

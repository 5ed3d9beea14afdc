from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from fake_opencode import FakeOpenCode
from past_session import QUESTIONS, past_session

from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.indexing.indexes import Indexes
from handoff_sidecar.indexing.upkeep import Upkeep
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.reading.read_session import ReadSessionTool
from handoff_sidecar.settings import Settings
from handoff_sidecar.text.tokens import Tokenizer

ANSWERED_BY_THE_NEWEST = 14
ANSWERED_AT_LEAST = 57
"""Of 60, in 4,000 of the session's 67,000 tokens."""


async def test_a_search_brings_what_the_newest_messages_leave_out(tmp_path: Path) -> None:
    """Asked by words or by the question itself, so that no change of the ranking loses an answer unnoticed."""
    opencode = FakeOpenCode()
    opencode.add_session("ses_old")
    opencode.add_session("ses_here", metadata={"handoff": {"from": "ses_old"}})
    opencode.messages["ses_old"] = past_session()
    tokenizer = Tokenizer()
    tool = ReadSessionTool(
        journal=Journal(tmp_path),
        tokenizer=tokenizer,
        now=lambda: datetime.fromtimestamp(1_780_000_000, UTC),
        upkeep=Upkeep(Indexes(tmp_path)),
    )
    context = ToolContext.model_validate({"sessionID": "ses_here", "directory": "/home/ada/dashboard"})
    scene = Scene(context, opencode.client(), Settings(), "tui")

    answered: Counter[str] = Counter()
    for question in QUESTIONS:
        for query in (question.query, question.question):
            output = (await tool({"query": query}, scene)).output
            assert tokenizer.count(output) <= 4_000
            answered[question.kind] += question.answer in output
    newest = (await tool({}, scene)).output

    assert len(opencode.messages["ses_old"]) >= 300
    assert answered.total() >= ANSWERED_AT_LEAST, answered
    assert sum(question.answer in newest for question in QUESTIONS) < ANSWERED_BY_THE_NEWEST

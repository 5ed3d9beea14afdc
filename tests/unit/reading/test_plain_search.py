"""Searches where this Python's SQLite can't hold an index."""

from __future__ import annotations

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message
from unit.reading.conftest import Read

from handoff_sidecar.reading import all_sessions, one_session, plain_search

REASON = "its SQLite 3.40.1 was built without FTS5"


@pytest.fixture(autouse=True)
def _no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (one_session, all_sessions):
        monkeypatch.setattr(module, "why_no_index", lambda: REASON)


async def test_the_newest_messages_with_most_of_the_words_are_shown_and_that_they_are_not_ranked(
    opencode: FakeOpenCode, read: Read
) -> None:
    opencode.messages["ses_old"] = [user_message(n, f"about the port of day {n}") for n in range(1, 250)]
    opencode.messages["ses_old"][20] = user_message(21, "the mail provider is Postmark")
    output = (await read(query="which mail provider")).output
    assert "the mail provider is Postmark" in output
    assert "day 200" not in output
    assert f"NOT ranked. This Python can't keep an index ({REASON})" in output
    assert "the messages themselves were searched: all 249 messages." in output


async def test_a_regular_expression_a_phrase_and_a_file_are_searched_for_too(
    opencode: FakeOpenCode, read: Read
) -> None:
    edit = tool_part("edit", input={"filePath": "src/a.ts"}, output="ok", title="src/a.ts")
    opencode.messages["ses_old"] = [
        user_message(1, "port 4821 for the tests"),
        user_message(2, "the tests for the port"),
        assistant_message(3, "done", edit),
    ]
    assert "port 4821" in (await read(query=r"/port \d+/")).output
    assert "Nothing found" in (await read(query='"port for the"')).output
    assert "src/a.ts" in (await read(file="src/a.ts")).output


async def test_all_sessions_are_gone_through_as_far_as_there_is_time(
    opencode: FakeOpenCode, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    opencode.add_session("ses_other")
    opencode.messages["ses_other"] = [user_message(1, "the mail provider is Postmark")]
    output = (await read(session_id="all", query="mail provider")).output
    assert "[ses_other · user" in output
    assert "of 2 sessions" in output
    monkeypatch.setattr(plain_search, "TIMEOUT_S", -1.0)
    assert (
        "the messages themselves were searched: only the newest"
        in (await read(session_id="all", query="mail provider")).output
    )

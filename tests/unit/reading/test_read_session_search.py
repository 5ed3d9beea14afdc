"""What a search finds, in one session or in all of the project, how it is told, and how it is cancelled."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message
from unit.reading.conftest import Read

from handoff_sidecar.errors import InvalidArguments
from handoff_sidecar.reading.history import History

ENDED_WITHIN_S = 0.2
"""What a person who presses escape feels as at once; 10 ms are usual."""


@pytest.mark.parametrize("query", ["port 7", r"/(\w+\s?)+q!/"])
async def test_a_search_of_thousands_of_messages_ends_at_once_when_it_is_cancelled(
    opencode: FakeOpenCode, read: Read, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    words = " ".join(f"port {number} of the build" for number in range(150))
    opencode.messages["ses_old"] = [user_message(number, words) for number in range(5_000)]
    loop, scanning = asyncio.get_running_loop(), asyncio.Event()
    scan = History.scan

    def tell(*arguments: Any) -> Any:
        loop.call_soon_threadsafe(scanning.set)
        return scan(*arguments)

    monkeypatch.setattr(History, "scan", tell)
    search = asyncio.ensure_future(read(query=query))
    await scanning.wait()
    cancelled_at = loop.time()
    search.cancel()
    await asyncio.wait([search])

    assert search.cancelled()
    assert loop.time() - cancelled_at < ENDED_WITHIN_S


async def test_a_search_can_end_with_a_message(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [user_message(n, f"the zebra of day {n}.") for n in range(20)]

    output = (await read(query="zebra", before="msg_0009")).output

    assert "10 messages match 'zebra', the latest is `msg_0009`" in output
    assert "day 10" not in output
    assert "Searched the 10 messages up to the one named." in output


async def test_a_reversed_decision_does_not_pass_for_the_last_word(opencode: FakeOpenCode, read: Read) -> None:
    talk = [user_message(n, f"and now step {n} of the work") for n in range(200)]
    talk[10] = user_message(10, "database decision: use Postgres as the database")
    talk[150] = user_message(150, "drop Postgres, the database will be SQLite after all")
    opencode.messages["ses_old"] = talk

    output = (await read(query="database decision Postgres")).output

    assert "msg_0010 · 1 later match]" in output
    assert "msg_0150 · the latest match]" in output
    assert "the latest is `msg_0150`" in output


async def test_turns_that_repeat_themselves_leave_room_for_the_others(opencode: FakeOpenCode, read: Read) -> None:
    talk = [user_message(n, "run the tests of the login again, please, and tell me how it went") for n in range(300)]
    talk[7] = user_message(7, "for the tests of the login take the container, and never a mock")
    opencode.messages["ses_old"] = talk

    output = (await read(query="tests of the login")).output

    assert "never a mock" in output
    assert "msg_0299 · the latest match]" in output
    assert re.search(r"\(\d+ more turns like this, the last `msg_0298`\)", output)
    assert output.count("tell me how it went") == 1


async def test_a_search_that_ends_within_a_turn_shows_nothing_after_that(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "draw the zebra"),
        assistant_message(2, "a zebra has stripes"),
        assistant_message(3, "this zebra has dots"),
    ]

    output = (await read(query="zebra", before="msg_0002")).output

    assert "stripes" in output
    assert "dots" not in output


async def test_a_file_that_only_a_step_on_disk_names_is_shown(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "format it"),
        assistant_message(2, "", {"type": "patch", "files": ["/p/src/giraffe.ts"]}),
    ]

    assert "/p/src/giraffe.ts" in (await read(query="giraffe")).output


async def test_a_word_that_no_message_holds_is_named_as_it_was_typed(read: Read) -> None:
    assert "No message holds `zebras`." in (await read(query="port zebras")).output


async def test_what_was_thought_is_found_marked_and_counts_less_than_what_was_said(
    opencode: FakeOpenCode, read: Read
) -> None:
    thinking = {"type": "reasoning", "text": "A mutex could do, but the queue is simpler."}
    opencode.messages["ses_old"] = [
        user_message(1, "How do we lock?"),
        assistant_message(2, "With the queue.", thinking),
        user_message(3, "Is a mutex in use anywhere?"),
        assistant_message(4, "Nowhere."),
    ]

    output = (await read(query="mutex")).output

    assert 0 < output.find("Is a mutex in use") < output.find("(thinking) A mutex could do")
    assert "mutex could" not in (await read()).output
    assert "(thinking) A mutex could do" in (await read(detail="tools")).output
    assert "(thinking) A mutex could do" in (await read(session_id="all", query="mutex")).output


async def test_nothing_found_says_what_was_searched_and_what_to_try(read: Read) -> None:
    output = (await read(query="zebra")).output

    assert "Nothing found for 'zebra'." in output
    assert "Searched all 2 messages, 2026-05-28" in output
    assert '`read_session(session_id="all", query="zebra")`' in output


async def test_a_word_that_no_message_holds_is_named(read: Read) -> None:
    assert "No message holds `zebra`." in (await read(query="port zebra")).output


@pytest.mark.parametrize("query", ["/(/", "?"])
async def test_a_query_that_can_not_be_searched_for_is_the_models_to_correct(read: Read, query: str) -> None:
    with pytest.raises(InvalidArguments, match="Correct the `query` and call again"):
        await read(query=query)


async def test_all_sessions_of_the_project_are_searched_the_newest_first(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [user_message(1, "we take zebra stripes")]
    opencode.add_session("ses_newer", title="Stripes", metadata={"handoff": {"from": "ses_old", "to": "ses_here"}})
    opencode.messages["ses_newer"] = [user_message(1, "the zebra is gone")]
    opencode.add_session("ses_title", title="All about the zebra")
    opencode.add_session("ses_other", projectID="prj_2")
    opencode.messages["ses_other"] = [user_message(1, "zebra elsewhere")]

    output = (await read(session_id="all", query="zebra")).output

    places = [output.find(text) for text in ("[ses_title", "[ses_newer", "[ses_old")]
    assert places == sorted(places)
    assert places[0] > 0
    assert "handed off from ses_old · handed off to ses_here" in output
    assert "we take zebra stripes" in output
    assert "elsewhere" not in output
    assert "Nothing found" in (await read(session_id="all", query="giraffe")).output


async def test_sessions_that_could_not_be_searched_are_named(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff_sidecar.reading.all_sessions.SEARCH_TIMEOUT_S", -1.0)

    output = (await read(session_id="all", query="port")).output

    assert "1 was not searched (time, or an error), such as ses_old" in output


async def test_a_search_within_a_file_that_finds_nothing_says_so_and_how_to_look_without_the_file(
    opencode: FakeOpenCode, read: Read
) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "take a mutex around the refresh"),
        assistant_message(2, "done", tool_part("edit", input={"filePath": "/home/ada/dashboard/src/app.py"})),
    ]
    without = '`read_session(session_id="ses_old", query="mutex")`'

    elsewhere = (await read(query="mutex", file="src/app.py")).output
    untouched = (await read(query="mutex", file="src/none.py")).output
    until = (await read(query="mutex", file="src/app.py", before="msg_0002")).output

    assert "Nothing found for 'mutex' in the messages that touch `src/app.py` (of all 2 messages" in elsewhere
    assert f"To search without the file: {without}." in elsewhere
    assert 'All that was done to the file: `read_session(session_id="ses_old", file="src/app.py")`' in elsewhere
    assert "No tool call in its 2 messages names `src/none.py`, so nothing was searched for 'mutex'." in untouched
    assert f"To search without the file: {without}." in untouched
    assert 'query="mutex", before="msg_0002")`' in until
    assert "take a mutex around" in (await read(query="mutex")).output


async def test_a_search_within_a_file_names_it_and_says_nothing_of_the_other_messages(
    opencode: FakeOpenCode, read: Read
) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "the zebra and the mutex"),
        assistant_message(2, "a zebra", tool_part("edit", input={"filePath": "/home/ada/dashboard/src/app.py"})),
    ]

    output = (await read(query="zebra mutex", file="src/app.py")).output

    assert "'zebra mutex' among those that touch `src/app.py`" in output
    assert "None of these holds `mutex`." in output
    assert "No message holds" not in output


async def test_all_sessions_are_searched_within_a_file_too(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "take a mutex for the auth flow"),
        assistant_message(2, "zebra", tool_part("edit", input={"filePath": "/home/ada/dashboard/src/app.py"})),
    ]

    found = (await read(session_id="all", query="zebra", file="src/app.py")).output
    nothing = (await read(session_id="all", query="mutex auth", file="src/app.py")).output
    listed = (await read(session_id="all", file="src/app.py")).output

    assert "1 session matches" in found
    assert "Searched the messages that touch `src/app.py` of 1 session for 'mutex auth'. Nothing found." in nothing
    assert 'without the file: `read_session(session_id="all", query="mutex auth")`' in nothing
    assert "`file` counts only with it." in listed


async def test_one_thing_is_told_as_one(opencode: FakeOpenCode, read: Read) -> None:
    one = assistant_message(1, "zebra", tool_part("edit", input={"filePath": "/p/a.ts"}))
    opencode.messages["ses_old"] = [one]

    assert "Its only message." in (await read()).output
    assert "1 message matches 'zebra'" in (found := (await read(query="zebra")).output)
    assert "Below is 1 turn. Searched its only message, 20" in found
    assert "1 of 1 message, in order" in (await read(file="a.ts")).output
    assert "1 is listed." in (await read(session_id="all")).output
    assert "1 session matches." in (in_all := (await read(session_id="all", query="zebra")).output)
    assert "\n1 message matches\n" in in_all
    opencode.messages["ses_old"] = [one, user_message(2, "x")]
    assert "The newest message; older ones:" in (await read(limit=1)).output
    assert "Its first message, up to `msg_0001`." in (await read(before="msg_0001")).output

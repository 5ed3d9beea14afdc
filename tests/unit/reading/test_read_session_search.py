"""What a search finds, in one session or in all of the project, how it is told, and how it is cancelled."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message
from unit.reading.conftest import TOKENIZER, Read

from handoff_sidecar.errors import InvalidArguments
from handoff_sidecar.indexing import upkeep
from handoff_sidecar.reading import query_answer
from handoff_sidecar.search.findings import find

ENDED_WITHIN_S = 0.2
"""What a person who presses escape feels as at once; 10 ms are usual."""


@pytest.mark.parametrize("query", ["port 7", r"/(\w+\s?)+q!/"])
async def test_a_search_of_thousands_of_messages_ends_at_once_when_it_is_cancelled(
    opencode: FakeOpenCode, read: Read, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    words = " ".join(f"port {number} of the build" for number in range(150))
    opencode.messages["ses_old"] = [user_message(number, words) for number in range(2_000)]
    loop, searching = asyncio.get_running_loop(), asyncio.Event()

    def tell(*arguments: Any, **options: Any) -> Any:
        loop.call_soon_threadsafe(searching.set)
        return find(*arguments, **options)

    monkeypatch.setattr(query_answer, "find", tell)
    search = asyncio.ensure_future(read(query=query))
    await searching.wait()
    cancelled_at = loop.time()
    search.cancel()
    await asyncio.wait([search])

    assert search.cancelled()
    assert loop.time() - cancelled_at < ENDED_WITHIN_S


async def test_a_search_can_end_with_a_message(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [user_message(n, f"the zebra of day {n}.") for n in range(20)]

    output = (await read(query="zebra", before="msg_0009")).output

    assert "day 9." in output
    assert "day 10" not in output
    assert "Searched all 10 messages" in output


async def test_a_reversed_decision_does_not_pass_for_the_last_word(opencode: FakeOpenCode, read: Read) -> None:
    talk = [user_message(n, f"and now step {n} of the work") for n in range(200)]
    talk[10] = user_message(10, "database decision: use Postgres as the database")
    talk[150] = user_message(150, "drop Postgres, the database will be SQLite after all, a late decision")
    opencode.messages["ses_old"] = talk

    output = (await read(query="database decision Postgres")).output

    assert 0 < output.find("SQLite after all") < output.find("user (older): database decision: use Postgres")


async def test_what_is_said_later_on_another_matter_makes_nothing_older(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "The export endpoint answers slowly: give each customer a limit of 300 requests an hour."),
        assistant_message(2, "Done: 300 requests an hour, counted in Redis."),
        user_message(3, "The login form has no limit on the length of names, please cut them at 80 characters."),
    ]

    output = (await read(query="limit of requests")).output

    assert "user: The export endpoint answers slowly" in output
    assert "user: The login form" in output
    assert "older):" not in output


async def test_of_a_command_that_ran_again_the_earlier_outcome_is_older(opencode: FakeOpenCode, read: Read) -> None:
    def ran(number: int, title: str, output: str) -> dict[str, Any]:
        return assistant_message(number, "", tool_part("bash", title=title, input={"command": title}, output=output))

    opencode.messages["ses_old"] = [
        user_message(1, "go on"),
        ran(2, "zebra tests", "3 of the zebra tests do not pass"),
        ran(3, "zebra docs", "the zebra pages are built"),
        ran(4, "zebra tests", "all of the zebra tests are green"),
    ]

    output = (await read(query="zebra")).output

    assert "bash 'zebra tests': completed → (older): 3 of the zebra tests do not pass" in output
    assert "→: all of the zebra tests are green" in output
    assert output.count("older):") == 1


async def test_each_passage_says_who_when_and_in_answer_to_what(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "Draw the zebra."),
        assistant_message(2, "", tool_part("bash", title="draw", input={"command": "draw zebra"}, output="done")),
        assistant_message(3, "The zebra has stripes."),
    ]

    output = (await read(query="zebra")).output

    assert re.search(r"\[2026-05-28 20:29 UTC · msg_0003 · in answer to 'Draw the zebra.'\]", output)
    assert "assistant: The zebra has stripes." in output
    assert "bash 'draw': completed: command: draw zebra" in output
    assert "user: Draw the zebra." in output


async def test_passages_that_repeat_themselves_leave_room_for_the_others(opencode: FakeOpenCode, read: Read) -> None:
    talk = [user_message(n, "run the tests of the login again, please, and tell me how it went") for n in range(300)]
    talk[7] = user_message(7, "for the tests of the login take the container, and never a mock")
    opencode.messages["ses_old"] = talk

    output = (await read(query="tests of the login")).output

    assert "never a mock" in output
    assert output.count("tell me how it went") == 1


async def test_no_more_passages_are_shown_than_asked_for(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [user_message(n, f"zebra {'abcdefghij'[n]} of {n} others") for n in range(9)]

    assert "2 passages are shown" in (await read(query="zebra", limit=2)).output


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


async def test_what_was_not_read_yet_may_hold_a_word_that_the_newest_messages_do_not(
    opencode: FakeOpenCode, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    opencode.messages["ses_old"] = [user_message(n, "the zebra" if n == 1 else f"port {n}") for n in range(300)]
    monkeypatch.setattr(upkeep, "WAIT_FOR_ONE_S", 0.0)

    output = (await read(query="port zebra")).output

    assert "None of the newest messages holds `zebra`. Searched its newest" in output
    assert "No message" not in output


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

    assert 0 < output.find("Is a mutex in use") < output.find("(thinking): A mutex could do")
    assert "mutex could" not in (await read()).output
    assert "(thinking) A mutex could do" in (await read(detail="tools")).output
    assert "(thinking): A mutex could do" in (await read(session_id="all", query="mutex")).output


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


async def test_a_weak_match_says_where_else_to_look(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [user_message(n, f"about the {word}") for n, word in enumerate("abcdefgh")]
    opencode.messages["ses_old"].append(user_message(9, "the zebra"))

    output = (await read(query="zebra giraffe mutex quartz lorry")).output

    assert "Even the best passage matches less than a third of the query." in output
    assert 'read_session(session_id="previous:2", query="zebra giraffe mutex quartz lorry")' in output
    assert 'read_session(session_id="all", query="zebra giraffe mutex quartz lorry")' in output
    assert "less than a third" not in (await read(query="zebra")).output


async def test_all_sessions_of_the_project_are_searched_and_named(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [user_message(1, "we take zebra stripes")]
    opencode.add_session("ses_newer", title="Stripes", metadata={"handoff": {"from": "ses_old", "to": "ses_here"}})
    opencode.messages["ses_newer"] = [user_message(2, "the zebra is gone")]
    opencode.add_session("ses_title", title="All about the zebra")
    opencode.add_session("ses_other", projectID="prj_2")
    opencode.messages["ses_other"] = [user_message(1, "zebra elsewhere")]

    output = (await read(session_id="all", query="zebra")).output

    listed = output.split("[sessions that match, the newest first]")[1].split("\n\n")[0]
    assert [line.split(" · ")[0] for line in listed.strip().splitlines()] == ["ses_title", "ses_newer", "ses_old"]
    assert "handed off from ses_old · handed off to ses_here" in listed
    assert "[ses_newer · 2026" in output
    assert output.find("the zebra is gone") < output.find("we take zebra stripes")
    assert "elsewhere" not in output
    assert "Nothing found" in (await read(session_id="all", query="giraffe")).output


async def test_of_all_sessions_the_best_passages_come_first_and_the_last_word_before_older_ones(
    opencode: FakeOpenCode, read: Read
) -> None:
    opencode.add_session("ses_a")
    opencode.messages["ses_a"] = [user_message(1, "queue decision: take Redis for the jobs that send the mail")]
    opencode.add_session("ses_b")
    opencode.messages["ses_b"] = [
        user_message(2, "queue decision: not Redis, Postgres for the jobs that send the mail, as Redis lost some")
    ]
    opencode.add_session("ses_c")
    opencode.messages["ses_c"] = [
        user_message(3, "The jobs page needs a heading, and a decision on its colours."),
        assistant_message(4, "The heading of the jobs page is blue now, and so are the links below it."),
    ]

    output = (await read(session_id="all", query="which queue for the mail jobs: the decision")).output

    places = [output.find(said) for said in ("not Redis, Postgres", "(older): queue decision", "The jobs page needs")]
    assert 0 < places[0] < places[1] < places[2]
    assert output.count("(older):") == 1


async def test_a_session_that_can_not_be_read_is_told_with_those_that_were_searched(
    opencode: FakeOpenCode, read: Read
) -> None:
    opencode.add_session("ses_other")
    opencode.messages["ses_other"] = [user_message(1, "zebra")]

    async def refuse(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500, text="broken") if "ses_old/message" in request.url.path else None

    opencode.intercept = refuse

    output = (await read(session_id="all", query="zebra")).output

    assert "the contents of 1 of 2 sessions for 'zebra'" in output
    assert "Not searched, because OpenCode could not read them: 1 session (`ses_old`)." in output


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

    assert (
        "Nothing found for 'mutex' in the messages that touch `src/app.py`. None of these holds `mutex`. Searched all 2"
        in elsewhere
    )
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

    assert "for 'zebra mutex' in the messages that touch `src/app.py`" in output
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

    assert "[ses_old · " in found
    assert "Searched the messages that touch `src/app.py` of 1 session for 'mutex auth'." in nothing
    assert "Nothing found." in nothing
    assert 'without the file: `read_session(session_id="all", query="mutex auth")`' in nothing
    assert "`file` only works with it." in listed


async def test_one_thing_is_told_as_one(opencode: FakeOpenCode, read: Read) -> None:
    one = assistant_message(1, "zebra", tool_part("edit", input={"filePath": "/p/a.ts"}))
    opencode.messages["ses_old"] = [one]

    assert "Its only message." in (await read()).output
    assert "passages are shown for 'zebra'" in (found := (await read(query="zebra")).output)
    assert "Searched its only message, 20" in found
    assert "1 of 1 message, in order" in (await read(file="a.ts")).output
    assert "1 is listed." in (await read(session_id="all")).output
    assert "contents of 1 session for 'zebra'" in (await read(session_id="all", query="zebra")).output
    opencode.messages["ses_old"] = [one, user_message(2, "x")]
    assert "The newest message; older ones:" in (await read(limit=1)).output
    assert "Its first message, up to `msg_0001`." in (await read(before="msg_0001")).output


async def test_a_search_of_all_sessions_finds_what_there_is_in_little_room_too(
    opencode: FakeOpenCode, read: Read
) -> None:
    for number in range(30):
        opencode.add_session(f"ses_{number:02}", title=f"About part {number}")
        opencode.messages[f"ses_{number:02}"] = [user_message(1, f"we gave quartz{number} the port {4_000 + number}")]

    output = (await read(session_id="all", query="which port for quartz7", budget=500)).output

    assert "we gave quartz7 the port 4007" in output
    assert TOKENIZER.count(output) <= 500

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.reading.history import PAGE_MESSAGES, Histories, History
from handoff_sidecar.search.query import parse_query

OLD = SessionID("ses_old")


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session(OLD)
    fake.messages[OLD] = [user_message(n, f"message {n}.") for n in range(1_000)]
    return fake


def pages_fetched(opencode: FakeOpenCode) -> int:
    return sum(path.endswith("/message") for _, path, _ in opencode.requests) - 1  # the look at the newest one


def found(history: History, query: str) -> list[str]:
    scan = history.scan(parse_query(query))
    records = history.records([candidate.index for candidate in scan.candidates])
    return [record.id for record in records.values()]


async def test_a_whole_history_is_searched(opencode: FakeOpenCode) -> None:
    history = await Histories().history(OLD, opencode.client())

    assert len(history) == 1_000
    assert history.complete
    assert found(history, '"message 7"')[0] == "msg_0007"
    assert found(history, '"message 999"') == ["msg_0999"]


async def test_the_second_search_fetches_nothing_but_the_newest_message(opencode: FakeOpenCode) -> None:
    histories = Histories()
    await histories.history(OLD, opencode.client())
    opencode.requests.clear()

    await histories.history(OLD, opencode.client())

    assert pages_fetched(opencode) == 0


async def test_of_a_session_that_grew_only_the_new_part_is_fetched(opencode: FakeOpenCode) -> None:
    histories = Histories()
    await histories.history(OLD, opencode.client())
    opencode.messages[OLD] += [user_message(n, f"message {n}.") for n in range(1_000, 1_010)]
    opencode.requests.clear()

    history = await histories.history(OLD, opencode.client())

    assert len(history) == 1_010
    assert pages_fetched(opencode) <= 3
    assert [found(history, f'"message {n}."')[-1] for n in (3, 749, 750, 999, 1_009)] == [
        "msg_0003",
        "msg_0749",
        "msg_0750",
        "msg_0999",
        "msg_1009",
    ]


async def test_a_message_that_was_still_being_written_is_read_again(opencode: FakeOpenCode) -> None:
    histories = Histories()
    opencode.messages[OLD].append(assistant_message(1_000, "I am about to"))
    await histories.history(OLD, opencode.client())
    opencode.messages[OLD][-1] = assistant_message(1_000, "I am about to say zebra", tool_part("bash"))

    assert found(await histories.history(OLD, opencode.client()), "zebra") == ["msg_1000"]


async def test_messages_that_were_taken_back_are_gone(opencode: FakeOpenCode) -> None:
    histories = Histories()
    await histories.history(OLD, opencode.client())
    del opencode.messages[OLD][400:]

    history = await histories.history(OLD, opencode.client())

    assert len(history) == 400
    assert found(history, '"message 700"') == []


async def test_of_a_history_over_the_bound_the_newest_part_is_kept(opencode: FakeOpenCode) -> None:
    history = await Histories(kept_bytes=5_000).history(OLD, opencode.client())

    assert not history.complete
    assert 0 < len(history) < 1_000
    assert history.size_bytes <= 5_000
    assert found(history, '"message 999"') == ["msg_0999"]


async def test_the_histories_that_were_not_searched_for_longest_are_dropped(opencode: FakeOpenCode) -> None:
    histories = Histories(kept_bytes=12_000)
    for name in ("ses_a", "ses_b", "ses_c"):
        opencode.messages[opencode.add_session(name)] = opencode.messages[OLD][:600]
        await histories.history(SessionID(name), opencode.client())
    opencode.requests.clear()

    await histories.history(SessionID("ses_c"), opencode.client())
    assert pages_fetched(opencode) == 0
    await histories.history(SessionID("ses_a"), opencode.client())
    assert pages_fetched(opencode) > 1


async def test_two_searches_at_once_fetch_one_history(opencode: FakeOpenCode) -> None:
    histories = Histories()

    await asyncio.gather(*(histories.history(OLD, opencode.client()) for _ in range(4)))

    assert pages_fetched(opencode) == 1_000 // PAGE_MESSAGES + 3


async def test_other_calls_go_on_while_a_history_is_read(opencode: FakeOpenCode) -> None:
    opencode.messages[OLD] = [user_message(n, f"message {n} " + "lorem ipsum " * 300) for n in range(2_000)]
    turns = 0

    async def work() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(work())
    history = await Histories().history(OLD, opencode.client())
    await asyncio.to_thread(history.scan, parse_query("lorem"))
    other.cancel()

    assert turns > 2_000 // PAGE_MESSAGES


async def test_every_kind_of_text_comes_back_as_it_was(opencode: FakeOpenCode) -> None:
    evil: dict[str, Any] = {"co\x1emmand": "a\x1fb\x1dc", "n": [1, {"x": None}]}
    opencode.messages[OLD] = [assistant_message(1, "naïve 🎉\x1e\x1f", tool_part("bash", title="t\x1e", input=evil))]

    history = await Histories().history(OLD, opencode.client())

    (record,) = history.records([0]).values()
    assert [entry.taken for entry in record.entries] == ["naïve 🎉", 'command: abc\nn: [1, {"x": null}]']


@pytest.mark.parametrize("first", [0, 1, 49, 50, 51, 500, 999])
async def test_what_was_undone_is_left_out_wherever_it_begins_and_kept_for_a_redo(
    opencode: FakeOpenCode, first: int
) -> None:
    histories = Histories()
    for revert in ({"messageID": f"msg_{first:04}"}, None):
        opencode.sessions[OLD]["revert"] = revert
        session = await opencode.client().session(OLD)

        history, undone = await histories.standing(session, opencode.client())

        assert (len(history), undone) == ((first, 1_000 - first) if revert else (1_000, 0))
        assert found(history, "message") == [f"msg_{n:04}" for n in range(len(history))]
        assert history.complete
    assert pages_fetched(opencode) <= 1_000 // PAGE_MESSAGES + 4

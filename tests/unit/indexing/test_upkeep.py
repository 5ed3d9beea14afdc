from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_opencode import FakeOpenCode, assistant_message, user_message

from handoff_sidecar.indexing import background, pace, upkeep
from handoff_sidecar.indexing.indexes import Indexes, ProjectIndex
from handoff_sidecar.indexing.reach import Reach
from handoff_sidecar.indexing.upkeep import Upkeep
from handoff_sidecar.opencode.models import MessageID, Session, SessionID
from handoff_sidecar.search import coverage
from handoff_sidecar.search.index_file import VERSION, index_path
from handoff_sidecar.search.store import Store

DONE = {"time": {"created": 1_780_000_000_000, "completed": 1_780_000_001_000}, "finish": "stop"}


def turn(number: int, asked: str, answered: str, **info: Any) -> list[dict[str, Any]]:
    """A turn that ended long ago."""
    ended = {"created": 1_780_000_000_000 + number * 60_000, "completed": 1_780_000_000_000 + number * 60_000 + 1}
    return [
        user_message(number, asked),
        assistant_message(number + 1, answered, **{"time": ended, "finish": "stop", **info}),
    ]


class Desk:
    """Upkeep of one project in a fake OpenCode, and what a test asks of it."""

    def __init__(self, opencode: FakeOpenCode, folder: Path) -> None:
        self.opencode = opencode
        self.folder = folder
        self.indexes = Indexes(folder)
        self.upkeep = Upkeep(self.indexes)

    def session(self, session_id: str) -> Session:
        return Session.model_validate(self.opencode.sessions[session_id])

    def project(self, session_id: str = "ses_old") -> ProjectIndex:
        return self.indexes.of(self.session(session_id), is_kept=True)

    async def one(self, session_id: str = "ses_old") -> bool:
        return await self.upkeep.one(self.session(session_id), self.opencode.client(), self.project())

    async def all_of(self) -> Reach:
        return await self.upkeep.all_of(self.session("ses_old"), self.opencode.client(), self.project())

    def ids(self, session_id: str = "ses_old") -> list[str]:
        def read(db: sqlite3.Connection) -> list[str]:
            store = Store(db)
            rows = store.rows_of(session_id)
            return [] if rows is None else [record.id for _, record in store.records(rows)]

        return self.project().index.read(read)

    def found(self, word: str) -> int:
        return self.project().index.read(lambda db: len(Store(db).holding(word, Store(db).all_rows())))

    def pages(self) -> int:
        return sum(path.endswith("/message") for _, path, _ in self.opencode.requests)


@pytest.fixture
def opencode() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session("ses_old")
    fake.messages["ses_old"] = [each for number in range(1, 21, 2) for each in turn(number, f"ask{number}", "done")]
    return fake


@pytest.fixture
async def desk(opencode: FakeOpenCode, tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(opencode, tmp_path)
    yield desk
    await desk.upkeep.aclose()


@pytest.fixture(autouse=True)
def _no_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "rest_s", lambda *_, **__: 0.0)
    monkeypatch.setattr(upkeep, "OPENED_DELAY_S", 0.0)


async def test_a_session_is_read_once_and_then_only_what_is_new(desk: Desk, opencode: FakeOpenCode) -> None:
    assert await desk.one()
    assert desk.ids() == [f"msg_{number:04}" for number in range(1, 21)]
    opencode.messages["ses_old"] += turn(21, "ask21", "done")
    opencode.requests.clear()
    assert await desk.one()
    assert desk.ids() == [f"msg_{number:04}" for number in range(1, 23)]
    assert desk.pages() == 1


async def test_what_the_person_said_is_known_once_the_session_was_read(
    desk: Desk, opencode: FakeOpenCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = desk.session("ses_old")
    assert await desk.upkeep.said_in(here) == []
    await desk.one()
    asked = len(opencode.requests)
    assert await desk.upkeep.said_in(here) == [(f"msg_{number:04}", f"ask{number}") for number in range(1, 21, 2)]
    monkeypatch.setattr(upkeep, "WORDS_MAX_CHARACTERS", 9)
    assert await desk.upkeep.said_in(here) == [("msg_0001", "ask1"), ("msg_0003", "ask3")]
    assert len(opencode.requests) == asked


async def test_the_newest_messages_come_first_and_it_goes_on_where_it_was_left_off(
    desk: Desk, opencode: FakeOpenCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace.PageSize, "took", lambda *_: None)
    desk.project().sync.size.messages = 4
    steps = desk.project().sync.steps(desk.session("ses_old"), opencode.client(), "me")
    assert [await anext(steps), await anext(steps)] == [False, False]
    await steps.aclose()
    assert desk.ids() == [f"msg_{number:04}" for number in range(13, 21)]
    opencode.messages["ses_old"] += turn(21, "ask21", "done")
    assert await desk.one()
    assert desk.ids() == [f"msg_{number:04}" for number in range(1, 23)]


async def test_a_message_that_was_not_complete_is_read_again(desk: Desk, opencode: FakeOpenCode) -> None:
    now = desk_now()
    running = assistant_message(22, "half a sent", time={"created": now})
    opencode.messages["ses_old"] += [user_message(21, "go on", time={"created": now - 1}), running]
    await desk.one()
    assert desk.found("half") == 1
    running["info"] |= {"time": {"created": now, "completed": now + 1}, "finish": "stop"}
    running["parts"][0]["text"] = "whole sentences"
    await desk.one()
    assert (desk.found("half"), desk.found("whole")) == (0, 1)
    assert desk.ids()[-2:] == ["msg_0021", "msg_0022"]


async def test_what_was_undone_leaves_with_the_prompt_that_removes_it(desk: Desk, opencode: FakeOpenCode) -> None:
    await desk.one()
    opencode.sessions["ses_old"]["revert"] = {"messageID": "msg_0019"}
    await desk.one()
    assert desk.found("ask19") == 1  # `/redo` may bring it back
    del opencode.sessions["ses_old"]["revert"]
    opencode.messages["ses_old"][18:] = turn(30, "another way", "done")
    await desk.one()
    assert desk.found("ask19") == 0
    assert desk.ids()[-3:] == ["msg_0018", "msg_0030", "msg_0031"]


async def test_a_session_whose_history_is_another_one_is_read_anew(desk: Desk, opencode: FakeOpenCode) -> None:
    await desk.one()
    opencode.messages["ses_old"] = turn(50, "all new", "done")
    await desk.one()
    assert desk.ids() == ["msg_0050", "msg_0051"]


async def test_secrets_of_known_forms_are_not_stored(desk: Desk, opencode: FakeOpenCode) -> None:
    opencode.messages["ses_old"] = turn(1, "use ghp_" + "a1B2" * 9, "ok")
    await desk.one()
    desk.project().index.truncate_log()
    assert desk.found("redacted") == 1
    assert not any(b"a1b2a1b2" in each.read_bytes().lower() for each in (desk.folder / "index").iterdir())


async def test_all_sessions_of_the_project_are_read_and_no_others(desk: Desk, opencode: FakeOpenCode) -> None:
    for number in range(5):
        opencode.add_session(f"ses_{number}")
        opencode.messages[f"ses_{number}"] = turn(1, f"word{number}", "done")
    opencode.add_session("ses_alien", projectID="prj_2")
    opencode.messages["ses_alien"] = turn(1, "alien", "done")
    reach = await desk.all_of()
    assert (len(reach.listed), reach.missing, reach.partial) == (6, frozenset(), frozenset())
    assert [desk.found(f"word{number}") for number in range(5)] == [1] * 5
    assert desk.found("alien") == 0
    opencode.requests.clear()
    await desk.all_of()
    assert desk.pages() == 0  # nothing has changed: the list says so


async def test_what_is_not_read_in_time_is_told_and_read_in_the_background(
    desk: Desk, opencode: FakeOpenCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        opencode.add_session(f"ses_{number:02}")
        opencode.messages[f"ses_{number:02}"] = turn(1, f"word{number}", "done")
    monkeypatch.setattr(upkeep, "WAIT_FOR_ALL_S", 0.0)
    reach = await desk.all_of()
    assert len(reach.missing) == 31
    await desk.upkeep.done()
    assert desk.found("done") == 40
    assert (await desk.all_of()).missing == frozenset()


async def test_a_session_is_asked_for_again_as_long_as_its_turn_may_go_on(desk: Desk, opencode: FakeOpenCode) -> None:
    opencode.messages["ses_old"][-1]["info"]["finish"] = "tool-calls"
    await desk.all_of()
    opencode.messages["ses_old"].append(assistant_message(40, "the last step", **DONE))
    await desk.all_of()  # `time.updated` has not changed
    assert desk.found("last") == 1
    opencode.requests.clear()
    await desk.all_of()
    assert desk.pages() == 0


async def test_a_deleted_session_leaves_the_file(desk: Desk, opencode: FakeOpenCode) -> None:
    opencode.add_session("ses_gone")
    opencode.messages["ses_gone"] = turn(1, "zyzzyvax and qwertzuiop", "done")
    await desk.all_of()
    gone = desk.session("ses_gone")
    del opencode.sessions["ses_gone"]
    await desk.upkeep.deleted(gone, opencode.client())
    await desk.upkeep.done()
    assert not bytes_with(desk.folder, b"yzzyvax", b"ertzuiop")
    assert desk.found("ask1") == 1


async def test_a_deleted_message_leaves_the_file_and_what_came_after_it_stays(
    desk: Desk, opencode: FakeOpenCode
) -> None:
    opencode.messages["ses_old"] = [*turn(1, "first", "done"), *turn(3, "zyzzyvax", "done"), *turn(5, "third", "done")]
    await desk.all_of()
    gone = opencode.messages["ses_old"].pop(2)["info"]["id"]
    await desk.upkeep.message_removed(SessionID("ses_old"), MessageID(gone), opencode.client())
    await desk.upkeep.done()
    assert not bytes_with(desk.folder, b"yzzyvax")
    assert [desk.found(word) for word in ("first", "third", "zyzzyvax")] == [1, 1, 0]
    assert await desk.one()


async def test_an_event_about_a_message_that_was_never_read_changes_nothing(desk: Desk, opencode: FakeOpenCode) -> None:
    await desk.all_of()
    await desk.upkeep.message_removed(SessionID("ses_old"), MessageID("msg_other"), opencode.client())
    assert desk.found("ask1") == 1


async def test_a_message_that_holds_opencode_up_is_counted(
    desk: Desk, opencode: FakeOpenCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "HELD_UP_MAX_MS", -1.0)
    opencode.messages["ses_old"] = turn(1, "first", "done")[:1]
    project = desk.project()
    project.sync.size.messages = 1
    async for _ in project.sync.steps(desk.session("ses_old"), opencode.client(), "me"):
        pass
    assert project.index.read(coverage.slow_messages) == 1


async def test_what_was_deleted_while_nobody_looked_goes_at_the_next_start(
    desk: Desk, opencode: FakeOpenCode, tmp_path: Path
) -> None:
    opencode.add_session("ses_gone")
    opencode.messages["ses_gone"] = turn(1, "zyzzyvax", "done")
    await desk.all_of()
    await desk.upkeep.aclose()
    del opencode.sessions["ses_gone"]
    later = Desk(opencode, tmp_path)
    await later.upkeep.opened(opencode.client())
    await later.upkeep.done()
    assert later.found("zyzzyvax") == 0
    assert not bytes_with(tmp_path, b"yzzyvax")
    await later.upkeep.aclose()


async def test_what_was_undone_and_gone_on_with_while_nobody_looked_goes_at_the_next_start(
    desk: Desk, opencode: FakeOpenCode, tmp_path: Path
) -> None:
    opencode.messages["ses_old"] = [*turn(1, "first", "done"), *turn(3, "zyzzyvax", "done")]
    await desk.all_of()
    await desk.upkeep.aclose()
    opencode.messages["ses_old"][2:] = turn(5, "something else", "done")
    opencode.sessions["ses_old"]["time"]["updated"] += 1
    later = Desk(opencode, tmp_path)
    await later.upkeep.opened(opencode.client())
    await later.upkeep.done()
    assert [later.found(word) for word in ("first", "something", "zyzzyvax")] == [1, 1, 0]
    assert not bytes_with(tmp_path, b"yzzyvax")
    await later.upkeep.aclose()


async def test_a_project_that_is_opened_while_its_sessions_are_read_keeps_those_that_wait(
    desk: Desk, opencode: FakeOpenCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "WAIT_FOR_ALL_S", 0.0)
    for number in range(3):
        opencode.add_session(f"ses_{number}")
        opencode.messages[f"ses_{number}"] = turn(1, f"asked{number}", "done")
    await desk.all_of()
    await desk.upkeep.opened(opencode.client())
    await desk.upkeep.done()
    assert [desk.found(f"asked{number}") for number in range(3)] == [1, 1, 1]


async def test_opening_a_project_without_an_index_makes_none(desk: Desk, opencode: FakeOpenCode) -> None:
    await desk.upkeep.opened(opencode.client())
    assert not (desk.folder / "index").exists()


async def test_the_oldest_sessions_are_left_out_of_an_index_that_is_full(
    desk: Desk, opencode: FakeOpenCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "WAIT_FOR_ALL_S", 0.0)
    for number in range(12):
        opencode.add_session(f"ses_{number:02}", time={"created": 10 + number, "updated": 10 + number})
        texts = [f"{number} {each * number % 977} {each}" for each in range(4_000)]
        opencode.messages[f"ses_{number:02}"] = turn(1, " ".join(texts), "done")
    desk.upkeep = Upkeep(desk.indexes, most_bytes=400_000)
    await desk.all_of()
    await desk.upkeep.done()
    assert len(asked_coverage(desk)) == 13
    monkeypatch.setattr(upkeep, "WAIT_FOR_ALL_S", 5.0)
    reach = await desk.all_of()
    assert reach.missing == frozenset()
    assert 1 <= len(reach.left_out) <= 11
    assert SessionID("ses_11") not in reach.left_out
    kept = {session.id for session in reach.listed} - reach.left_out
    assert min(kept - {"ses_old"}) > max(reach.left_out - {"ses_old"})
    opencode.requests.clear()
    await desk.all_of()
    assert desk.pages() == 0  # what was left out is not read again and again


async def test_a_session_that_another_sidecar_reads_is_left_to_it(desk: Desk, opencode: FakeOpenCode) -> None:
    now_ms = desk_now()
    desk.project().index.write(lambda db: coverage.lease(db, "ses_old", "another", now_ms))
    opencode.add_session("ses_mine")
    opencode.messages["ses_mine"] = turn(1, "mine", "done")
    desk.upkeep.later(SessionID("ses_old"), opencode.client(), desk.project())
    desk.upkeep.later(SessionID("ses_mine"), opencode.client(), desk.project())
    await desk.upkeep.done()
    assert desk.found("mine") == 1
    assert desk.found("ask1") == 0


async def test_a_session_that_can_not_be_read_is_told_and_the_others_are_read(
    desk: Desk, opencode: FakeOpenCode
) -> None:
    opencode.add_session("ses_bad")
    opencode.add_session("ses_good")
    opencode.messages["ses_good"] = turn(1, "good", "done")

    async def refuse(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500, text="broken") if "ses_bad/message" in request.url.path else None

    opencode.intercept = refuse
    reach = await desk.all_of()
    assert reach.failed == frozenset({"ses_bad"})
    assert desk.found("good") == 1


async def test_rebuilding_reads_every_session_anew(desk: Desk, opencode: FakeOpenCode) -> None:
    await desk.all_of()
    opencode.messages["ses_old"][0]["parts"][0]["text"] = "said in another way"  # which no event has told
    listed = [desk.session("ses_old")]
    rebuilt = [each.id async for each in desk.upkeep.rebuild(listed, opencode.client(), desk.project())]
    assert rebuilt == ["ses_old"]
    assert (desk.found("ask1"), desk.found("another")) == (0, 1)


async def test_folders_without_a_repository_have_indexes_of_their_own(desk: Desk, opencode: FakeOpenCode) -> None:
    opencode.add_session("ses_one", projectID="global", directory="/tmp/one")
    opencode.add_session("ses_two", projectID="global", directory="/tmp/two")
    assert desk.project("ses_one") is not desk.project("ses_two")
    assert desk.project("ses_one") is desk.project("ses_one")


async def test_the_file_of_the_version_before_an_update_is_removed(desk: Desk) -> None:
    path = index_path(desk.folder / "index", "prj_1")
    older = path.with_name(path.name.replace(f".v{VERSION}.", f".v{VERSION - 1}."))
    older.parent.mkdir(parents=True)
    older.write_text("of the version before")
    assert await desk.one()
    assert (older.exists(), path.exists()) == (False, True)


def test_pages_get_smaller_where_opencode_is_held_up_and_larger_where_it_is_not() -> None:
    size = pace.PageSize()
    size.took(31, 30)
    assert size.messages == 15
    for _ in range(20):
        size.took(2, size.messages)
    assert size.messages == pace.MOST_MESSAGES
    told = [size.took(500, size.messages) for _ in range(20)]
    assert (size.messages, told[0], told[-1]) == (1, False, True)


def test_where_the_smallest_request_takes_long_pages_stay_as_large_as_they_were() -> None:
    size = pace.PageSize(way_ms=80.0)
    for _ in range(20):
        size.took(90, size.messages)
    assert size.messages == pace.MOST_MESSAGES
    size.took(130, size.messages)
    assert size.messages == pace.MOST_MESSAGES // 2


def test_beside_a_turn_it_takes_less_than_a_tenth_of_a_core() -> None:
    for worked_s in (0.005, 0.05, 0.4):
        assert worked_s / (worked_s + pace.rest_s(worked_s, beside_turns=True)) < 0.1


def desk_now() -> int:
    return int(time.time() * 1_000)


def asked_coverage(desk: Desk) -> dict[str, coverage.Coverage]:
    return desk.project().index.read(coverage.all_coverage)


def bytes_with(folder: Path, *needles: bytes) -> bool:
    held = b"".join(path.read_bytes() for path in (folder / "index").iterdir())
    return any(needle in held for needle in needles)

"""Which session is read: the previous one, an ancestor, another by its id, and which are not."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from fake_opencode import FakeOpenCode, user_message
from unit.reading.conftest import Read

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.errors import ToolFailed
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.models import SessionID


async def test_the_previous_session_is_read_and_not_ones_own(read: Read) -> None:
    result = await read()

    assert result.metadata["sessionID"] == "ses_old"
    assert "use port 4821" in result.output
    assert "- bash 'run the tests': completed" in result.output
    assert "All of its 2 messages." in result.output


async def test_the_previous_session_is_found_by_the_link_in_the_first_message(
    opencode: FakeOpenCode, read: Read
) -> None:
    opencode.sessions["ses_here"]["metadata"] = {}
    opencode.messages["ses_here"] = [user_message(1, "## Session Handoff\n\nx\n\n---\nPrevious: `ses_old` · Use …")]

    assert (await read()).metadata["sessionID"] == "ses_old"


async def test_the_previous_session_is_found_in_the_journal(
    opencode: FakeOpenCode, read: Read, journal: Journal
) -> None:
    opencode.sessions["ses_here"]["metadata"] = {}
    now = datetime.now(UTC).isoformat()
    under_way = journal.begin(Handoff(from_session=SessionID("ses_old"), directory="/p", created=now))
    under_way.finish("ses_here")

    assert (await read()).metadata["sessionID"] == "ses_old"


async def test_a_session_that_was_not_handed_off_has_no_previous_one(opencode: FakeOpenCode, read: Read) -> None:
    opencode.sessions["ses_here"]["metadata"] = {}

    with pytest.raises(
        ToolFailed, match=r"no previous session.*Recent sessions: `ses_old` \(Auth flow, \d+ days ago\)"
    ):
        await read()


async def test_another_session_of_the_project_is_read_by_its_id(opencode: FakeOpenCode, read: Read) -> None:
    opencode.add_session("ses_other", title="Docs")
    opencode.messages["ses_other"] = [user_message(1, "write the docs")]

    assert "write the docs" in (await read(session_id="ses_other")).output


@pytest.mark.parametrize("elsewhere", [{"projectID": "prj_2"}, {"projectID": "global", "directory": "/elsewhere"}])
async def test_a_session_of_another_project_is_not_read(
    opencode: FakeOpenCode, read: Read, elsewhere: dict[str, str]
) -> None:
    opencode.sessions["ses_here"]["projectID"] = elsewhere["projectID"].replace("prj_2", "prj_1")
    opencode.add_session("ses_other", **elsewhere)

    with pytest.raises(ToolFailed, match="belongs to another project"):
        await read(session_id="ses_other")


@pytest.mark.parametrize("session_id", ["ses_unknown", "../../etc", "msg_1", "ses_/../x"])
async def test_an_id_that_leads_nowhere_is_answered_with_those_that_do(read: Read, session_id: str) -> None:
    with pytest.raises(ToolFailed, match=r"read_session: .*Recent sessions: `ses_old`"):
        await read(session_id=session_id)


async def test_an_ancestor_is_read_by_its_distance(opencode: FakeOpenCode, read: Read) -> None:
    opencode.add_session("ses_first", title="The first")
    opencode.sessions["ses_old"]["metadata"] = {"handoff": {"from": "ses_first"}}

    assert (await read(session_id="previous")).metadata["sessionID"] == "ses_old"
    assert (await read(session_id="previous:2")).metadata["sessionID"] == "ses_first"
    with pytest.raises(ToolFailed, match=r"`ses_first` was not handed off.*Handed off from: `ses_old`.* ← `ses_first`"):
        await read(session_id="previous:3")


async def test_the_link_of_a_long_session_is_found_too(opencode: FakeOpenCode, read: Read) -> None:
    opencode.sessions["ses_here"] |= {"metadata": {}, "time": {"created": 1_780_000_000_000}}
    first = user_message(0, "## Session Handoff\n\nx\n\n---\nPrevious: `ses_old` · Use …")
    opencode.messages["ses_here"] = [first, *(user_message(n, "more") for n in range(2, 500))]

    assert (await read()).metadata["sessionID"] == "ses_old"


async def test_a_previous_session_that_was_deleted_is_named(opencode: FakeOpenCode, read: Read) -> None:
    del opencode.sessions["ses_old"]

    with pytest.raises(ToolFailed, match=r"`ses_old` is gone.*Handed off from: `ses_old` \(deleted\)"):
        await read()


async def test_a_session_that_is_deleted_while_it_is_read_is_a_clear_error(opencode: FakeOpenCode, read: Read) -> None:
    async def delete(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/session/ses_old/message":
            opencode.sessions.pop("ses_old", None)
        return None

    opencode.intercept = delete

    for arguments in ({}, {"query": "port"}, {"file": "a.ts"}):
        opencode.sessions.setdefault("ses_old", {"id": "ses_old", "projectID": "prj_1"})
        with pytest.raises(ToolFailed, match="was deleted while it was being read"):
            await read(**arguments)


async def test_another_projects_session_is_read_if_the_person_allows_it(opencode: FakeOpenCode, read: Read) -> None:
    opencode.add_session("ses_other", projectID="prj_2")
    opencode.messages["ses_other"] = [user_message(1, "elsewhere")]

    assert "elsewhere" in (await read(session_id="ses_other", settings={"allow_other_projects": True})).output


async def test_without_a_query_the_projects_sessions_are_listed(read: Read) -> None:
    output = (await read(session_id="all")).output

    assert "[ses_old · 'Auth flow'" in output
    assert "Give a `query` to search them." in output

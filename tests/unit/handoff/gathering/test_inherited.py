from __future__ import annotations

import httpx
import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message

from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.handoff.gathering.gather import GATHERED_MESSAGES, gather
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.session.facts import Facts
from handoff_sidecar.settings import Settings

ROOT = "/home/ada/dashboard"


@pytest.fixture
def opencode() -> FakeOpenCode:
    """`ses_1` did the work; `ses_2` and `ses_3` were handed off from one to the next, and hold the prompt alone."""
    fake = FakeOpenCode()
    fake.add_session("ses_1")
    edit = tool_part("edit", input={"filePath": f"{ROOT}/src/auth.ts"})
    read = tool_part("read", input={"filePath": f"{ROOT}/README.md"})
    fake.messages["ses_1"] = [user_message(1, "fix it"), assistant_message(2, "Fixed.", edit, read)]
    fake.todos["ses_1"] = [
        {"content": "Fix the login", "status": "completed"},
        {"content": "Add, and test, the logout", "status": "pending"},
    ]
    for name, chain in (("ses_2", ["ses_1"]), ("ses_3", ["ses_1", "ses_2"])):
        fake.add_session(name, metadata={"handoff": {"from": chain[-1], "chain": chain}})
        fake.messages[name] = [user_message(1, "## Session Handoff\n\nx")]
    return fake


async def facts(opencode: FakeOpenCode, name: str = "ses_3") -> Facts:
    place = ToolContext(session_id=SessionID(name), directory=ROOT)
    return (await gather(Scene(place, opencode.client(), Settings(), "tui"))).facts


def todos(found: Facts) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    return found.todos_done, found.todos_in_progress, found.todos_pending


async def test_a_session_with_nothing_of_its_own_has_what_the_nearest_one_before_it_has(opencode: FakeOpenCode) -> None:
    found = await facts(opencode)

    assert todos(found) == (1, (), ("Add, and test, the logout",))
    assert found.files.edited == ("src/auth.ts",)
    assert found.files.read == ("README.md",)


async def test_a_list_of_its_own_is_what_counts_even_if_it_is_done(opencode: FakeOpenCode) -> None:
    opencode.todos["ses_2"] = [{"content": "Fix the login", "status": "cancelled"}]

    assert todos(await facts(opencode)) == (0, (), ())
    assert todos(await facts(opencode, "ses_2")) == (0, (), ())


async def test_files_of_its_own_are_what_counts(opencode: FakeOpenCode) -> None:
    edit = tool_part("edit", input={"filePath": f"{ROOT}/README.md"})
    opencode.messages["ses_3"].append(assistant_message(2, "Done.", edit))

    found = await facts(opencode)

    assert (found.files.edited, found.files.read) == (("README.md",), ())
    assert found.todos_pending == ("Add, and test, the logout",)


async def test_a_session_with_both_costs_no_further_call(opencode: FakeOpenCode) -> None:
    await facts(opencode, "ses_1")

    assert {path.split("/")[2] for _, path, _ in opencode.requests} == {"ses_1", "status"}


async def test_a_session_that_has_worked_for_long_has_finished_what_it_was_handed(opencode: FakeOpenCode) -> None:
    opencode.messages["ses_3"] += [assistant_message(number, "Hm.") for number in range(2, GATHERED_MESSAGES + 2)]

    assert todos(await facts(opencode)) == (0, (), ())


@pytest.mark.parametrize("how", ["it was deleted", "another project's", "it can't be read"])
async def test_what_can_t_be_had_is_no_reason_to_fail(opencode: FakeOpenCode, how: str) -> None:
    if how == "it was deleted":
        del opencode.sessions["ses_2"]
    elif how == "another project's":
        opencode.sessions["ses_2"]["projectID"] = "prj_2"
    else:

        async def fail(request: httpx.Request) -> httpx.Response | None:
            return httpx.Response(500) if request.url.path == "/session/ses_2/todo" else None

        opencode.intercept = fail

    assert todos(await facts(opencode)) == (0, (), ())


async def test_what_was_undone_in_a_session_before_is_not_inherited(opencode: FakeOpenCode) -> None:
    edit = tool_part("edit", input={"filePath": f"{ROOT}/src/cobol.cob"})
    opencode.messages["ses_1"] += [user_message(3, "in COBOL"), assistant_message(4, "Done.", edit)]
    assert (await facts(opencode)).files.edited == ("src/cobol.cob", "src/auth.ts")

    opencode.sessions["ses_1"]["revert"] = {"messageID": "msg_0003"}

    assert (await facts(opencode)).files.edited == ("src/auth.ts",)

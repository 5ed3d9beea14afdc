"""What the person has undone, and OpenCode keeps for a `/redo`: it is left out of what is read, and that is said."""

from __future__ import annotations

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message
from unit.reading.conftest import Read

from handoff_sidecar.errors import ToolFailed


@pytest.fixture
def undone(opencode: FakeOpenCode) -> FakeOpenCode:
    """The newest turn of the session before was undone, and may be done again."""
    cobol = tool_part("write", input={"filePath": "/home/ada/dashboard/src/auth.ts", "content": "COBOL"})
    opencode.messages["ses_old"] = [
        *(user_message(n, f"step {n} of src/auth.ts") for n in range(1, 30)),
        user_message(30, "Rewrite src/auth.ts in COBOL"),
        assistant_message(31, "All is COBOL, step by step.", cobol),
    ]
    opencode.sessions["ses_old"]["revert"] = {"messageID": "msg_0030"}
    return opencode


LEFT_OUT = "2 messages were undone by the user and are left out."


@pytest.mark.usefixtures("undone")
@pytest.mark.parametrize("before", [None, "msg_0031", "msg_0030"])
async def test_undone_messages_are_left_out_and_that_is_said(read: Read, before: str | None) -> None:
    output = (await read(limit=5, before=before)).output

    assert "COBOL" not in output
    assert f'`read_session(session_id="ses_old", before="msg_0024", limit=5)`. {LEFT_OUT}' in output
    assert output.index("step 25") < output.index("step 29")
    older = (await read(limit=5, before="msg_0024")).output
    assert "step 24" in older
    assert "undone" not in older


async def test_undone_messages_are_found_by_no_search_and_by_no_file(undone: FakeOpenCode, read: Read) -> None:
    for arguments in ({"query": "COBOL"}, {"file": "src/auth.ts"}, {"query": "COBOL", "before": "msg_0031"}):
        output = (await read(**arguments)).output
        assert "Rewrite" not in output
        assert "All is COBOL" not in output
        assert LEFT_OUT in output
    assert "Searched all 29 messages" in (await read(query="step")).output

    undone.sessions["ses_old"]["revert"] = None  # `/redo`
    assert "All is COBOL" in (await read(query="COBOL")).output
    assert "content: COBOL" in (await read(file="src/auth.ts")).output
    assert "undone" not in (await read()).output

    undone.sessions["ses_old"]["revert"] = {"messageID": "msg_0030"}
    assert "All is COBOL" not in (await read(query="COBOL")).output


async def test_where_more_was_undone_than_is_asked_for_the_messages_before_it_are_read(
    undone: FakeOpenCode, read: Read
) -> None:
    undone.sessions["ses_old"]["revert"] = {"messageID": "msg_0005"}

    output = (await read(limit=3)).output

    assert "step 4 " in output
    assert "step 5 " not in output
    assert 'before="msg_0001", limit=3)`. At least 4 messages were undone by the user and are left out.' in output
    assert "Searched all 4 messages" in (await read(query="step")).output


async def test_a_session_of_which_all_was_undone_has_nothing_to_show(undone: FakeOpenCode, read: Read) -> None:
    undone.sessions["ses_old"]["revert"] = {"messageID": "msg_0001"}

    assert "It has no messages. 31 messages were undone" in (await read(limit=50)).output
    assert "Nothing found" in (await read(query="COBOL")).output


async def test_of_a_message_that_was_undone_in_part_the_rest_is_shown(undone: FakeOpenCode, read: Read) -> None:
    undone.messages["ses_old"][-1]["parts"].append({"id": "prt_last", "type": "text", "text": "And now in Fortran."})
    undone.sessions["ses_old"]["revert"] = {"messageID": "msg_0031", "partID": "prt_last"}

    for arguments in ({}, {"query": "COBOL"}, {"before": "msg_0031"}):
        output = (await read(**arguments)).output
        assert "All is COBOL" in output
        assert "Fortran" not in output
    assert "1 message was undone by the user and is left out (in part)." in (await read()).output


@pytest.mark.usefixtures("undone")
async def test_a_place_that_is_in_no_session_is_refused_after_an_undo_too(read: Read) -> None:
    with pytest.raises(ToolFailed, match="must be the id of a message in session `ses_old`"):
        await read(before="msg_9999")


async def test_undone_messages_are_found_in_no_search_of_all_sessions(undone: FakeOpenCode, read: Read) -> None:
    for arguments in ({}, {"file": "src/auth.ts:7"}):
        assert "Nothing found" in (await read(session_id="all", query="COBOL", **arguments)).output

    undone.sessions["ses_old"]["revert"] = None
    for arguments in ({}, {"file": "src/auth.ts:7"}):
        assert "COBOL" in (await read(session_id="all", query="COBOL", **arguments)).output.partition("<session")[2]

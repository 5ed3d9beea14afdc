from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import assistant_message, tool_part, user_message

from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.session.failed_command import failed_at_the_end


def ran(command: str, status: int | None, output: str = "") -> dict[str, Any]:
    return tool_part("bash", input={"command": command}, metadata={"exit": status, "output": output}, output=output)


def failure(*parts: dict[str, Any]) -> str:
    messages = [user_message(1, "go"), assistant_message(2, "", *parts), user_message(3, "handoff")]
    return failed_at_the_end([Message.model_validate(message) for message in messages])


def test_the_command_that_failed_last_is_told_with_its_last_line() -> None:
    assert (
        failure(ran("make lint", 0), ran("make test", 2, "1 passed\n2 failed\n\n"))
        == "`make test`, exit status 2: 2 failed"
    )


@pytest.mark.parametrize(
    "after",
    [ran("make test", 0), tool_part("edit", input={"filePath": "/p/a.ts"})],
    ids=["it passed", "a file was edited"],
)
def test_a_failure_that_may_be_mended_is_not_told(after: dict[str, Any]) -> None:
    assert failure(ran("make test", 2), after) == ""


def test_a_command_that_was_aborted_or_says_nothing_of_its_end_did_not_fail() -> None:
    assert failure(tool_part("bash", status="error", input={"command": "sleep 9"})) == ""
    assert failure(ran("sleep 9", None)) == ""
    assert failure() == ""
    assert failure(ran("kill -9 $$", 137)) == "`kill -9 $$`, exit status 137"


NOTHING = "(no output)"


def test_a_search_that_found_nothing_does_not_hide_what_failed_before_it() -> None:
    assert (
        failure(ran("npm test", 1, "3 failed"), ran("grep -rn x src", 1, NOTHING))
        == "`npm test`, exit status 1: 3 failed"
    )
    assert failure(ran("npm test", 0), ran("test -f a", 1)) == ""
    assert failure(ran("npm test", 1), tool_part("edit"), ran("grep -rn x src", 1, NOTHING)) == ""


def test_a_search_that_went_wrong_failed() -> None:
    assert failure(ran("grep -rn '(' src", 2, "Unmatched ("))
    assert failure(ran("diff a b", 1, "> x"))
    assert failure(tool_part("bash", input={"command": 5}, metadata={"exit": 1}, output=NOTHING)) == ""


def test_of_a_command_that_printed_nothing_no_line_is_told() -> None:
    assert failure(ran("make", 2, NOTHING)) == "`make`, exit status 2"
    assert failure(ran("npm test", 1, f"{NOTHING}\n2 failed")) == "`npm test`, exit status 1: 2 failed"

from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import assistant_message, tool_part, user_message

from handoff_sidecar.handoff.git_status import GitState, describe, parse_state
from handoff_sidecar.opencode.models import Message
from handoff_sidecar.session.failed_command import FailedCommand, failed_at_the_end

PRINTED = """\
# branch.oid 5f2d3c9ab0e1
# branch.head feature/logout
# branch.upstream origin/feature/logout
# branch.ab +1 -0
1 .M N... 100644 100644 100644 aaa bbb src/a.ts
2 R. N... 100644 100644 100644 aaa bbb R100 b.ts\tc.ts
u UU N... 100644 100644 100644 100644 aaa bbb ccc d.ts
? new file.ts
"""


def test_branch_commit_and_changes_are_read() -> None:
    assert parse_state(PRINTED) == GitState("feature/logout", "5f2d3c9", 4)


def test_a_detached_head_and_a_repository_without_commits_are_read() -> None:
    assert parse_state("# branch.oid 5f2d3c9ab0e1\n# branch.head (detached)\n").branch is None
    assert parse_state("# branch.oid (initial)\n# branch.head main\n? a\n") == GitState("main", None, 1)
    assert parse_state("") == GitState(None, None, 0)


def test_the_default_branch_is_named_without_its_remote() -> None:
    assert parse_state(PRINTED, "origin/dev/next\n").default_branch == "dev/next"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (GitState("main", "5f2d3c9", 0, "main"), ""),
        (GitState("main", "5f2d3c9", 0), ""),
        (None, ""),
        (GitState("main", "5f2d3c9", 1, "main"), "main, 5f2d3c9, 1 file changed"),
        (GitState("feature", "5f2d3c9", 0, "main"), "feature, 5f2d3c9, nothing changed"),
        (GitState("main", "5f2d3c9", 0, "develop"), "main, 5f2d3c9, nothing changed"),
        (GitState(None, None, 3, "main"), "no branch, no commit yet, 3 files changed"),
    ],
)
def test_git_is_mentioned_where_it_is_not_as_everyone_expects(state: GitState | None, expected: str) -> None:
    assert describe(state) == expected


def ran(command: str, status: int | None, output: str = "") -> dict[str, Any]:
    return tool_part("bash", input={"command": command}, metadata={"exit": status, "output": output}, output=output)


def failure(*parts: dict[str, Any]) -> FailedCommand | None:
    messages = [user_message(1, "go"), assistant_message(2, "", *parts), user_message(3, "handoff")]
    return failed_at_the_end([Message.model_validate(message) for message in messages])


def test_the_command_that_failed_last_is_told_with_its_last_line() -> None:
    assert failure(ran("make lint", 0), ran("make test", 2, "1 passed\n2 failed\n\n")) == FailedCommand(
        "make test", 2, "2 failed"
    )


@pytest.mark.parametrize(
    "after",
    [ran("make test", 0), tool_part("edit", input={"filePath": "/p/a.ts"})],
    ids=["it passed", "a file was edited"],
)
def test_a_failure_that_may_be_mended_is_not_told(after: dict[str, Any]) -> None:
    assert failure(ran("make test", 2), after) is None


def test_a_command_that_was_aborted_or_says_nothing_of_its_end_did_not_fail() -> None:
    assert failure(tool_part("bash", status="error", input={"command": "sleep 9"})) is None
    assert failure(ran("sleep 9", None)) is None
    assert failure() is None
    assert failure(ran("false", 1)) == FailedCommand("false", 1, "")


NOTHING = "(no output)"


def test_a_search_that_found_nothing_does_not_hide_what_failed_before_it() -> None:
    assert failure(ran("npm test", 1, "3 failed"), ran("grep -rn x src", 1, NOTHING)) == FailedCommand(
        "npm test", 1, "3 failed"
    )
    assert failure(ran("npm test", 0), ran("grep -rn x src", 1, NOTHING)) is None
    assert failure(ran("npm test", 1), tool_part("edit"), ran("grep -rn x src", 1, NOTHING)) is None
    assert failure(ran("grep -rn x src", 1)) is None


def test_a_search_that_went_wrong_failed() -> None:
    assert failure(ran("grep -rn '(' src", 2, "Unmatched ("))
    assert failure(ran("diff a b", 1, "> x"))
    assert failure(tool_part("bash", input={"command": 5}, metadata={"exit": 1}, output=NOTHING)) is None


def test_of_a_command_that_printed_nothing_no_line_is_told() -> None:
    assert failure(ran("false", 1, NOTHING)) == FailedCommand("false", 1, "")
    assert failure(ran("npm test", 1, f"{NOTHING}\n2 failed")) == FailedCommand("npm test", 1, "2 failed")


@pytest.mark.parametrize(
    "command",
    [
        "grep -rnE 'a|b' src 2>&1",
        "cd web && grep -q x a",
        "npm test | grep -c FAIL",
        "npm test; grep x log;",
        "make\ngrep x f\n",
        "grep a f |\n grep b",
        "grep a f &&\n grep b f &>/dev/null",
        "rg foo || rg bar",
        "test -f a",
        "[ -f a ] && echo there",
        "git diff --quiet",
        "git -C web diff --exit-code",
        "git --no-pager grep foo",
        "which foo",
        "command -v foo",
        "LC_ALL=C /usr/bin/grep x y",
        "X=1 && grep $X f",
        "grep 'a; npm test' f",
        'grep "a\nb" f',
    ],
)
def test_a_command_that_only_asks_has_not_failed_when_the_answer_is_no(command: str) -> None:
    assert failure(ran(command, 1, NOTHING)) is None


@pytest.mark.parametrize(
    "command",
    [
        "npm test",
        "grep x f; npm test",
        "test -f a && npm test",
        "npm run -s build && grep x f",
        "git diff",
        "git",
        "git -C",
        "! grep x f",
        "grep 'x f",
        "$(grep x f)",
        "command foo",
        "echo hi",
        "&&",
        "|",
        " ",
    ],
)
def test_a_command_that_does_something_has_failed(command: str) -> None:
    found = failure(ran(command, 1, NOTHING))

    assert found is not None
    assert found.last_line == ""

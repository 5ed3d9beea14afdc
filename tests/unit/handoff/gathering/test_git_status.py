from __future__ import annotations

import pytest

from handoff_sidecar.handoff.gathering.git_status import GitState, describe, parse_state

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

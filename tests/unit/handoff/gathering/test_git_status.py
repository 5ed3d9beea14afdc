from __future__ import annotations

import pytest

from handoff_sidecar.handoff.gathering.worktree import in_words

HEAD = "# branch.oid 5f2d3c9ab0e1\n# branch.head"
PRINTED = f"""\
{HEAD} feature/logout
# branch.upstream origin/feature/logout
# branch.ab +1 -0
1 .M N... 100644 100644 100644 aaa bbb src/a.ts
2 R. N... 100644 100644 100644 aaa bbb R100 b.ts\tc.ts
u UU N... 100644 100644 100644 100644 aaa bbb ccc d.ts
? new file.ts
"""


def test_branch_commit_and_changes_are_told() -> None:
    assert in_words(PRINTED) == "feature/logout, 5f2d3c9, 4 files changed"


def test_a_detached_head_and_a_repository_without_commits_are_told() -> None:
    assert in_words(f"{HEAD} (detached)\n") == "no branch, 5f2d3c9, nothing changed"
    assert in_words("# branch.oid (initial)\n# branch.head main\n? a\n") == "main, no commit yet, 1 file changed"
    assert in_words("") == "no branch, no commit yet, nothing changed"


@pytest.mark.parametrize(
    ("branch", "default", "expected"),
    [
        ("main", "origin/main\n", ""),
        ("dev/next", "origin/dev/next\n", ""),
        ("main", "", ""),
        ("feature", "origin/main\n", "feature, 5f2d3c9, nothing changed"),
        ("main", "origin/develop\n", "main, 5f2d3c9, nothing changed"),
    ],
)
def test_an_unchanged_default_branch_is_as_everyone_expects(branch: str, default: str, expected: str) -> None:
    assert in_words(f"{HEAD} {branch}\n", default) == expected
    assert in_words(f"{HEAD} {branch}\n? a\n", default) == f"{branch}, 5f2d3c9, 1 file changed"

from __future__ import annotations

from handoff_sidecar.brief.since import Changes, files_in, todos_in, with_changes

PROMPT = """\
## Session Handoff

Login works.

**Todos:** 1/3 done
- In progress: Add logout
- Pending: Write docs

**Files:** src/a.ts, src/b.ts, old.ts (deleted); read: src/c.ts

---
Previous: `ses_a` · Use `read_session` if you need more context."""


def test_what_has_changed_is_said_and_marked_where_it_stood() -> None:
    changes = Changes("3 days", ("abc1234 Fix the route",), ("src/b.ts",), ("Add logout",))

    assert with_changes(PROMPT, changes) == PROMPT.replace("src/b.ts", "src/b.ts (gone now)").replace(
        "Add logout", "Add logout (done since)"
    ).replace(
        "\n\n---\n",
        "\n\n**Changed since this was written, 3 days ago:** 1 commit: abc1234 Fix the route. Gone: src/b.ts. "
        "Done: Add logout. What is marked above no longer holds.\n\n---\n",
    )
    assert "no longer holds" not in with_changes(PROMPT, Changes("3 days", ("abc1234 Fix the route",)))


def test_where_nothing_has_changed_the_brief_stays_as_it_was() -> None:
    assert with_changes(PROMPT, Changes("3 days")) == PROMPT


def test_files_and_open_todos_are_read_back() -> None:
    assert files_in(PROMPT) == ("src/a.ts", "src/b.ts", "src/c.ts")
    assert todos_in(PROMPT, ["Add logout", "Something else"]) == ("Add logout",)

from __future__ import annotations

from handoff_sidecar.demo.provenance import Stored, lines_with_sources

PROMPT = """## Session Handoff

Login works.

**Goal:** implement the logout endpoint

**Constraints:**
- "Never change the format."

**Todos:** 1/2 done
- In progress: Fix the refresh

**Files:** src/a.ts, src/b.ts (not found), src/c.ts

**Decisions:** a mutex (small)

**Git:** main, 827af8c, 2 files changed

**Next:** 1. Add the mutex"""

STORED = Stored(
    said="Build it. Never change the format.\nhandoff implement the logout endpoint",
    given={
        "summary": "Login works.",
        "key_decisions": ["a mutex (small)"],
        "next_steps": ["Add the mutex"],
        "files_modified": ["src/b.ts", "src/c.ts"],
    },
    todos=("Fix the refresh",),
    written=frozenset({"src/a.ts"}),
    commit="827af8c",
)


def test_each_line_is_told_where_it_comes_from_by_what_is_stored() -> None:
    assert list(lines_with_sources(PROMPT, STORED)) == [
        ("Login works.", "the agent"),
        ("**Goal:** implement the logout endpoint", "you"),
        ('**Constraints:** - "Never change the format."', "you"),
        ("**Todos:** 1/2 done", "OpenCode"),
        ("- In progress: Fix the refresh", "OpenCode"),
        ("**Files:** src/a.ts", "OpenCode"),
        ("       src/b.ts (not found)", "the agent: NOT FOUND"),
        ("       src/c.ts", "the agent, checked"),
        ("**Decisions:** a mutex (small)", "the agent"),
        ("**Git:** main, 827af8c, 2 files changed", "git"),
        ("**Next:** 1. Add the mutex", "the agent"),
    ]


def test_what_stands_in_no_record_has_no_source() -> None:
    stored = Stored(said="", given={}, todos=(), written=frozenset(), commit="")

    assert {source for _, source in lines_with_sources(PROMPT.replace(" (not found)", ""), stored)} == {"", "OpenCode"}
    assert [line for line, source in lines_with_sources(PROMPT, stored) if source == "OpenCode"] == [
        "**Todos:** 1/2 done"
    ]

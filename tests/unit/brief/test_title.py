from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.brief.title import COLUMNS_OF_A_GOAL, title_of
from handoff_sidecar.opencode.models import Session

UNNAMED = "New session - 2026-11-23T07:00:00.000Z"


def titled(title: str, goal: str = "", base: str | None = None) -> str:
    handoff = {"from": "ses_o", "base": base} if base else {}
    session = Session.model_validate(
        {"id": "ses_a", "title": title, "directory": "/p", "metadata": {"handoff": handoff}}
    )
    return title_of(session, goal=goal, otherwise="Login works.").text


@pytest.mark.parametrize(
    ("title", "goal", "expected"),
    [
        ("Auth flow", "", "Handoff: Auth flow"),
        ("Handoff: Auth flow", "", "Handoff: Auth flow (2)"),
        ("Handoff: Auth flow (2)", "", "Handoff: Auth flow (3)"),
        ("Auth flow", "fix the tests", "Handoff: Auth flow · fix the tests"),
        ("Handoff: Auth flow · fix the tests", "ship it", "Handoff: Auth flow · ship it (2)"),
        ("Handoff: Auth flow · fix the tests (2), 14:02", "", "Handoff: Auth flow (3)"),
        (UNNAMED, "add logout", "Handoff: add logout"),
        (UNNAMED, "", "Handoff: Login works."),
        ("", "", "Handoff: Login works."),
        ("two\nlines\x07", "", "Handoff: two lines"),
        ("x" * 10_000, "", f"Handoff: {'x' * 79}…"),
    ],
)
def test_a_title_says_what_goes_on_and_with_which_goal(title: str, goal: str, expected: str) -> None:
    assert titled(title, goal) == expected


def test_the_base_is_shortened_for_the_goals_sake_and_comes_back_whole() -> None:
    base = "Rework the whole of the billing module"

    first = titled(base, "fix the failing tests")

    assert first == "Handoff: Rework the whole… · fix the failing tests"
    assert titled(first, "", base) == f"Handoff: {base} (2)"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_goal_shows_within_50_columns(base: str, goal: str) -> None:
    title = titled(f"A {base}", f"b {goal}", None)

    assert "· b" in title
    assert len(title) <= COLUMNS_OF_A_GOAL


def test_wide_characters_count_twice() -> None:
    assert (
        titled("認証フローを作り直す", "失敗したテストを直してください今すぐ")
        == "Handoff: 認証フロー… · 失敗したテストを直してくだ…"
    )

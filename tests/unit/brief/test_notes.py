from __future__ import annotations

from typing import Any

import pytest

from handoff_sidecar.brief.notes import Notes, read_notes
from handoff_sidecar.errors import InvalidArguments


@pytest.mark.parametrize(
    ("given", "field", "understood"),
    [
        ({"nextSteps": ["a", "b"]}, "next_steps", ["a", "b"]),
        ({"todo": "a"}, "next_steps", ["a"]),
        ({"next_steps": ["a"], "todo": ["b"]}, "next_steps", ["a", "b"]),
        ({"next_steps": [1, None, "", {"step": "c", "status": "open"}]}, "next_steps", ["1", "c"]),
        ({"decisions": {"decision": "JWT", "why": "stateless"}}, "key_decisions", ["JWT (stateless)"]),
        ({"key-decisions": '["one", "two"]'}, "key_decisions", ["one", "two"]),
        ({"files": [{"path": "a.py"}, "b.py"]}, "files_modified", ["a.py", "b.py"]),
        (
            {"tried_and_failed": {"cookies": "lost behind the proxy"}},
            "tried_and_failed",
            ["cookies: lost behind the proxy"],
        ),
        ({"goal": ["fix it", "and ship it"]}, "goal", "fix it and ship it"),
        ({"goal": "N/A"}, "goal", None),
        ({"blocked": False}, "blocked", None),
        ({"rules": None}, "constraints", []),
    ],
)
def test_what_models_send_in_place_of_the_schema_is_understood(
    given: dict[str, Any], field: str, understood: object
) -> None:
    notes, left_out = read_notes({"summary": "x", **given})

    assert getattr(notes, field) == understood
    assert left_out == ""


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"mood": "hopeful"}, "`mood` (no such argument)"),
        ({"agent": ["build", "plan"]}, "`agent` (not a single name)"),
        ({"files_modified": ["a"] * 100_000}, "`files_modified` from entry 2,000 on"),
        ({"next_steps": "[" + "1," * 5_000 + "1]"}, "`next_steps` from entry 2,000 on"),
        ({"goal": "x" * 1_000_000}, "`goal` after 200,000 characters"),
    ],
)
def test_what_can_not_be_used_is_left_out_and_named(given: dict[str, Any], named: str) -> None:
    notes, left_out = read_notes({"summary": "x", **given})

    assert notes.summary == "x"
    assert left_out == f"Left out: {named}."


def test_of_many_names_that_mean_nothing_the_first_are_told() -> None:
    _, left_out = read_notes({"summary": "x", **{f"field{n}": "y" for n in range(50)}})

    assert left_out.endswith("and 45 more.")
    assert len(left_out) < 250


@pytest.mark.parametrize("given", [{}, {"summary": "none"}, {"summary": []}, {"goal": "ship it"}])
def test_a_missing_summary_is_the_one_thing_that_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments, match="`summary`"):
        read_notes(given)


def test_a_list_as_text_that_is_nested_without_end_is_a_text() -> None:
    nested = "[" * 100_000

    assert read_notes({"summary": "x", "next_steps": nested})[0] == Notes(summary="x", next_steps=[nested])

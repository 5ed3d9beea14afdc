from __future__ import annotations

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.journal.lineage import line_of


def handed(source: str, target: str | None, minute: int, *, chain: tuple[str, ...] = ()) -> Handoff:
    created = f"2026-11-23T07:{minute:02}:00.000000+00:00"
    return Handoff.model_validate(
        {
            "from_session": source,
            "from_title": f"Title of {source}",
            "title": f"Title of {target}",
            "directory": "/p",
            "agent": "build",
            "created": created,
            "tokens": 115,
            "chain": chain,
            "to_session": target,
        }
    )


def test_a_line_is_followed_both_ways() -> None:
    entries = [handed("ses_c", "ses_d", 3), handed("ses_a", "ses_b", 1), handed("ses_b", "ses_c", 2)]

    line = line_of("ses_b", [*entries, handed("ses_x", "ses_y", 4), handed("ses_d", None, 5)])

    assert [(kin.session_id, kin.depth) for kin in line] == [("ses_a", 0), ("ses_b", 1), ("ses_c", 2), ("ses_d", 3)]


def test_a_session_that_was_handed_off_twice_has_two_successors() -> None:
    entries = [handed("ses_a", "ses_b", 1), handed("ses_a", "ses_c", 2), handed("ses_b", "ses_d", 3)]

    line = line_of("ses_a", entries)

    assert [(member.session_id, member.depth) for member in line] == [
        ("ses_a", 0),
        ("ses_b", 1),
        ("ses_d", 2),
        ("ses_c", 1),
    ]


def test_ancestors_whose_briefs_are_gone_are_told_by_a_later_one() -> None:
    line = line_of("ses_d", [handed("ses_c", "ses_d", 9, chain=("ses_a", "ses_b"))])

    assert [kin.session_id for kin in line] == ["ses_a", "ses_b", "ses_c", "ses_d"]
    assert line[0].title == ""


def test_briefs_that_contradict_each_other_end_somewhere() -> None:
    line = line_of("ses_a", [handed("ses_a", "ses_b", 1), handed("ses_b", "ses_a", 2)])

    assert {member.session_id for member in line} == {"ses_a", "ses_b"}


def test_a_session_of_which_no_brief_speaks_has_no_line() -> None:
    assert line_of("ses_z", [handed("ses_a", "ses_b", 1)]) == []

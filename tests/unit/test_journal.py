from __future__ import annotations

import stat
from pathlib import Path

import pytest

from handoff_sidecar.errors import JournalUnavailable
from handoff_sidecar.journal import KEPT_BRIEFS, Entry, Journal, read_brief


def entry(number: int = 0) -> Entry:
    created = f"2026-11-23T07:00:{number // 10:02}.{number % 10:06}+00:00"
    return Entry(f"ses_old{number}", 'A "title"\n---\nx: 1', "/größe", "build", "p/m", created, 115)


def test_a_brief_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    prompt = "## Session Handoff\n\nwith ---\n---\nand ünïcode"

    path = Journal(tmp_path / "state" / "briefs").write(entry(), prompt)

    assert read_brief(path) == (entry(), prompt)


def test_a_brief_of_the_first_version_and_one_of_a_later_one_are_read(tmp_path: Path) -> None:
    first = entry()
    path = Journal(tmp_path).write(first, "x")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(("from_title", "chain"))))
    assert read_brief(path) == (first, "x")

    path.write_text(lines[0] + 'colour: "blue"\n' + "".join(lines[1:]))
    assert read_brief(path) == (first, "x")


def test_the_brief_about_a_session_is_its_handoffs_else_the_one_it_began_with(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.brief_about(None) is None
    first, second = journal.write(entry(1), "x"), journal.write(entry(2), "y")
    journal.finish(first, "ses_old2")
    journal.finish(second, "ses_new")

    assert journal.brief_about(None) == second
    assert journal.brief_about("ses_old1") == first
    assert journal.brief_about("ses_old2") == second
    assert journal.brief_about("ses_new") == second
    assert journal.brief_about("ses_elsewhere") is None


def test_a_brief_is_for_its_owners_eyes_alone(tmp_path: Path) -> None:
    path = Journal(tmp_path / "briefs").write(entry(), "x")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_session_that_a_session_came_from_is_found(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(3):
        journal.finish(journal.write(entry(number), "x"), f"ses_new{number}")

    assert journal.came_from("ses_new1") == "ses_old1"
    assert journal.came_from("ses_elsewhere") is None
    assert Journal(tmp_path / "nothing").came_from("ses_new1") is None


def test_a_file_that_is_no_brief_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.finish(journal.write(entry(), "x"), "ses_new")
    (tmp_path / "99999999-ses_x.md").write_text("no front matter")
    (tmp_path / "99999998-ses_y.md").write_text("---\nfrom_session: [\n---\n")

    assert journal.came_from("ses_new") == "ses_old0"
    with pytest.raises(JournalUnavailable, match="no brief"):
        read_brief(tmp_path / "99999999-ses_x.md")


def test_only_the_newest_briefs_are_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    paths = [journal.write(entry(number), "x") for number in range(KEPT_BRIEFS + 5)]

    assert sorted(tmp_path.iterdir()) == paths[5:]


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "briefs").write_text("in the way")

    with pytest.raises(JournalUnavailable, match=str(tmp_path / "briefs")):
        Journal(tmp_path / "briefs").write(entry(), "x")

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.errors import JournalUnavailable
from handoff_sidecar.journal.brief_file import FRONT_MATTER_MAX_CHARACTERS, read_brief, write_brief
from handoff_sidecar.journal.journal import KEPT_BRIEFS, Journal


def handoff(number: int = 0, **changes: Any) -> Handoff:
    given = {
        "from_session": f"ses_old{number}",
        "title": 'A "title"\n---\nx: 1',
        "directory": "/größe",
        "agent": "build",
        "model": "p/m (high)",
        "created": f"2026-11-23T07:00:{number // 10:02}.{number % 10:06}+00:00",
        "id": "1234",
        "goal": "two\nlines, and \u2028",
        "prompt": "x",
        **changes,
    }
    return Handoff.model_validate(given)


def kept(journal: Journal, handoff: Handoff, to_session: str | None = None) -> Path:
    """The brief of a handoff that came to its end."""
    under_way = journal.begin(handoff)
    if to_session is not None:
        under_way.finish(to_session)
    under_way.end()
    return under_way.path


def test_a_brief_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    prompt = "## Session Handoff\n\nwith ---\n---\nand ünïcode"

    path = kept(Journal(tmp_path / "state" / "briefs"), handoff(prompt=prompt))

    assert read_brief(path) == handoff(prompt=prompt)
    assert read_brief(path, FRONT_MATTER_MAX_CHARACTERS).title == handoff().title


def test_a_brief_of_a_later_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "brief.md"
    write_brief(path, handoff())
    path.write_text(path.read_text().replace("---\n", '---\ncolour: "blue"\n', 1))
    assert read_brief(path) == handoff()


def test_the_brief_about_a_session_is_its_handoffs_else_the_one_it_began_with(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.brief_about(None) is None
    first, second = kept(journal, handoff(1), "ses_old2"), kept(journal, handoff(2), "ses_new")

    assert journal.brief_about(None) == second
    assert journal.brief_about("ses_old1") == first
    assert journal.brief_about("ses_old2") == second
    assert journal.brief_about("ses_new") == second
    assert journal.brief_about(second.stem) == second
    assert journal.brief_about("ses_elsewhere") is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_brief_is_for_its_owners_eyes_alone(tmp_path: Path) -> None:
    path = kept(Journal(tmp_path / "briefs"), handoff())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_session_that_a_session_came_from_is_found(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(3):
        kept(journal, handoff(number), f"ses_new{number}")

    assert journal.came_from("ses_new1") == "ses_old1"
    assert journal.came_from("ses_elsewhere") is None
    assert Journal(tmp_path / "nothing").came_from("ses_new1") is None


def test_a_file_that_is_no_brief_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    kept(journal, handoff(), "ses_new")
    (tmp_path / "99999999-ses_x.md").write_text("no front matter")
    (tmp_path / "99999998-ses_y.md").write_text("---\nfrom_session: [\n---\n")

    assert journal.came_from("ses_new") == "ses_old0"
    with pytest.raises(JournalUnavailable, match="not a brief"):
        read_brief(tmp_path / "99999999-ses_x.md")


def test_only_the_newest_briefs_are_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    paths = [kept(journal, handoff(number)) for number in range(KEPT_BRIEFS + 5)]

    assert sorted(tmp_path.iterdir()) == paths[5:]


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "briefs").write_text("in the way")

    with pytest.raises(JournalUnavailable, match=str(tmp_path / "briefs")):
        Journal(tmp_path / "briefs").begin(handoff())


def test_a_handoff_is_interrupted_when_its_process_is_gone_and_neither_before_nor_after_it_was_told_of(
    tmp_path: Path,
) -> None:
    journal, elsewhere = Journal(tmp_path), Journal(tmp_path)
    under_way = journal.begin(handoff())
    assert list(elsewhere.interrupted("/größe")) == []
    with pytest.raises(JournalUnavailable, match="another OpenCode is carrying out"):
        elsewhere.again(under_way.brief)

    under_way.leave()
    assert list(elsewhere.interrupted("/elsewhere")) == []
    assert list(elsewhere.interrupted("/größe", from_session="ses_another")) == []
    (found,) = elsewhere.interrupted("/größe", from_session="ses_old0")
    assert found.brief == under_way.brief
    assert list(journal.interrupted("/größe")) == [], "two were told"

    found.end()
    assert list(journal.interrupted("/größe")) == []
    assert [path.suffix for path in tmp_path.iterdir()] == [".md"]


def test_a_handoff_that_died_before_its_brief_was_written_is_forgotten(tmp_path: Path) -> None:
    under_way = Journal(tmp_path).begin(handoff())
    under_way.leave()
    under_way.path.unlink()

    assert list(Journal(tmp_path).interrupted("/größe")) == []
    assert list(tmp_path.iterdir()) == []


def test_a_brief_is_unfinished_until_its_session_is_handed_off(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    failed, other = kept(journal, handoff(1)), kept(journal, handoff(2))
    assert [brief.path for brief in journal.unfinished()] == [other, failed]

    kept(journal, handoff(3, from_session="ses_old1"), "ses_new")
    assert [brief.path for brief in journal.unfinished()] == [other]


def test_what_a_killed_process_left_half_written_goes_in_time(tmp_path: Path) -> None:
    torn, fresh = tmp_path / ".old.tmp", tmp_path / ".new.tmp"
    for path in (torn, fresh):
        path.touch()
    os.utime(torn, (0, 0))

    kept(Journal(tmp_path), handoff())

    assert sorted(path.name for path in tmp_path.glob(".*")) == [".new.tmp"]

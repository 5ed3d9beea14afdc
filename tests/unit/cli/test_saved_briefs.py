from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.cli.conftest import run

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.cli.brief_list import local_time
from handoff_sidecar.journal.journal import Journal


def handoff(session: str, title: str, hour: str, **fields: Any) -> Handoff:
    created = f"2026-11-23T{hour}:00:00.000000+00:00"
    given = {"from_session": session, "title": title, "directory": "/p", "created": created, **fields}
    return Handoff.model_validate(given)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "state" / "handoff-sidecar" / "briefs")
    under_way = journal.begin(handoff("ses_a", "Handoff: Auth", "07", prompt="## Session Handoff\n\nLogin works."))
    under_way.finish("ses_b")
    under_way.end()
    return journal


@pytest.mark.parametrize("words", [["show"], ["show", "ses_a"], ["show", "ses_b"]])
def test_show_begins_with_the_brief_and_raw_prints_it_as_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], journal: Journal, words: list[str]
) -> None:
    (path,) = journal.folder.iterdir()

    assert run(monkeypatch, *words) == 0
    assert capsys.readouterr().out.startswith("## Session Handoff\n\nLogin works.\n\n2026-11-23 ")
    assert run(monkeypatch, *words, "--raw") == 0
    assert capsys.readouterr().out == path.read_text()


def test_briefs_are_listed_with_what_came_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    journal.begin(handoff("ses_b", "Handoff: Login", "08")).end()

    assert run(monkeypatch, "briefs") == 0

    assert capsys.readouterr().out.splitlines() == [
        f"{local_time('2026-11-23T08:00:00+00:00')}  ses_b  Handoff: Login → unfinished",
        f"{local_time('2026-11-23T07:00:00+00:00')}  ses_a  Handoff: Auth → ses_b",
    ]


@pytest.mark.parametrize(("words", "status"), [(["show"], 1), (["show", "ses_a"], 1), (["briefs"], 0)])
def test_where_there_is_no_brief_at_all_the_way_to_one_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], status: int
) -> None:
    assert run(monkeypatch, *words) == status

    printed = capsys.readouterr()
    assert "Type `handoff` in a session of OpenCode to make one" in printed.out + printed.err


def test_a_brief_that_is_not_there_is_named_and_where_the_others_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    assert run(monkeypatch, "show", "ses_x") == 1

    said = capsys.readouterr().err
    assert f"there is no brief of ses_x in {journal.folder}. `handoff-sidecar briefs --all` lists" in said


def test_resume_says_which_briefs_there_are_where_none_is_unfinished_or_none_is_of_that_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    monkeypatch.chdir("/")
    assert journal.came_from("ses_b") == "ses_a"

    assert run(monkeypatch, "resume") == 1
    assert "There is no unfinished handoff" in capsys.readouterr().err

    assert run(monkeypatch, "resume", "ses_x") == 1
    printed = capsys.readouterr().err
    assert "No brief of `ses_x` was found" in printed
    assert '`ses_a` "Handoff: Auth"' in printed


def test_resume_without_a_server_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    assert journal.came_from("ses_b") == "ses_a"

    assert run(monkeypatch, "resume", "ses_a", "--url", "http://127.0.0.1:1") == 1

    assert "Start one with `opencode serve`" in capsys.readouterr().err

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from handoff_sidecar import __version__
from handoff_sidecar.cli import main
from handoff_sidecar.journal import Entry, Journal


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENCODE_CONFIG_DIR", str(tmp_path / "opencode"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["handoff-sidecar", *words])
    return main()


def test_install_says_what_it_did_what_comes_next_and_how_to_undo_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "install") == 0

    printed = capsys.readouterr().out
    assert f"{tmp_path / 'opencode' / 'plugin' / 'handoff-sidecar.js'}: written." in printed
    assert "restart OpenCode" in printed
    assert "handoff-sidecar uninstall" in printed


def test_uninstall_says_what_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    briefs = tmp_path / "state" / "handoff-sidecar" / "briefs"
    briefs.mkdir(parents=True)
    run(monkeypatch, "install")

    assert run(monkeypatch, "uninstall") == 0
    assert run(monkeypatch, "uninstall") == 0

    printed = capsys.readouterr().out
    assert "removed" in printed
    assert str(briefs) in printed
    assert "nothing to remove" in printed


def test_a_failure_is_a_sentence_on_stderr_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "opencode").write_text("in the way")

    assert run(monkeypatch, "install") == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("handoff-sidecar: ")
    assert "Traceback" not in printed.err


def test_the_version_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        run(monkeypatch, "--version")
    assert capsys.readouterr().out == f"handoff-sidecar {__version__}\n"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "state" / "handoff-sidecar" / "briefs")
    entry = Entry("ses_a", "Handoff: Auth", "/p", "build", "p/m", "2026-11-23T07:00:00.000000+00:00", 15)
    journal.finish(journal.write(entry, "## Session Handoff\n\nLogin works."), "ses_b")
    return journal


@pytest.mark.parametrize("words", [["show"], ["show", "ses_a"], ["show", "ses_b"]])
def test_show_prints_the_brief_as_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], journal: Journal, words: list[str]
) -> None:
    assert run(monkeypatch, *words) == 0

    (path,) = journal.folder.iterdir()
    assert capsys.readouterr().out == path.read_text()


def test_chain_prints_the_line_of_sessions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], journal: Journal
) -> None:
    assert journal.came_from("ses_b") == "ses_a"

    assert run(monkeypatch, "chain", "ses_b") == 0

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ses_a", ">"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "ses_x"], "no brief of ses_x is kept in"),
        (["chain", "ses_x"], "speaks of ses_x"),
        (["preview", "../x"], "is no session id"),
        (["preview", "ses_x", "--url", "http://127.0.0.1:1"], "no OpenCode server answers at http://127.0.0.1:1"),
    ],
)
def test_what_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(monkeypatch, *words) == 1

    assert said in capsys.readouterr().err

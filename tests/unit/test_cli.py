from __future__ import annotations

import sys
from pathlib import Path

import pytest

from handoff_sidecar import __version__
from handoff_sidecar.cli import main


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

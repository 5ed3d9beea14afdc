from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from unit.cli.conftest import run

from handoff_sidecar.auto_handoff.threshold import NOTICE_PERCENT
from handoff_sidecar.settings import SCHEMA_FILE


def test_install_says_what_it_did_what_comes_next_and_how_to_undo_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "install") == 0

    printed = capsys.readouterr().out
    assert f"{tmp_path / 'opencode' / 'plugin' / 'handoff-sidecar.js'}: written." in printed
    assert "restart OpenCode" in printed
    assert "handoff-sidecar uninstall" in printed


def test_install_turns_the_automatic_handoff_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "install", "--auto-handoff", "80%") == 0

    settings = tmp_path / "opencode" / "handoff.json"
    assert json.loads(settings.read_text())["auto_handoff_threshold"] == 80
    assert f"{settings}: auto_handoff_threshold is 80." in capsys.readouterr().out
    assert run(monkeypatch, "install", "--auto-handoff", "800") == 1
    assert "`auto_handoff_threshold` can't be 800" in capsys.readouterr().err


def test_install_turns_the_automatic_handoff_off_or_back_to_the_default_and_keeps_the_other_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = tmp_path / "opencode" / "handoff.json"
    assert run(monkeypatch, "install", "--auto-handoff", "default") == 0
    assert not settings.exists()
    settings.write_text('{"open": "picker"}')

    assert run(monkeypatch, "install", "--auto-handoff", "0") == 0
    assert "is 0: no automatic handoff, and no notice." in capsys.readouterr().out
    assert run(monkeypatch, "install", "--auto-handoff", "default") == 0

    assert f"not set: one notice at {NOTICE_PERCENT} % of the context" in capsys.readouterr().out
    kept = json.loads(settings.read_text())
    assert {key: kept[key] for key in kept if key != "$schema"} == {"open": "picker"}
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, "install", "--auto-handoff", "many")
    assert "'many' is neither a percentage such as 80 nor `default`" in capsys.readouterr().err


def test_the_help_says_what_0_turns_off_and_how_to_go_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        run(monkeypatch, "install", "--help")

    said = " ".join(capsys.readouterr().out.split())
    assert f"0 turns off both this and the notice at {NOTICE_PERCENT} %" in said
    assert "`default` goes back" in said


@pytest.mark.parametrize("percent", ["70", "default"])
def test_a_broken_settings_file_keeps_install_from_doing_anything_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, percent: str
) -> None:
    settings = tmp_path / "opencode" / "handoff.json"
    settings.parent.mkdir()
    settings.write_text("{")

    assert run(monkeypatch, "install", "--auto-handoff", percent) == 1

    said = capsys.readouterr().err
    assert f"{settings} is not valid JSON" in said
    assert "Nothing was installed: correct the file or move it away, and run this again" in said
    assert [path.name for path in settings.parent.iterdir()] == ["handoff.json"]
    assert settings.read_text() == "{"


def test_uninstall_removes_logs_and_caches_even_where_the_plugin_file_is_someone_elses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    foreign = tmp_path / "opencode" / "plugin" / "handoff-sidecar.js"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("export default () => ({})")
    cache = tmp_path / "cache" / "handoff-sidecar"
    cache.mkdir(parents=True)

    assert run(monkeypatch, "uninstall") == 1

    printed = capsys.readouterr()
    assert f"{cache}: removed." in printed.out
    assert f"{foreign} was not written by handoff-sidecar and is left as it is: remove it yourself" in printed.err
    assert "There was no plugin file" not in printed.out
    assert (foreign.exists(), cache.exists()) == (True, False)


def test_uninstall_says_what_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    briefs = tmp_path / "state" / "handoff-sidecar" / "briefs"
    briefs.mkdir(parents=True)
    run(monkeypatch, "install")

    assert run(monkeypatch, "uninstall") == 0
    assert run(monkeypatch, "uninstall") == 0

    printed = capsys.readouterr().out
    assert f"{tmp_path / 'opencode' / 'plugin' / 'handoff-sidecar.js'}: removed." in printed
    assert f"Kept, because they are yours: {briefs} (`--purge` removes these too)" in printed
    assert "There was no plugin file" in printed
    assert "pip uninstall handoff-sidecar" in printed


@pytest.mark.parametrize(
    ("words", "left"),
    [((), ["opencode", "opencode/handoff.json", "state", "state/handoff-sidecar/briefs/x.md"]), (("--purge",), [])],
)
def test_uninstall_leaves_only_what_is_the_persons_and_purge_not_even_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...], left: list[str]
) -> None:
    run(monkeypatch, "install")
    for path in (
        "opencode/handoff.json",
        "state/handoff-sidecar/briefs/x.md",
        "state/handoff-sidecar/log/sidecar.log",
        "cache/handoff-sidecar/opencode/1.18.33/opencode",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}")

    assert run(monkeypatch, "uninstall", *words) == 0

    files = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(files) == [name for name in left if "." in name]
    assert (tmp_path / "opencode").exists() == bool(left)
    assert (tmp_path / "state" / "handoff-sidecar").exists() == bool(left)


def test_what_can_not_be_removed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "cache" / "handoff-sidecar").mkdir(parents=True)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)

    assert run(monkeypatch, "uninstall") == 1
    assert (
        f"{tmp_path / 'cache' / 'handoff-sidecar'} (Permission denied): could not be removed" in capsys.readouterr().err
    )


def test_update_in_an_installation_from_a_clone_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "update") == 1
    assert "can't update this installation" in capsys.readouterr().err
    assert run(monkeypatch, "update", "--in-background", "install") == 0
    assert capsys.readouterr().out == "\n"


def test_install_renews_the_schema_that_another_installation_left_in_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = tmp_path / "opencode" / "handoff.json"
    settings.parent.mkdir()
    settings.write_text('{"$schema": "file:///old/handoff_sidecar/handoff.schema.json"}')

    assert run(monkeypatch, "install") == 0

    assert f"{settings}: its `$schema` now points to this installation." in capsys.readouterr().out
    assert json.loads(settings.read_text()) == {"$schema": SCHEMA_FILE.as_uri()}

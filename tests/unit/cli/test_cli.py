from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from handoff_sidecar import __version__
from handoff_sidecar.auto_handoff.threshold import NOTICE_PERCENT
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.cli.brief_list import local_time
from handoff_sidecar.cli.main import main
from handoff_sidecar.demo import story
from handoff_sidecar.doctor import examination
from handoff_sidecar.doctor.findings import Finding, broken, good
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.settings import SCHEMA_FILE


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENCODE_CONFIG_DIR", str(tmp_path / "opencode"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


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
    assert f"0 turns this off, and the notice at {NOTICE_PERCENT} % too" in said
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


def test_doctor_prints_its_findings_and_the_status_says_whether_all_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def examined(*finding: Finding) -> None:
        monkeypatch.setattr(examination, "examine", lambda **_: iter(finding))

    examined(good("Python", "3.13"))
    assert run(monkeypatch, "doctor") == 0
    assert capsys.readouterr().out.endswith("3.13\nAll is well.\n")
    examined(broken("plugin", "is gone", "install it"))
    assert run(monkeypatch, "doctor", "--json") == 1
    assert json.loads(capsys.readouterr().out)["well"] is False


def test_update_in_an_installation_from_a_clone_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "update") == 1
    assert "is not updated from the package index" in capsys.readouterr().err
    assert run(monkeypatch, "update", "--in-background", "install") == 0
    assert capsys.readouterr().out == "\n"


def test_a_failure_is_a_sentence_on_stderr_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "opencode").write_text("in the way")

    assert run(monkeypatch, "install") == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("handoff-sidecar: ")
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    with pytest.raises(SystemExit, match="0"):
        run(monkeypatch, option)
    assert capsys.readouterr().out == f"handoff-sidecar {__version__}\n"


def handoff(session: str, title: str, hour: str, **fields: Any) -> Handoff:
    created = f"2026-11-23T{hour}:00:00.000000+00:00"
    given = {"from_session": session, "title": title, "directory": "/p", "created": created, **fields}
    return Handoff.model_validate(given)


def test_without_a_command_the_help_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 0
    assert re.search(r"(?m)^    doctor +check the installation and suggest fixes$", capsys.readouterr().out)


def test_install_renews_the_schema_that_another_installation_left_in_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = tmp_path / "opencode" / "handoff.json"
    settings.parent.mkdir()
    settings.write_text('{"$schema": "file:///old/handoff_sidecar/handoff.schema.json"}')

    assert run(monkeypatch, "install") == 0

    assert f"{settings}: its `$schema` now points to this installation." in capsys.readouterr().out
    assert json.loads(settings.read_text()) == {"$schema": SCHEMA_FILE.as_uri()}


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["preview", "../x"], "`../x` is not a session id"),
        (["read", "../x"], "`../x` is not a session id"),
        (["read", "ses_x", "--url", "http://127.0.0.1:1"], "no OpenCode server answers at http://127.0.0.1:1"),
        (["read", "all", "--url", "http://127.0.0.1:1"], "no OpenCode server answers at http://127.0.0.1:1"),
        (["read", "all", "--url", "nonsense"], "'nonsense' is not the address of a server"),
        (["preview", "ses_x", "--url", "http://127.0.0.1:1"], "no OpenCode server answers at http://127.0.0.1:1"),
    ],
)
def test_what_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(monkeypatch, *words) == 1

    assert said in capsys.readouterr().err


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


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_a_limit_out_of_range_is_named_as_it_was_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], limit: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, "read", "ses_x", "--limit", limit)

    assert f"argument --limit: {limit!r} is not a number from 1 to 200" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["read", "preview", "resume"])
def test_the_help_names_the_variable_for_a_servers_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit, match="0"):
        run(monkeypatch, command, "--help")

    assert "set OPENCODE_SERVER_PASSWORD in the" in " ".join(capsys.readouterr().out.split())


def test_the_tui_of_the_demo_is_not_started_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def started(**_: object) -> int:
        raise AssertionError("it was started")

    monkeypatch.setattr(story, "run_demo", started)

    assert run(monkeypatch, "demo", "--tui") == 1

    assert "needs a terminal. Run it in one" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there a pipe breaks in another way")
@pytest.mark.parametrize("words", [["--help"], ["install"], ["doctor", "--json"]])
def test_a_reader_that_leaves_early_is_no_traceback(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        command = [sys.executable, "-m", "handoff_sidecar", *words]
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, check=False, timeout=60)

    assert done.stderr == b""


def test_the_sidecar_ends_with_its_stdin_and_its_log_is_whole(tmp_path: Path) -> None:
    hello = {"protocolVersion": 1, "openCode": {}, "mode": "run", "directory": ""}
    call = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}

    ended = subprocess.run(
        [sys.executable, "-P", "-m", "handoff_sidecar", "stdio"],
        input=f"{json.dumps(call)}\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["result"]["server"]["name"] == "handoff-sidecar"
    (log,) = tmp_path.rglob("sidecar.log")
    assert "OpenCode of an unknown version (run)" in log.read_text(encoding="utf-8")

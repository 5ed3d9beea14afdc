from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from unit.cli.conftest import run

from handoff_sidecar import __version__
from handoff_sidecar.demo import story
from handoff_sidecar.doctor import examination
from handoff_sidecar.doctor.findings import Finding, broken, good


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


def test_without_a_command_the_help_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 0
    assert re.search(r"(?m)^    doctor +check the installation and suggest fixes$", capsys.readouterr().out)


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


def test_the_sidecar_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "handoff_sidecar", "stdio"]
    done = subprocess.run(
        command, input="", env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )

    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "httpx._client" in loaded
    assert not loaded & {"click", "rich", "handoff_sidecar.installation.update", "handoff_sidecar.demo"}

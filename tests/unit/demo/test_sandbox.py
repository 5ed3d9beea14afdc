import json
import os
import signal
import sys
from pathlib import Path

import pytest

from handoff_sidecar.demo.processes import SandboxFailed, StartCommand, leaving_properly, listening_server, run_to_end
from handoff_sidecar.demo.sandbox import ContextLimits, Sandbox

URL = "http://127.0.0.1:1/v1"
STANDS_FOR_OPENCODE = """#!/bin/sh
case "$1" in
  run) echo "$PWD|$HOME|$2"; exit 3;;
  session) echo '[{"id": "ses_1"}]';;
  serve) echo $$ > "$HOME/../pid"; echo "opencode server listening on http://127.0.0.1:$3"; exec /bin/sleep 60;;
  *) echo "no $1" >&2; exit 1;;
esac
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for OpenCode")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "opencode"
    path.write_text(STANDS_FOR_OPENCODE)
    path.chmod(0o755)
    return path


@pytest.fixture
def sandbox(tmp_path: Path, program: Path) -> Sandbox:
    return Sandbox.create(tmp_path / "box", program, URL)


def config_of(sandbox: Sandbox) -> dict[str, object]:
    config: dict[str, object] = json.loads((sandbox.config_folder / "opencode.json").read_text())
    return config


def test_the_callers_settings_are_merged_into_the_configuration(tmp_path: Path, program: Path) -> None:
    over = {"agent": {"plan": {"disable": True}}, "provider": {"scripted": {"models": {"m2": {"name": "second"}}}}}
    sandbox = Sandbox.create(tmp_path, program, URL, limits=ContextLimits(64_000, 32_000, 60_000), config=over)
    config = config_of(sandbox)
    assert config["agent"] == {"plan": {"disable": True}}
    provider = config["provider"]
    assert isinstance(provider, dict)
    assert provider["scripted"]["options"]["baseURL"] == URL
    assert provider["scripted"]["models"]["m1"]["limit"] == {"context": 64_000, "output": 32_000, "input": 60_000}
    assert provider["scripted"]["models"]["m2"] == {"name": "second"}


def test_nothing_of_the_callers_opencode_comes_along(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENCODE_CONFIG", "XDG_DATA_HOME", "HANDOFF_SIDECAR_COMMAND"):
        monkeypatch.setenv(name, "the caller's")
    env = sandbox.environment({"OPENCODE_EXTRA": "given"})
    assert "the caller's" not in env.values()
    assert (env["HOME"], env["PWD"]) == (str(sandbox.home), str(sandbox.project))
    assert env["OPENCODE_EXTRA"] == "given"


def test_opencode_is_told_that_its_npm_install_has_been_done(sandbox: Sandbox) -> None:
    lock = json.loads((sandbox.config_folder / "package-lock.json").read_text())
    assert "@opencode-ai/plugin" in lock["packages"][""]["dependencies"]
    assert (sandbox.config_folder / "node_modules").is_dir()


def test_opencode_is_given_an_empty_list_of_models(sandbox: Sandbox) -> None:
    sandbox.know_no_other_models()
    assert json.loads((sandbox.home / ".cache/opencode/models.json").read_text()) == {}


def test_a_plugin_file_lies_where_opencode_looks(sandbox: Sandbox) -> None:
    path = sandbox.plugin_file("mine.js", "export default async () => ({})\n")
    assert path == sandbox.home / ".config/opencode/plugin/mine.js"


def test_the_project_is_a_repository_with_its_files_committed(sandbox: Sandbox) -> None:
    sandbox.write_project({"src/a.py": "a = 1\n"})
    assert sandbox.git("status", "--porcelain") == ""
    assert sandbox.git("ls-files") == "src/a.py\n"


def test_a_run_gives_back_what_the_program_left(sandbox: Sandbox) -> None:
    finished = sandbox.run(["hello"])
    assert finished.returncode == 3
    assert finished.stdout == f"{sandbox.project}|{sandbox.home}|hello\n"


def test_a_command_that_fails_says_what_the_program_said(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match=r"ended with 1: no import"):
        sandbox.import_session({})


def test_a_server_is_there_for_the_block_and_no_longer(sandbox: Sandbox) -> None:
    with sandbox.serve() as url:
        assert url.startswith("http://127.0.0.1:")
        (pid,) = (int(word) for word in (sandbox.root / "pid").read_text().split())
        os.kill(pid, 0)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_ends_at_once_says_its_last_words(tmp_path: Path) -> None:
    with (
        pytest.raises(SandboxFailed, match="port taken"),
        listening_server(StartCommand([sys.executable, "-c", "print('port taken')"], os.environ, tmp_path)),
    ):
        pass


def test_a_run_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    # The child holds the pipe open: the read would go on for a minute if only the parent were ended.
    words = ["/bin/sh", "-c", "echo started; /bin/sleep 60 & wait"]
    with pytest.raises(SandboxFailed, match=r"longer than 0\.5 s.*started"):
        run_to_end(StartCommand(words, os.environ, tmp_path), 0.5)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxFailed, match=r"nowhere.*could not be started"):
        run_to_end(StartCommand([str(tmp_path / "nowhere")], os.environ, tmp_path), 1)


IS_TOLD_TO_END = """
import os, signal, subprocess, sys, tempfile
from pathlib import Path
from handoff_sidecar.demo.processes import StartCommand, leaving_properly, run_on_terminal
wait = subprocess.Popen.wait
def told_while_waiting(process, timeout=None):
    if timeout is None:
        os.kill(os.getpid(), signal.SIGTERM)
    return wait(process, timeout)
subprocess.Popen.wait = told_while_waiting
with leaving_properly(), tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
    run_on_terminal(StartCommand(["/bin/sleep", "60"], os.environ, Path(folder)))
"""


def test_a_demo_that_is_told_to_end_takes_its_program_and_its_folder_along(tmp_path: Path) -> None:
    # The program holds the pipe open: if it went on, so would this.
    finished = run_to_end(StartCommand([sys.executable, "-c", IS_TOLD_TO_END, str(tmp_path)], os.environ, tmp_path), 30)

    assert finished.returncode == 128 + signal.SIGTERM, finished.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_was_ignored_stays_so_and_the_handlers_are_put_back() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with leaving_properly():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_sidecar.sidecar import logs
from handoff_sidecar.sidecar.logs import LOG_FILE, start_logging

log = logging.getLogger("handoff_sidecar.test")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_owner_can_read_the_log(tmp_path: Path) -> None:
    start_logging(tmp_path / "log")
    log.info("hello")

    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "log" / LOG_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(("variable", "kept"), [("debug", "dii"), ("", "ii"), ("nonsense", "ii"), ("ERROR", "")])
def test_the_environment_says_how_much_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, kept: str
) -> None:
    monkeypatch.setenv("HANDOFF_SIDECAR_LOG", variable)

    start_logging(tmp_path)
    log.debug("d")
    log.info("i")
    log.warning("i")

    lines = (tmp_path / LOG_FILE).read_text().splitlines()
    assert "".join(line[-1] for line in lines) == kept


def test_the_log_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_FILE_BYTES", 1_000)
    start_logging(tmp_path)

    for _ in range(100):
        log.info("x" * 100)

    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [LOG_FILE, f"{LOG_FILE}.1", f"{LOG_FILE}.2"]
    assert all(path.stat().st_size <= 1_200 for path in tmp_path.iterdir()), "the limit, and the line that is over it"


WRITE_MANY = """
import logging, sys
from pathlib import Path
from handoff_sidecar.sidecar import logs
logs.MAX_FILE_BYTES = 20_000
logs.OLD_FILES = 50
logs.start_logging(Path(sys.argv[1]))
for number in range(1_000):
    logging.getLogger("many").info("%s says %d %s.", sys.argv[2], number, "x" * 100)
"""


def test_several_processes_write_to_one_log_and_no_line_is_lost_or_torn(tmp_path: Path) -> None:
    names = ["one", "two", "three", "four"]
    started = [subprocess.Popen([sys.executable, "-c", WRITE_MANY, str(tmp_path), name]) for name in names]
    assert [process.wait(60) for process in started] == [0] * 4

    files = list(tmp_path.glob(f"{LOG_FILE}*"))
    lines = [line for file in files for line in file.read_text().splitlines()]
    said = {(name, number) for line in lines for name, _, number in [line.split(": ", 1)[1].split()[:3]]}
    assert said == {(name, str(number)) for name in names for number in range(1_000)}
    assert len(lines) == 4_000
    assert all(line.endswith(f"{'x' * 100}.") for line in lines)
    assert len(files) > 1


def test_a_right_to_rotate_that_a_killed_process_has_left_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_FILE_BYTES", 1_000)
    (tmp_path / logs.CLAIM).mkdir()
    start_logging(tmp_path)

    for _ in range(20):
        log.info("x" * 100)
    assert not (tmp_path / f"{LOG_FILE}.1").exists(), "someone else may be at it"

    os.utime(tmp_path / logs.CLAIM, (0, 0))
    log.info("y")
    log.info("y")
    assert (tmp_path / f"{LOG_FILE}.1").exists()
    assert not (tmp_path / logs.CLAIM).exists()


def test_a_log_that_can_no_longer_be_written_to_disturbs_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(tmp_path / "log")
    log.info("hello")
    shutil.rmtree(tmp_path / "log")
    (tmp_path / "log").write_text("in the way")

    log.warning("nobody hears this")

    assert capsys.readouterr() == ("", "")


def test_without_a_folder_to_write_to_the_log_goes_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_text("in the way")

    start_logging(tmp_path / "log")
    log.warning("still heard")

    assert "still heard" in capsys.readouterr().err

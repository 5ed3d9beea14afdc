from __future__ import annotations

import logging
import shutil
import stat
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


def test_a_log_that_has_grown_long_is_begun_anew_and_who_writes_to_it_goes_on_in_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_FILE_BYTES", 1_000)
    start_logging(tmp_path)
    (first,) = logging.getLogger().handlers
    log.info("x" * 1_000)

    start_logging(tmp_path)
    first.handle(log.makeRecord("other", logging.INFO, "", 0, "of the one before", (), None))
    log.info("of the new one")
    first.close()

    assert "xxx" in (tmp_path / f"{LOG_FILE}.1").read_text()
    assert [line[-3:] for line in (tmp_path / LOG_FILE).read_text().splitlines()] == ["ore", "one"]


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

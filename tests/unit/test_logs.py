from __future__ import annotations

import logging
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_sidecar import logs
from handoff_sidecar.logs import LOG_FILE, start_logging

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
    assert all(path.stat().st_size <= 1_000 for path in tmp_path.iterdir())


def test_without_a_folder_to_write_to_the_log_goes_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_text("in the way")

    start_logging(tmp_path / "log")
    log.warning("still heard")

    assert "still heard" in capsys.readouterr().err

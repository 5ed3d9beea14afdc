from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handoff_sidecar.installation import daily
from handoff_sidecar.installation.daily import claim, look_once_a_day

TODAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


def says(text: str) -> list[str]:
    return [sys.executable, "-S", "-c", f"print({text!r})"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily, "POLL_INTERVAL_S", 0.01)


async def test_what_was_found_is_handed_on_once_a_day(tmp_path: Path) -> None:
    found = says("0.2.0 is out")

    assert await look_once_a_day(tmp_path / "cache", "notify", TODAY, found) == "0.2.0 is out"
    assert await look_once_a_day(tmp_path / "cache", "notify", TODAY, found) is None
    assert await look_once_a_day(tmp_path / "cache", "notify", TODAY + timedelta(days=1), found) == "0.2.0 is out"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["looked-for-updates-2026-11-24"]


async def test_nothing_to_tell_is_nothing_told(tmp_path: Path) -> None:
    assert await look_once_a_day(tmp_path, "install", TODAY, says("")) is None


async def test_a_program_that_is_gone_is_no_reason_to_fail(tmp_path: Path) -> None:
    assert await look_once_a_day(tmp_path, "install", TODAY, [str(tmp_path / "gone")]) is None


async def test_one_that_takes_too_long_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily, "PATIENCE_S", 0.05)
    waits = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
    started: list[subprocess.Popen[bytes]] = []

    def start(*_: object) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(waits, stdin=subprocess.PIPE))
        return started[0]

    monkeypatch.setattr(daily, "_start", start)

    assert await look_once_a_day(tmp_path, "install", TODAY) is None
    assert started[0].poll() is None
    started[0].communicate()


def test_of_many_processes_one_looks(tmp_path: Path) -> None:
    assert [claim(tmp_path, TODAY) for _ in range(3)] == [True, False, False]


def test_a_folder_that_can_not_be_written_to_means_no_look(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")

    assert not claim(tmp_path / "cache", TODAY)
    assert not claim(tmp_path / "cache" / "deeper", TODAY)

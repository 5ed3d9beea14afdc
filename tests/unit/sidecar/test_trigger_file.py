from __future__ import annotations

import os
from pathlib import Path

import pytest

from handoff_sidecar.sidecar.trigger_file import TRIGGER_FILE, as_it_is, leave_pattern


def test_what_is_left_already_is_not_written_again(tmp_path: Path) -> None:
    settings = {"path": str(tmp_path / "handoff.json"), "bytes": 12, "time": 1_700_000_000_000}
    leave_pattern(tmp_path / "state", settings, "^handoff", "iu")
    file = tmp_path / "state" / TRIGGER_FILE
    os.utime(file, ns=(0, 0))

    leave_pattern(tmp_path / "state", settings, "^handoff", "iu")
    assert file.stat().st_mtime_ns == 0
    leave_pattern(tmp_path / "state", settings, "^(?:handoff|übergabe)", "iu")
    assert "übergabe" in file.read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_logged_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file in its place")

    leave_pattern(tmp_path / "state", {}, "^handoff", "iu")

    assert "could not be left" in caplog.text


def test_there_are_no_settings_where_there_is_no_file(tmp_path: Path) -> None:
    assert as_it_is(tmp_path / "handoff.json") is None

from __future__ import annotations

import errno
import stat
import sys
from pathlib import Path, PurePath, PureWindowsPath

import platformdirs
import pytest
from platformdirs import macos, unix, windows

from handoff_sidecar.folders import briefs_folder, cache_folder, log_folder, make_private, state_folder, write_private
from handoff_sidecar.settings import config_folder

FOLDERS = {
    "Linux": (
        unix.Unix,
        ".local/state/handoff-sidecar",
        ".local/state/handoff-sidecar/log",
        ".cache/handoff-sidecar",
    ),
    "macOS": (
        macos.MacOS,
        "Library/Application Support/handoff-sidecar",
        "Library/Logs/handoff-sidecar",
        "Library/Caches/handoff-sidecar",
    ),
    "Windows": (
        windows.Windows,
        "AppData/Local/handoff-sidecar",
        "AppData/Local/handoff-sidecar/Logs",
        "AppData/Local/handoff-sidecar/Cache",
    ),
}


@pytest.mark.parametrize("platform", FOLDERS)
def test_state_logs_and_caches_are_where_each_platform_has_them_and_the_configuration_is_opencodes(
    platform: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dirs, state, log, cache = FOLDERS[platform]
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "OPENCODE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "AppData" / "Local"))
    monkeypatch.setattr(platformdirs, "PlatformDirs", dirs)
    monkeypatch.setattr(windows, "get_win_folder", windows.get_win_folder_from_env_vars)

    assert posix(state_folder()) == f"{tmp_path.as_posix()}/{state}"
    assert posix(briefs_folder()) == f"{tmp_path.as_posix()}/{state}/briefs"
    assert posix(log_folder()) == f"{tmp_path.as_posix()}/{log}"
    assert posix(cache_folder()) == f"{tmp_path.as_posix()}/{cache}"
    assert config_folder() == tmp_path / ".config" / "opencode"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_every_folder_that_is_made_on_the_way_is_the_owners_alone(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b" / "c")

    for folder in ("a", "a/b", "a/b/c"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="as above")
def test_a_new_file_is_the_owners_alone_and_one_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "old").touch(mode=0o640)

    for name in ("new", "old"):
        write_private(tmp_path / name, "größe\n")

    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {"new": 0o600, "old": 0o640}
    assert (tmp_path / "old").read_text(encoding="utf-8") == "größe\n"


def test_a_file_that_can_not_be_written_leaves_no_half_and_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("as it was")
    monkeypatch.setattr(Path, "replace", full_disk)

    with pytest.raises(OSError, match="No space left"):
        write_private(tmp_path / "file", "new")

    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "as it was")]


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def posix(path: PurePath) -> str:
    return PureWindowsPath(path).as_posix()

from __future__ import annotations

from pathlib import Path, PurePath, PureWindowsPath

import platformdirs
import pytest
from platformdirs import macos, unix, windows

from handoff_sidecar.folders import briefs_folder, cache_folder, log_folder, state_folder
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


def posix(path: PurePath) -> str:
    return PureWindowsPath(path).as_posix()

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MakeProgram = Callable[[Path, str], None]


@pytest.fixture
def program() -> MakeProgram:
    """Makes a program of a line of shell."""
    if sys.platform == "win32":
        pytest.skip("a line of shell stands for a program here")

    def make(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    return make


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: MakeProgram) -> Path:
    """A person's home, with an OpenCode on the PATH."""
    for name in (
        "XDG_STATE_HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "OPENCODE_CONFIG_DIR",
        "HANDOFF_SIDECAR_OPENCODE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    program(tmp_path / "bin" / "opencode", "echo 1.18.33")
    return tmp_path


@pytest.fixture
def config(home: Path) -> Path:
    """OpenCode's configuration folder, as it is after OpenCode's own npm install."""
    folder = home / ".config" / "opencode"
    folder.mkdir(parents=True)
    (folder / "package-lock.json").write_text('{"packages": {"": {"dependencies": {"@opencode-ai/plugin": "1"}}}}')
    return folder

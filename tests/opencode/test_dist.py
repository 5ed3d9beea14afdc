"""In the real OpenCode, from the built packages in environments of their own (`make dist-test`).

What is installed here is what people install: nothing of the clone is in reach of it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from opencode.packages import DIST, NPM_PACKAGE, ROOT, TOOLS, WHEEL, bare_sandbox, hand_off_and_look_back, run
from opencode.server import Play
from registries import npm_registry

from handoff_sidecar.demo.binary import OpenCodeBinary
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import ScriptedModel

pytestmark = [pytest.mark.dist, pytest.mark.timeout(600)]


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheel in it; the folder of its programs."""
    folder = tmp_path_factory.mktemp("wheel") / "venv"
    run(sys.executable, "-m", "venv", folder)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    run(programs / "python", "-m", "pip", "install", "--quiet", WHEEL)
    return programs


def installed_and_used(sandbox: Sandbox, play: Play, program: Path, python_in: Path) -> None:
    printed = run(program, "install", env=sandbox.environment())

    plugin_file = sandbox.config_folder / "plugin" / "handoff-sidecar.js"
    assert f"{plugin_file}: written." in printed
    text = plugin_file.read_text()
    assert str(ROOT) not in text
    assert str(python_in) in text
    hand_off_and_look_back(sandbox, play)
    assert "removed" in run(program, "uninstall", env=sandbox.environment())
    assert not plugin_file.parent.exists()


def test_pip_install_in_a_venv(
    venv: Path, opencode: OpenCodeBinary, model: ScriptedModel, play: Play, tmp_path: Path
) -> None:
    installed_and_used(bare_sandbox(tmp_path, opencode, model), play, venv / "handoff-sidecar", venv.parent)


@pytest.mark.parametrize("source", ["index", "git address", "clone"])
def test_uv_tool_install(
    opencode: OpenCodeBinary, model: ScriptedModel, play: Play, tmp_path: Path, source: str
) -> None:
    what = {"index": str(WHEEL), "git address": f"git+{ROOT.as_uri()}", "clone": str(ROOT)}[source]
    env = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}

    run(TOOLS / "uv", "tool", "install", "--quiet", "--python", sys.executable, what, extra=env)

    sandbox = bare_sandbox(tmp_path, opencode, model)
    installed_and_used(sandbox, play, tmp_path / "bin" / "handoff-sidecar", tmp_path / "tools")


def test_pipx_install(opencode: OpenCodeBinary, model: ScriptedModel, play: Play, tmp_path: Path) -> None:
    env = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}

    run(TOOLS / "pipx", "install", "--quiet", "--python", sys.executable, WHEEL, extra=env)

    sandbox = bare_sandbox(tmp_path, opencode, model)
    installed_and_used(sandbox, play, tmp_path / "bin" / "handoff-sidecar", tmp_path / "pipx")


@pytest.mark.parametrize("found_by", ["PATH", "environment", "options", "uvx"])
def test_the_npm_package_in_opencode_json(
    venv: Path, opencode: OpenCodeBinary, model: ScriptedModel, play: Play, tmp_path: Path, found_by: str
) -> None:
    command = [str(venv / "handoff-sidecar"), "stdio"]
    plugin = ["opencode-handoff-sidecar", {"command": command}] if found_by == "options" else "opencode-handoff-sidecar"
    sandbox = bare_sandbox(tmp_path, opencode, model, plugin=[plugin])
    # Only git, node and npm, as on the PATH of someone who has not installed the Python package.
    extra = {"PATH": os.pathsep.join([str(tmp_path / "bin"), "/usr/bin", "/bin"])}
    (tmp_path / "bin").mkdir()
    if found_by == "PATH":
        extra["PATH"] = os.pathsep.join([str(venv), extra["PATH"]])
    elif found_by == "environment":
        extra["HANDOFF_SIDECAR_COMMAND"] = json.dumps(command)
    elif found_by == "uvx":
        (tmp_path / "bin" / "uvx").symlink_to(TOOLS / "uvx")
        (tmp_path / "bin" / "uv").symlink_to(TOOLS / "uv")
        extra |= {"UV_FIND_LINKS": str(DIST), "UV_PYTHON": sys.executable, "UV_CACHE_DIR": str(tmp_path / "cache")}

    with npm_registry(NPM_PACKAGE) as registry:
        extra["npm_config_registry"] = registry
        hand_off_and_look_back(sandbox, play, extra)

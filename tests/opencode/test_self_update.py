"""In the real OpenCode: updates from a local index with real wheels (`make dist-test`)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from opencode.packages import TOOLS, WHEEL, bare_sandbox, hand_off_and_look_back, run
from opencode.server import Play
from opencode.test_tui import SCREEN_TIMEOUT_S, tui
from registries import PackageIndex, wheel_of_version

from handoff_sidecar import __version__
from handoff_sidecar.demo.binary import OpenCodeBinary
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import ScriptedModel

NEWER = "0.9.1"
pytestmark = [pytest.mark.dist, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An index with this version, a newer one, and those that must not be taken; gives its URL."""
    folder = tmp_path_factory.mktemp("wheels")
    ages = {NEWER: 100, "0.9.2": 71, "0.9.3rc1": 100, f"{int(__version__.split('.')[0]) + 1}.0.0": 1_000}
    made = PackageIndex("handoff-sidecar", {WHEEL: timedelta(days=30)})
    for version, hours in ages.items():
        wheel = wheel_of_version(WHEEL, version, folder)
        made.ages[wheel] = timedelta(hours=hours)
    with made.running() as url:
        yield url


@pytest.fixture
def env(index: str, tmp_path: Path) -> dict[str, str]:
    """The index comes first, and whatever is configured here has the dependencies."""
    return {
        "PATH": os.pathsep.join([str(tmp_path / "bin"), str(TOOLS), os.environ["PATH"]]),
        "NO_PROXY": "127.0.0.1",
        "UV_INDEX": index,
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "PIP_EXTRA_INDEX_URL": index,
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
    }


def installed(keeper: str, sandbox: Sandbox, env: Mapping[str, str]) -> Path:
    """This version, from the index, as `uv tool install handoff-sidecar` had it a month ago; its program."""
    bound = sandbox.root / "then.txt"
    bound.write_text(f"handoff-sidecar=={__version__}\n")
    words = {
        "uv": ("uv", "tool", "install", "--quiet", "--constraints", str(bound), "--python", sys.executable),
        "pipx": ("pipx", "install", "--quiet", "--backend", "uv", "--python", sys.executable),
    }[keeper]
    run(*words, "handoff-sidecar", extra={**env, "UV_CONSTRAINT": str(bound), "PIP_CONSTRAINT": str(bound)})
    program = Path(env["UV_TOOL_BIN_DIR"]) / "handoff-sidecar"
    assert run(program, "--version").split()[-1] == __version__
    run(program, "install", env=sandbox.environment())
    return program


def plugin_file(sandbox: Sandbox) -> str:
    return (sandbox.config_folder / "plugin" / "handoff-sidecar.js").read_text()


def test_a_tool_of_uvs_updates_itself_and_the_next_start_has_it(
    opencode: OpenCodeBinary, model: ScriptedModel, play: Play, tmp_path: Path, env: dict[str, str]
) -> None:
    sandbox = bare_sandbox(tmp_path, opencode, model)
    program = installed("uv", sandbox, env)

    with tui(sandbox, extra=env) as terminal:
        screen = terminal.wait_for(lambda screen: f"{NEWER} is installed" in " ".join(screen.split()), SCREEN_TIMEOUT_S)

    assert f"handoff-sidecar {NEWER} is installed" in " ".join(screen.split())
    assert run(program, "--version").split()[-1] == NEWER
    assert NEWER in plugin_file(sandbox)
    log = sandbox.home / ".local/state/handoff-sidecar/log/sidecar.log"
    assert f"), sidecar {NEWER}" not in log.read_text()
    hand_off_and_look_back(sandbox, play, env)
    assert f"), sidecar {NEWER}" in log.read_text()
    assert "is the newest release" in run(program, "update", env=sandbox.environment(env))


def test_told_to_notify_it_only_tells(
    opencode: OpenCodeBinary, model: ScriptedModel, tmp_path: Path, env: dict[str, str]
) -> None:
    sandbox = bare_sandbox(tmp_path, opencode, model)
    program = installed("uv", sandbox, env)
    (sandbox.config_folder / "handoff.json").write_text(json.dumps({"auto_update": "notify"}))

    with tui(sandbox, extra=env) as terminal:
        screen = terminal.wait_for(lambda screen: f"{NEWER} is out" in " ".join(screen.split()), SCREEN_TIMEOUT_S)

    assert "uv tool upgrade handoff-sidecar" in " ".join(screen.split())
    assert run(program, "--version").split()[-1] == __version__


def test_by_hand_with_pipx(opencode: OpenCodeBinary, model: ScriptedModel, tmp_path: Path, env: dict[str, str]) -> None:
    sandbox = bare_sandbox(tmp_path, opencode, model)
    program = installed("pipx", sandbox, env)

    printed = run(program, "update", env=sandbox.environment(env))

    assert f"{NEWER} is out; this is {__version__}. Installing it (pipx)" in printed
    assert f"{NEWER} is installed" in printed
    assert run(program, "--version").split()[-1] == NEWER
    assert f"handoff-sidecar {NEWER}" in run("pipx", "list", "--short", extra=env)
    assert NEWER in plugin_file(sandbox)

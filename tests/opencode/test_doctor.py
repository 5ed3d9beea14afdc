"""In the real OpenCode: the doctor's own handoff."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from handoff_sidecar.demo.binary import OpenCodeBinary
from handoff_sidecar.demo.sandbox import Sandbox


def doctor(sandbox: Sandbox, *words: str, extra: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-P", "-m", "handoff_sidecar", "doctor", "--json", *words]
    env = sandbox.environment(extra)
    done = subprocess.run(command, env=env, cwd=sandbox.project, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.compat
def test_on_a_good_installation_all_is_well_and_a_live_handoff_works(
    make_sandbox: Callable[..., Sandbox], opencode: OpenCodeBinary
) -> None:
    sandbox = make_sandbox("doctor")
    before = sorted(sandbox.config_folder.rglob("*"))

    status, said = doctor(sandbox, "--live", extra={"HANDOFF_SIDECAR_OPENCODE": str(opencode.path)})

    assert status == 0, said
    assert said["well"] is True
    live = said["findings"][-1]
    assert live["subject"] == "live"
    assert live["text"].startswith(f"handed off in OpenCode {opencode.version} in ")
    assert sorted(sandbox.config_folder.rglob("*")) == before
    assert not (sandbox.home / ".local/state/handoff-sidecar/briefs").exists(), "the handoff was made in the real home"


def test_on_a_broken_one_the_exit_status_says_so(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox("sick")
    file = sandbox.config_folder / "plugin" / "handoff-sidecar.js"
    file.write_text(file.read_text().replace(sys.executable, "/gone/bin/python3"))

    status, said = doctor(sandbox, extra={})

    assert status == 1
    broken = {finding["subject"]: finding for finding in said["findings"] if finding["mark"] == "broken"}
    assert set(broken) == {"plugin", "sidecar"}
    assert broken["plugin"]["next_step"] == "run `handoff-sidecar install`, then restart OpenCode"

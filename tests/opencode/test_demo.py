"""In the real OpenCode: what `make demo` and the README show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from handoff_sidecar.demo.binary import ENVIRONMENT_VARIABLE, OpenCodeBinary

README = Path(__file__).parents[2] / "README.md"


def test_the_demo_makes_the_prompt_that_the_readme_shows(opencode: OpenCodeBinary, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "handoff_sidecar", "demo"],
        env={**os.environ, ENVIRONMENT_VARIABLE: str(opencode.path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    prompt = "\n".join(re.findall(r"(?m)^  \| ?(.*)$", done.stdout))
    shown = re.search(r"(?s)```\n(## Session Handoff.*?)\n```", README.read_text(encoding="utf-8"))
    assert shown is not None
    assert without_ids(prompt) == without_ids(shown[1])
    assert "Handoff: Auth flow for the dashboard" in done.stdout
    assert re.search(r"time +\d+ ms", done.stdout)
    assert list(tmp_path.glob("handoff-*")) == [], "the demo left something behind"


def without_ids(text: str) -> str:
    return re.sub(r"ses_\w+|\b[0-9a-f]{7}\b", "…", text)

"""What the tests of what goes along have in common."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from fake_opencode import FakeOpenCode

from handoff_sidecar.call.context import ToolResult

RULE = "No new dependencies."
HandOff = Callable[..., Awaitable[ToolResult]]


def prompt_of(opencode: FakeOpenCode, result: ToolResult) -> str:
    return str(opencode.messages[result.metadata["sessionID"]][0]["parts"][0]["text"])


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)

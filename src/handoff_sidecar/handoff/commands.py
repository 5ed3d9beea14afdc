"""The command that a session ended on, if it failed.

Knows OpenCode's record of its `bash` tool, and nothing of what the commands do.
"""

from __future__ import annotations

from dataclasses import dataclass

from handoff_sidecar.handoff.files import EDITING_TOOLS
from handoff_sidecar.handoff.plain_text import one_line
from handoff_sidecar.opencode.models import Message, ToolState

COMMAND_MAX_CHARACTERS = 120
LAST_LINE_MAX_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class FailedCommand:
    """A command, its exit status (never 0), and the last line that it printed."""

    command: str
    exit_status: int
    last_line: str


def failed_at_the_end(messages: list[Message]) -> FailedCommand | None:
    """The newest command, if it failed and no file was edited since: what was edited may have mended it."""
    for message in reversed(messages):
        for part in reversed(message.parts):
            if part.type != "tool" or part.state is None or part.state.status != "completed":
                continue
            if part.tool in EDITING_TOOLS:
                return None
            if part.tool == "bash":
                return _failure(part.state)
    return None


def _failure(state: ToolState) -> FailedCommand | None:
    command, status = state.input.get("command"), state.metadata.get("exit")
    if not isinstance(command, str) or not isinstance(status, int) or status == 0:
        return None
    printed = state.metadata.get("output")
    lines = [line for line in str(printed or state.output or "").splitlines() if line.strip()]
    return FailedCommand(
        command=one_line(command, COMMAND_MAX_CHARACTERS),
        exit_status=status,
        last_line=one_line(lines[-1], LAST_LINE_MAX_CHARACTERS) if lines else "",
    )

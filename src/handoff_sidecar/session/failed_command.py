"""The command that a session ended on, if it failed.

Knows how OpenCode records its `bash` tool, but not what commands do.
"""

from __future__ import annotations

from handoff_sidecar.opencode.messages import Message, ToolState
from handoff_sidecar.session.files import EDITING_TOOLS
from handoff_sidecar.text.plain_text import code, one_line

COMMAND_MAX_CHARACTERS = 120
LAST_LINE_MAX_CHARACTERS = 200

ANSWERED_NO = 1
"""The exit status of `grep`, `diff -q`, `test` and the like for "no": with nothing printed, nothing has failed."""

_NO_OUTPUT = "(no output)"
"""What OpenCode records of a command that printed nothing (seen in 1.18.34)."""


def failed_at_the_end(messages: list[Message]) -> str:
    """The newest command with its exit status and the last line that it printed, if it failed; else nothing.

    Nor is there anything to tell if a file was edited since: an edit may have fixed it.

    A command that printed nothing and ended with 1 is skipped: most likely it asked something, and the answer was no.
    """
    for message in reversed(messages):
        for part in reversed(message.parts):
            if part.type != "tool" or part.state is None or part.state.status != "completed":
                continue
            if part.tool in EDITING_TOOLS:
                return ""
            if part.tool == "bash" and (_printed(part.state) or part.state.metadata.get("exit") != ANSWERED_NO):
                return _failure(part.state)
    return ""


def has_run(messages: list[Message]) -> bool:
    """Whether any command was run."""
    return any(part.tool == "bash" for message in messages for part in message.parts)


def _failure(state: ToolState) -> str:
    command, status = state.input.get("command"), state.metadata.get("exit")
    if not isinstance(command, str) or not isinstance(status, int) or status == 0:
        return ""
    lines = _printed(state)
    said = f": {one_line(lines[-1], LAST_LINE_MAX_CHARACTERS)}" if lines else ""
    return f"{code(one_line(command, COMMAND_MAX_CHARACTERS))}, exit status {status}{said}"


def _printed(state: ToolState) -> list[str]:
    """The lines that a command printed."""
    printed = str(state.metadata.get("output") or state.output or "").strip()
    return [line for line in printed.splitlines() if line.strip()] if printed != _NO_OUTPUT else []

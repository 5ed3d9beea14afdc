"""Turns a transcript of Claude Code into a session of OpenCode's form.

`python -m benchmarks.claude_code TRANSCRIPT OUT` reads a `.jsonl` file as Claude Code keeps it in `~/.claude/projects`,
and writes a `.json` that `python -m benchmarks fidelity --sessions` takes. Tools and their inputs get OpenCode's names,
and a call that was refused says so in OpenCode's words. Subagents' own messages are left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.errors import BadInput
from handoff_sidecar.demo.record import identifier

_INPUT_NAMES = {
    "file_path": "filePath",
    "old_string": "oldString",
    "new_string": "newString",
    "replace_all": "replaceAll",
}
_REFUSED = "The user doesn't want to proceed with this tool use."
_SAID_WHY = "the user said:\n"
_FEEDBACK = "The user rejected permission to use this specific tool call with the following feedback: "
_MODEL = {"providerID": "anthropic", "modelID": "claude-code"}
_NOT_TYPED = ("<command-", "<local-command", "<system-reminder>", "Caveat: ")
"""How texts begin that Claude Code writes for the person."""


def session_of(lines: Iterable[str], name: str) -> dict[str, Any]:
    """The session, as `opencode export` writes one.

    Raises:
        BadInput: a line is no JSON, or there is no message.
    """
    entries = [entry for number, line in enumerate(lines, start=1) if line.strip() and (entry := _entry(line, number))]
    if not entries:
        raise BadInput(f"{name} has no messages: give a transcript of Claude Code, one JSON object a line")
    builder = _Builder(f"ses_{''.join(filter(str.isalnum, name))}", entries[0].get("cwd") or "/")
    for entry in entries:
        builder.take(entry)
    return builder.session(name)


def _entry(line: str, number: int) -> dict[str, Any] | None:
    """A line that is a message of the session's own."""
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise BadInput(f"line {number} is no JSON: {error}") from error
    is_message = isinstance(entry, dict) and entry.get("type") in {"user", "assistant"} and "message" in entry
    return entry if is_message and not entry.get("isSidechain") and not entry.get("isMeta") else None


class _Builder:
    """A session that grows by entries of a transcript."""

    def __init__(self, session_id: str, directory: str) -> None:
        self._id, self._directory = session_id, directory
        self._messages: list[dict[str, Any]] = []
        self._calls: dict[str, dict[str, Any]] = {}
        self._numbers = count()
        self._newest_user = ""

    def take(self, entry: dict[str, Any]) -> None:
        """Add what an entry says, or what came of a call."""
        content = entry["message"].get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        for block in blocks:
            if block.get("type") == "tool_result":
                self._answered(block)
        said = [block for block in blocks if block.get("type") in {"text", "thinking", "tool_use"}]
        if entry["type"] == "user":
            said = [block for block in said if not str(block.get("text", "")).lstrip().startswith(_NOT_TYPED)]
        if said:
            message = self._message(entry)
            message["parts"] += [part for block in said if (part := self._part(block, message))]

    def session(self, name: str) -> dict[str, Any]:
        """All of it."""
        times = [message["info"]["time"]["created"] for message in self._messages]
        info = {"id": self._id, "title": name, "directory": self._directory, "projectID": "x", "version": "1.18.34"}
        return {"info": {**info, "time": {"created": times[0], "updated": times[-1]}}, "messages": self._messages}

    def _message(self, entry: dict[str, Any]) -> dict[str, Any]:
        created = int(datetime.fromisoformat(entry["timestamp"]).timestamp() * 1_000)
        last = self._messages[-1] if self._messages else None
        key = entry["message"].get("id") or entry.get("uuid")
        if last is not None and last["info"]["role"] == entry["type"] == "assistant" and last["info"]["key"] == key:
            return last  # one message comes as several entries
        info: dict[str, Any] = {"role": entry["type"], "time": {"created": created}, "agent": "build", "key": key}
        info["id"] = identifier("msg", created, next(self._numbers))
        info["sessionID"] = self._id
        if entry["type"] == "user":
            self._newest_user = info["id"]
            info["model"] = _MODEL
        else:
            info |= {**_MODEL, "parentID": self._newest_user, "mode": "build", "finish": "stop"}
            info["time"]["completed"] = created + 500
            info["summary"] = bool(entry.get("isCompactSummary"))
        self._messages.append({"info": info, "parts": []})
        return self._messages[-1]

    def _part(self, block: dict[str, Any], message: dict[str, Any]) -> dict[str, Any] | None:
        created = message["info"]["time"]["created"]
        part = {"id": identifier("prt", created, next(self._numbers)), "messageID": message["info"]["id"]}
        if block["type"] != "tool_use":
            text = block.get("text") or block.get("thinking") or ""
            kind = "text" if block["type"] == "text" else "reasoning"
            return {**part, "type": kind, "text": text} if text else None
        given = {_INPUT_NAMES.get(name, name): value for name, value in block.get("input", {}).items()}
        state = {"status": "completed", "input": given, "output": "", "title": "", "metadata": {}}
        state["time"] = {"start": created, "end": created}
        made = {**part, "type": "tool", "tool": block["name"].lower(), "callID": block["id"], "state": state}
        self._calls[block["id"]] = state
        return made

    def _answered(self, block: dict[str, Any]) -> None:
        state = self._calls.get(block.get("tool_use_id", ""))
        if state is None:
            return
        content = block.get("content")
        pieces = [content] if isinstance(content, str) else [str(each.get("text", "")) for each in content or []]
        output = "\n".join(pieces)
        if block.get("is_error"):
            state |= {"status": "error", "error": _in_words_of_opencode(output)}
            del state["output"]
        else:
            state["output"] = output


def _in_words_of_opencode(error: str) -> str:
    """A refusal as OpenCode stores it, with what the person said."""
    if not error.startswith(_REFUSED):
        return error
    said = error.partition(_SAID_WHY)[2].strip()
    return f"{_FEEDBACK}{said}" if said else "The user rejected permission to use this specific tool call."


def _lines_of(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from file


def main(words: Sequence[str] | None = None) -> int:
    """Convert one transcript; the exit code."""
    given = sys.argv[1:] if words is None else list(words)
    if len(given) != 2:  # noqa: PLR2004  # what to read, and what to write
        print(__doc__, file=sys.stderr)
        return 2
    source, out = map(Path, given)
    try:
        session = session_of(_lines_of(source), source.stem)
        out.write_text(json.dumps(session, ensure_ascii=False, indent=1), encoding="utf-8")
    except (OSError, UnicodeDecodeError, BadInput) as error:
        print(f"error: {source}: {error}", file=sys.stderr)
        return 1
    print(f"{len(session['messages'])} messages written to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

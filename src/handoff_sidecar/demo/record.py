"""A session as `opencode export` writes it, built turn by turn, for the demonstration and the benchmarks.

Owns ids, times and the shape of messages (seen in 1.18.33). Does not know what is said in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from handoff_sidecar.demo.scripted_model import MODEL_ID, PROVIDER_ID
from handoff_sidecar.opencode.versions import NEWEST_TRIED

TURN_MS = 30_000
"""From one question to the next: 5,000 turns are two days of work."""

_ID_TIME = (1 << 48) - 1
"""OpenCode's ids begin with the time in milliseconds × 0x1000, cut to 48 bits."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that has ended: its input, what came out, and its title in the TUI."""

    tool: str
    input: dict[str, Any]
    output: str = ""
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class GrowingSession:
    """A session that grows by turns.

    Attributes:
        started_ms: when its first turn was; a session that is to be gone on with must end before now.
    """

    session_id: str
    title: str
    directory: str
    started_ms: int
    messages: list[dict[str, Any]] = field(default_factory=list)
    _turns: int = 0

    def turn(self, asked: str, *steps: tuple[str, Sequence[Call]], answer: str = "") -> None:
        """A question, steps of text and tool calls, and the answer that ends the turn."""
        user = self._message("user", 0, agent="build", model={"providerID": PROVIDER_ID, "modelID": MODEL_ID})
        user["parts"].append(self._part(user, type="text", text=asked))
        self.messages.append(user)
        for number, (text, calls) in enumerate([*steps, (answer, ())], start=1):
            last = number > len(steps)
            assistant = self._assistant(user, number, finish="stop" if last else "tool-calls")
            if text:
                assistant["parts"].append(self._part(assistant, type="text", text=text))
            for call in calls:
                assistant["parts"].append(self._tool_part(assistant, call))
            self.messages.append(assistant)
        self._turns += 1

    def compaction(self, summary: str) -> None:
        """What OpenCode leaves when it compacts by itself: from here on the model sees the summary alone."""
        user = self._message("user", 0, agent="build", model={"providerID": PROVIDER_ID, "modelID": MODEL_ID})
        user["parts"].append(self._part(user, type="compaction", auto=True))
        assistant = self._assistant(user, 1, finish="stop", mode="compaction", agent="compaction", summary=True)
        assistant["parts"].append(self._part(assistant, type="text", text=summary))
        self.messages += [user, assistant]
        self._turns += 1

    def exported(self, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # what a session can have
        """As `opencode import` takes it, with further fields of the session. Its project is OpenCode's to find out."""
        info = {
            "id": self.session_id,
            "slug": self.session_id.lower(),
            "title": self.title,
            "directory": self.directory,
            "projectID": "global",
            "version": str(NEWEST_TRIED),
            "time": {"created": self.started_ms, "updated": self._now},
            **fields,
        }
        return {"info": info, "messages": self.messages}

    @property
    def _now(self) -> int:
        return self.started_ms + self._turns * TURN_MS

    def _assistant(self, user: dict[str, Any], step: int, *, finish: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
        created = self._now + step * 1_000
        return self._message(
            "assistant",
            step,
            **{
                "parentID": user["info"]["id"],
                "agent": "build",
                "mode": "build",
                "providerID": PROVIDER_ID,
                "modelID": MODEL_ID,
                "path": {"cwd": self.directory, "root": self.directory},
                "cost": 0,
                "tokens": {"input": 1_000, "output": 50, "reasoning": 0, "cache": {"read": 0, "write": 0}},
                "finish": finish,
                "time": {"created": created, "completed": created + 500},
                **fields,
            },
        )

    def _message(self, role: str, step: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
        created = self._now + step * 1_000
        message_id = identifier("msg", created, len(self.messages) + step)
        info = {"id": message_id, "sessionID": self.session_id, "role": role, "time": {"created": created}, **fields}
        return {"info": info, "parts": []}

    def _tool_part(self, message: dict[str, Any], call: Call) -> dict[str, Any]:
        created = message["info"]["time"]["created"]
        state = {
            "status": "completed",
            "input": call.input,
            "output": call.output,
            "title": call.title,
            "metadata": call.metadata,
            "time": {"start": created, "end": created + 400},
        }
        call_id = f"call_{len(self.messages)}_{len(message['parts'])}"
        return self._part(message, type="tool", callID=call_id, tool=call.tool, state=state)

    def _part(self, message: dict[str, Any], **fields: Any) -> dict[str, Any]:  # noqa: ANN401
        info, number = message["info"], len(message["parts"])
        part_id = identifier("prt", info["time"]["created"] + number, len(self.messages) * 100 + number)
        return {"id": part_id, "sessionID": self.session_id, "messageID": info["id"], **fields}


def identifier(kind: str, milliseconds: int, number: int) -> str:
    """An id of OpenCode's form, of which later ones are greater."""
    return f"{kind}_{(milliseconds * 0x1000) & _ID_TIME:012x}{number:014d}"

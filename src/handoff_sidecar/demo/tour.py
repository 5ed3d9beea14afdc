"""The short demonstration: what a handoff changes, in 30 lines and half a minute, in a real OpenCode.

Owns what is shown and in which order. Every value is read back from OpenCode's API when it is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handoff_sidecar.demo.morning import FACT, PERMISSION, SESSION_ID
from handoff_sidecar.demo.processes import SandboxFailed
from handoff_sidecar.demo.provenance import Stored, lines_with_sources
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.screen import Screen
from handoff_sidecar.demo.script import HANDOFF_GOAL, LAST_REQUEST, WAKER, WAKER_FILE, WAKING
from handoff_sidecar.demo.server import Server, serving, until
from handoff_sidecar.installation.plugin_file import install
from handoff_sidecar.settings import add_setting
from handoff_sidecar.text.tokens import Tokenizer

SECOND_GOAL = "fix the flaky test"

_DIES_ONCE_ITS_BRIEF_IS_ON_DISK = f"""
import os, signal
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.sidecar.process import run_on_stdio

begin = Journal.begin

def begin_and_die(self, handoff):
    begun = begin(self, handoff)
    if {SECOND_GOAL!r} in handoff.prompt:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    return begun

Journal.begin = begin_and_die
run_on_stdio()
"""
"""A sidecar that is killed, as another process could kill it, at the one moment that matters."""


@dataclass(frozen=True, slots=True)
class Tour:
    """A sandbox on the way through the demonstration."""

    server: Server
    screen: Screen

    def show(self) -> None:
        """All of it."""
        old = self._old_session()
        made = self._handoff(old)
        self._question(made)
        self._woken(old)
        self._killed()

    def _old_session(self) -> str:
        self.screen.begin("the old session")
        self.server.say(SESSION_ID, LAST_REQUEST)
        session, messages = self.server.get(f"/session/{SESSION_ID}"), self.server.messages(SESSION_ID)
        self.screen.line(session["title"])
        self.screen.line(f"{len(messages)} messages · {self._fullness(messages)} · {_worker(messages)}")
        return SESSION_ID

    def _handoff(self, old: str) -> str:
        typed = f"handoff {HANDOFF_GOAL}"
        self.screen.begin("you type", typed)
        self.screen.begin("the new session")
        self.server.say(old, typed)
        call = self.server.tool_call(old, "session_handoff")
        if call["status"] != "completed":
            raise SandboxFailed(f"the demonstration's handoff failed: {call.get('error')}")
        made = call["metadata"]["sessionID"]
        new, ended = self.server.get(f"/session/{made}"), call["time"]["end"]
        at_first = [each for each in self.server.messages(made) if each["info"]["time"]["created"] <= ended]
        began_with = [each for each in at_first if each["info"]["role"] == "user"]
        messages = self.server.wait_for_the_end_of_the_turn(made)
        self.screen.line(new["title"])
        count = f"{len(began_with)} message{'s' * (len(began_with) != 1)}"
        took = f"made in {ended - call['time']['start']:.0f} ms"
        self.screen.line(f"{count} · {self._fullness(messages[:2])} · {self._kept(old, made)} · {took}")
        prompt = messages[0]["parts"][0]["text"]
        self.screen.begin("its prompt", f"{call['metadata']['tokens']} tokens, and where each line comes from")
        for line, source in lines_with_sources(prompt.partition("\n---\n")[0], self._stored(old, call)):
            self.screen.prompt_line(line, source)
        return str(made)

    def _question(self, made: str) -> None:
        call = self.server.tool_call(made, "read_session")
        tokens, messages = Tokenizer().count(call["output"]), len(self.server.messages(SESSION_ID))
        asked = f'read_session("{call["input"]["query"]}")'
        self.screen.begin("it looks up", f"{asked} → {tokens:,} tokens, out of {messages} messages")
        lines = [line.strip() for line in call["output"].splitlines() if FACT in line]
        # A line in brackets is a passage's place, which quotes what was asked.
        answer = next((line for line in lines if not line.startswith("[")), "nothing was found")
        self.screen.line(f"→ {answer}")

    def _woken(self, old: str) -> None:
        self.screen.begin("another plugin", f'wakes the old agent: "{WAKING}"')
        write = until(lambda: self._write_after_waking(old), failed="the old agent was not woken")
        name = Path(write["input"]["filePath"]).name
        refused = write["status"] == "error"
        said = f"refused: {str(write['error']).partition('. ')[0]}" if refused else "DONE, it was not refused"
        self.screen.line(f"write {name} → {said}", good=refused)

    def _write_after_waking(self, old: str) -> dict[str, Any] | None:
        messages = self.server.messages(old)
        woken = next((n for n, each in enumerate(messages) if WAKING in _text(each)), len(messages))
        parts = (part for message in messages[woken:] for part in message["parts"] if part.get("tool") == "write")
        return next((part["state"] for part in parts if part["state"]["status"] in {"completed", "error"}), None)

    def _killed(self) -> None:
        typed = f"handoff {SECOND_GOAL}"
        self.screen.begin("you type", f"{typed}, and the sidecar is killed half-way")
        other = self.server.new_session(title="Flaky test")
        self.server.say(other, "A test fails now and then.", noReply=True)
        self.server.say(other, typed)
        if self.server.tool_call(other, "session_handoff")["status"] != "error":
            raise SandboxFailed("the demonstration's handoff could not be interrupted")
        before = len(self._made_from(other))
        self.server.http.post(f"/session/{other}/command", json={"command": "handoff-resume", "arguments": ""})
        made = until(lambda: self._made_from(other) or None, failed="`/handoff-resume` made no session")
        prompt = _text(self.server.messages(made[0]["id"])[0])
        whole = SECOND_GOAL in prompt
        self.screen.line(f"kill -9, as soon as its brief was on disk · sessions begun by then: {before}")
        count = f"{len(made)} session{'s' * (len(made) != 1)}"
        self.screen.line(
            f"/handoff-resume → {count}, {'its goal in its prompt' if whole else 'WITHOUT ITS GOAL'}",
            good=whole and len(made) == 1,
        )

    def _made_from(self, session_id: str) -> list[dict[str, Any]]:
        sessions = self.server.get("/session")
        return [each for each in sessions if (each.get("metadata") or {}).get("handoff", {}).get("from") == session_id]

    def _fullness(self, messages: list[dict[str, Any]]) -> str:
        """How many tokens the newest answer took, of how many the model can hold."""
        info = next(each["info"] for each in reversed(messages) if each["info"]["role"] == "assistant")
        tokens = info["tokens"]["input"] + info["tokens"]["output"]
        providers = self.server.get("/config/providers")["providers"]
        models = next(each["models"] for each in providers if each["id"] == info["providerID"])
        return f"{tokens:,} of {models[info['modelID']]['limit']['context']:,} tokens"

    def _kept(self, old: str, made: str) -> str:
        """What the new session has in common with the old one."""
        (before, after), kept = (
            ((self.server.get(f"/session/{each}"), self.server.messages(each)) for each in (old, made)),
            [],
        )
        if _worker(before[1]) == _worker(after[1]):
            kept.append("agent, model")
        if before[0].get("permission") == after[0].get("permission") == PERMISSION:
            kept.append("permissions")
        return f"same {', '.join(kept)}" if kept else "NOTHING is the same"

    def _stored(self, old: str, call: dict[str, Any]) -> Stored:
        messages = self.server.messages(old)
        before = [each for each in messages if each["info"]["time"]["created"] <= call["time"]["end"]]
        written = (
            part["state"]["input"]["filePath"]
            for message in before
            for part in message["parts"]
            if part.get("tool") in {"edit", "write"} and part["state"]["status"] == "completed"
        )
        return Stored(
            said="\n".join(_text(each) for each in before if each["info"]["role"] == "user"),
            given=call["input"],
            todos=tuple(todo["content"] for todo in self.server.get(f"/session/{old}/todo")),
            written=frozenset(written),
            commit=self.server.sandbox.git("rev-parse", "--short", "HEAD").strip(),
        )


@contextmanager
def touring(sandbox: Sandbox, screen: Screen) -> Iterator[Tour]:
    """The sandbox with the plugin that wakes agents, and a sidecar that is killed once; serving."""
    add_setting(
        sandbox.config_folder,
        "command",
        [sys.executable, "-P", "-c", _DIES_ONCE_ITS_BRIEF_IS_ON_DISK],
    )
    install(sandbox.config_folder)
    sandbox.plugin_file(WAKER_FILE, WAKER)
    with serving(sandbox) as server:
        yield Tour(server, screen)


def _worker(messages: list[dict[str, Any]]) -> str:
    """Agent and model of the newest answer."""
    info = next(each["info"] for each in reversed(messages) if each["info"]["role"] == "assistant")
    return f"{info['agent']} · {info['providerID']}/{info['modelID']}"


def _text(message: dict[str, Any]) -> str:
    return "\n".join(part["text"] for part in message["parts"] if part["type"] == "text" and not part.get("synthetic"))

"""Hands sessions off with a real model, in a real OpenCode, and looks at what came of it.

All that is told is read back from OpenCode. Knows nothing of how it is shown.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from benchmarks.errors import MeasuringFailed
from benchmarks.real_home import ModelName
from benchmarks.real_sessions import FACTS, RULE, Typed, old_session
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.handoff.definition import SESSION_HANDOFF
from handoff_sidecar.reading.definition import READ_SESSION

TURN_TIMEOUT_S = 300.0
"""A slow model's longest turn."""

MOST_REQUESTS = 10
"""A session that went on for longer is stopped: each request costs the reader money."""

POLL_INTERVAL_S = 0.2
AGE_MS = 2 * 3_600_000
"""How long ago the old sessions were begun; their last turn lies in the past."""

OLD, PLANNED = "ses_realmodelold000000000000", "ses_realmodelplan00000000000"
_WRITING = ("write", "edit", "apply_patch", "patch")


@dataclass(frozen=True, slots=True)
class Usage:
    """What was asked of the model.

    Attributes:
        input_tokens: those from its cache too.
        cost: in dollars, as OpenCode reckons it from the model's prices; 0 where it knows none.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost + other.cost,
        )


@dataclass(frozen=True, slots=True)
class Handoff:
    """One typed handoff and what came of it.

    Attributes:
        at_first: whether the model's first answer was a valid call.
        arguments: what the agent filled in; empty without a valid call.
        queries: what the new session's agent asked `read_session`.
        was_found: whether the fact stood in one of the answers; None where the task needs none, or nothing was made.
        was_used: whether it stands in what the agent wrote.
        rule_handed_on: whether the user's rule stands in the new session's prompt.
        rule_kept: whether it stands in each TypeScript file that the agent wrote; None if it wrote none.
    """

    typed: Typed
    at_first: bool
    arguments: dict[str, Any] = field(default_factory=dict)
    made: str = ""
    agent: str = ""
    prompt: str = ""
    queries: tuple[dict[str, Any], ...] = ()
    was_found: bool | None = None
    was_used: bool | None = None
    rule_handed_on: bool | None = None
    rule_kept: bool | None = None
    usage: Usage = Usage()

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Compaction:
    """The same task in the same session after OpenCode's own `/compact`."""

    typed: Typed
    was_used: bool | None
    rule_kept: bool | None
    usage: Usage

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Model:
    """The model as the server offers it."""

    name: ModelName
    prices: dict[str, float]
    """Dollars for a million tokens: `input`, `output`; empty where OpenCode knows none."""


def find_model(http: httpx.Client, name: ModelName) -> Model | None:
    """The model with its prices, or None if this OpenCode doesn't offer it."""
    for provider in _checked(http.get("/config/providers"))["providers"]:
        if provider["id"] == name.provider and name.model in provider["models"]:
            cost = provider["models"][name.model].get("cost") or {}
            prices = {kind: float(cost[kind]) for kind in ("input", "output") if cost.get(kind)}
            return Model(name, prices)
    return None


def import_old_sessions(sandbox: Sandbox, model: ModelName) -> None:
    """Both old sessions, as this OpenCode's own."""
    started_ms = int(time.time() * 1_000) - AGE_MS
    for session_id, plan in ((OLD, False), (PLANNED, True)):
        record = old_session(session_id, model, str(sandbox.project), started_ms, plan=plan)
        sandbox.import_session(record.exported())


def hand_off(http: httpx.Client, model: ModelName, typed: Typed) -> Handoff:
    """Type it in a session of its own, and let the new session do its first turn."""
    old, before = _fork(http, typed)
    _say(http, old, model, typed.text, typed)
    after = _messages(http, old)[before:]
    answers = [message for message in after if message["info"]["role"] == "assistant"]
    calls = [part["state"] for part in _parts(answers, SESSION_HANDOFF.name)]
    done = next((state for state in calls if state["status"] == "completed"), None)
    first = [part["state"]["status"] for part in _parts(answers[:1], SESSION_HANDOFF.name)]
    made = (_checked(http.get(f"/session/{old}")).get("metadata") or {}).get("handoff", {}).get("to", "")
    if not made:
        return Handoff(typed, at_first=False, usage=_usage(answers))
    messages = _until_done(http, made)
    wrote, read = _written(messages), [part["state"] for part in _parts(messages, READ_SESSION.name)]
    prompt = "\n".join(part.get("text", "") for part in messages[0]["parts"] if part["type"] == "text")
    return Handoff(
        typed,
        at_first="completed" in first,
        arguments=done["input"] if done else {},
        made=made,
        agent=messages[0]["info"]["agent"],
        prompt=prompt,
        queries=tuple(state["input"] for state in read),
        was_found=_holds(FACTS, [str(state.get("output", "")) for state in read]) if typed.needs_fact else None,
        was_used=_holds(FACTS, wrote.values()) if typed.needs_fact else None,
        rule_handed_on=RULE in prompt if typed.kind == "with a rule" else None,
        rule_kept=_rule_kept(wrote) if typed.kind == "with a rule" else None,
        usage=_usage(answers) + _usage(messages),
    )


def compact(http: httpx.Client, model: ModelName, typed: Typed) -> Compaction:
    """Compact the same session, then ask for the same task in it."""
    old, before = _fork(http, typed)
    body = {"providerID": model.provider, "modelID": model.model}
    _checked(http.post(f"/session/{old}/summarize", json=body))
    _until_idle(http, old)
    _say(http, old, model, typed.task, typed)
    after = _messages(http, old)[before:]
    wrote = _written(after)
    return Compaction(
        typed,
        was_used=_holds(FACTS, wrote.values()) if typed.needs_fact else None,
        rule_kept=_rule_kept(wrote) if typed.kind == "with a rule" else None,
        usage=_usage(after),
    )


def run(
    http: httpx.Client, model: ModelName, handoffs: tuple[Typed, ...], say: Callable[[str], None]
) -> tuple[list[Handoff], list[Compaction]]:
    """All handoffs, and a compaction for each different task that needs a fact or a rule."""
    done = []
    for number, typed in enumerate(handoffs, start=1):
        say(f"{number}/{len(handoffs)}  {typed.text}")
        done.append(hand_off(http, model, typed))
    compared = list({typed.task: typed for typed in handoffs if typed.task}.values())
    compacted = []
    for typed in compared:
        say(f"/compact, then: {typed.task}")
        compacted.append(compact(http, model, typed))
    return done, compacted


def _fork(http: httpx.Client, typed: Typed) -> tuple[str, int]:
    """A copy of the old session, and how many messages it has."""
    original = PLANNED if typed.kind == "from plan to build" else OLD
    fork = str(_checked(http.post(f"/session/{original}/fork", json={}))["id"])
    return fork, len(_messages(http, fork))


def _say(http: httpx.Client, session_id: str, model: ModelName, text: str, typed: Typed) -> None:
    body = {
        "parts": [{"type": "text", "text": text}],
        "agent": "plan" if typed.kind == "from plan to build" and text == typed.text else "build",
        "model": {"providerID": model.provider, "modelID": model.model},
    }
    before = len(_messages(http, session_id))
    _checked(http.post(f"/session/{session_id}/prompt_async", json=body))
    _until_done(http, session_id, before)


def _until_done(http: httpx.Client, session_id: str, before: int = 0) -> list[dict[str, Any]]:
    """The session's messages, once its agent is done or has had its requests.

    Args:
        before: how many messages there were before the turn, as a prompt is stored a moment after it was sent.
    """
    messages: list[dict[str, Any]] = []
    for _ in _waiting(f"the turn in {session_id}"):
        messages = _messages(http, session_id)
        turn = _newest_turn(messages[before:])
        if len(turn) >= MOST_REQUESTS:
            _checked(http.post(f"/session/{session_id}/abort"))
        is_over = bool(turn) and (turn[-1].get("error") or turn[-1].get("finish") not in {None, "tool-calls"})
        if is_over and session_id not in _checked(http.get("/session/status")):
            break
    return messages


def _newest_turn(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the agent has answered to the newest message of the user's."""
    infos = [message["info"] for message in messages]
    newest = max((place for place, info in enumerate(infos) if info["role"] == "user"), default=-1)
    return [info for info in infos[newest + 1 :] if info["role"] == "assistant"]


def _until_idle(http: httpx.Client, session_id: str) -> None:
    for _ in _waiting(f"{session_id} to come to rest"):
        if session_id not in _checked(http.get("/session/status")):
            break


def _waiting(what: str) -> Iterator[None]:
    deadline = time.monotonic() + TURN_TIMEOUT_S
    while time.monotonic() < deadline:
        yield
        time.sleep(POLL_INTERVAL_S)
    raise MeasuringFailed(f"waited {TURN_TIMEOUT_S:.0f} s for {what}; nothing more is asked of the model")


def _messages(http: httpx.Client, session_id: str) -> list[dict[str, Any]]:
    return list(_checked(http.get(f"/session/{session_id}/message")))


def _parts(messages: list[dict[str, Any]], tool: str) -> list[dict[str, Any]]:
    parts = [part for message in messages for part in message["parts"]]
    return [part for part in parts if part["type"] == "tool" and part["tool"] == tool]


def _written(messages: list[dict[str, Any]]) -> dict[str, str]:
    """What was written into which file, as far as it was done; a patch goes by its text."""
    wrote: dict[str, str] = {}
    for tool in _WRITING:
        for part in _parts(messages, tool):
            if part["state"]["status"] == "completed":
                given = part["state"]["input"]
                path = str(given.get("filePath", given.get("patchText", "")))
                wrote[path] = wrote.get(path, "") + json.dumps(given, ensure_ascii=False)
    return wrote


def _holds(facts: tuple[str, ...], texts: Any) -> bool:  # noqa: ANN401  # any texts, in any order
    together = "\n".join(texts)
    return all(fact in together for fact in facts)


def _rule_kept(wrote: dict[str, str]) -> bool | None:
    typescript = [text for path, text in wrote.items() if ".ts" in path]
    return all(RULE in text for text in typescript) if typescript else None


def _usage(messages: list[dict[str, Any]]) -> Usage:
    used = Usage()
    for message in messages:
        info = message["info"]
        if info["role"] == "assistant":
            tokens = info.get("tokens") or {}
            cache = tokens.get("cache") or {}
            given = tokens.get("input", 0) + cache.get("read", 0) + cache.get("write", 0)
            used += Usage(1, given, tokens.get("output", 0) + tokens.get("reasoning", 0), info.get("cost") or 0.0)
    return used


def _checked(response: httpx.Response) -> Any:  # noqa: ANN401  # OpenCode's JSON as it is
    if response.is_error:
        raise MeasuringFailed(
            f"OpenCode answered {response.status_code} to {response.request.url.path}: {response.text[:500]}"
        )
    return response.json() if response.content else None

"""An OpenAI-compatible chat model on loopback whose answers are written in Python.

Owns the HTTP and server-sent-events side of `POST /v1/chat/completions`; what is answered is decided by the
function it is given. Knows nothing of OpenCode beyond what OpenCode's bundled `@ai-sdk/openai-compatible`
provider asks for (seen in 1.18.33).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any, Self

MODEL_ID = "m1"
PROVIDER_ID = "scripted"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model makes: the tool's name and its arguments."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model: text, tool calls, and the prompt tokens that it reports as used.

    Attributes:
        deltas: how many pieces the text is streamed in.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    input_tokens: int = 1_000
    output_tokens: int = 50
    deltas: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """An HTTP error in place of an answer, as a provider that is down or refuses would give."""

    status: int
    message: str = "the scripted model was told to fail"


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What the model was asked, as it came over the wire (OpenAI's chat completion request)."""

    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation, oldest first."""
        return list(self.body.get("messages", []))

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tool definitions that came with the request."""
        return list(self.body.get("tools", []))

    def last_text(self, role: str) -> str:
        """The text of the newest message with this role, or an empty string."""
        return "\n".join(self.last_parts(role))

    def last_parts(self, role: str) -> list[str]:
        """The texts that the newest message with this role is made of: what was typed, then what was added to it."""
        for message in reversed(self.messages):
            if message.get("role") == role:
                return _texts(message)
        return []

    @property
    def replies_in_this_turn(self) -> int:
        """How many of the model's own replies have followed the newest user message."""
        roles = [message.get("role") for message in self.messages]
        newest = len(roles) - roles[::-1].index("user") if "user" in roles else 0
        return roles[newest:].count("assistant")


def _texts(message: dict[str, Any]) -> list[str]:
    """The texts in a chat message: one if its content is a string, else those of its parts."""
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    return [part.get("text", "") for part in content or [] if part.get("type") == "text"]


Script = Callable[[ChatRequest], Reply | Failure]


def playbook(turns: Mapping[str, Sequence[Reply]], title: str = "A title") -> Script:
    """Answers by what the newest user message holds; within a turn, one reply after another."""

    def reply(request: ChatRequest) -> Reply:
        asked = request.last_text("user")
        replies = next((replies for key, replies in turns.items() if key in asked), ())
        return next_reply(request, title, replies)

    return reply


def next_reply(request: ChatRequest, title: str, turn: Sequence[Reply]) -> Reply:
    """The reply that comes next in a turn; a request without tools asks for the session's title."""
    if not request.tools:
        return Reply(title, output_tokens=8)
    done = request.replies_in_this_turn
    return turn[done] if done < len(turn) else Reply("Done.")


@dataclass
class ScriptedModel:
    """A running model: `with ScriptedModel(script) as model: … model.base_url`.

    `script` is called once for each request, on a thread of its own; `requests` keeps what was asked.
    """

    script: Script
    requests: list[ChatRequest] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        model = self

        class Handler(_Handler):
            def answer(self, request: ChatRequest) -> Reply | Failure:
                model.requests.append(request)
                return model.script(request)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="scripted-model", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def base_url(self) -> str:
        """The `baseURL` for OpenCode's provider options."""
        if self._server is None:
            raise RuntimeError("the scripted model is not running: use it in a with statement")
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, request: ChatRequest) -> Reply | Failure:
        raise NotImplementedError

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        request = ChatRequest(json.loads(self.rfile.read(length)))
        reply = self.answer(request)
        try:
            if isinstance(reply, Failure):
                self._send_failure(reply)
            else:
                self._send_events(reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # OpenCode gave up on the answer (an abort): nobody is left to tell

    def _send_failure(self, failure: Failure) -> None:
        body = json.dumps({"error": {"message": failure.message, "type": "scripted_failure"}}).encode()
        self.send_response(failure.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_events(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for chunk in _chunks(reply):
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, _format: str, *_args: object) -> None:
        """Keep quiet: the base class writes every request to stderr."""


def _chunks(reply: Reply) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": MODEL_ID, "choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    bounds = [len(reply.text) * piece // reply.deltas for piece in range(reply.deltas + 1)]
    for start, end in pairwise(bounds):
        if start < end:
            yield chunk({"content": reply.text[start:end]})
    for index, call in enumerate(reply.tool_calls):
        function = {"name": call.name, "arguments": json.dumps(call.arguments)}
        entry = {"index": index, "id": f"call_{index}_{id(reply)}", "type": "function", "function": function}
        yield chunk({"tool_calls": [entry]})
    yield chunk({}, "tool_calls" if reply.tool_calls else "stop")
    usage = {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }
    yield {**chunk({}), "choices": [], "usage": usage}

"""The httpx transport that reaches OpenCode from inside OpenCode.

In the TUI and in `opencode run` no port listens, so a request travels as data to the plugin, which runs it on
the host's in-process fetch. Owns the translation between httpx and that data; does not know how it travels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import httpx
from pydantic import BaseModel, ConfigDict, Field

from handoff_sidecar.errors import HandoffSidecarError

BASE_URL = "http://opencode.invalid"
"""A host that resolves nowhere (RFC 2606): through the tunnel only the path counts."""

DIRECTORY_HEADER = "x-opencode-directory"
"""Which project a request is for, URL-encoded; OpenCode's own header."""

LEAVES_HEADER = "x-handoff-leaves"
"""Which session the screen is to be taken from: the plugin's, who alone knows what each window shows."""

_CARRIED = ("content-type", LEAVES_HEADER)

ATTACH_HEADER = "x-handoff-attach"
"""The path of a message whose files the plugin adds to a prompt: what they hold never comes through the tunnel."""


class TunnelRequest(BaseModel):
    """The params of `http/request`."""

    directory: str
    method: str
    path: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None
    attach: str | None = None


class TunnelResponse(BaseModel):
    """The result of `http/request`."""

    model_config = ConfigDict(extra="ignore")

    status: int
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""


Carry = Callable[[dict[str, Any]], Awaitable[object]]
"""Takes a TunnelRequest as a dict to the host and brings its TunnelResponse back, or raises our own error."""


class TunnelTransport(httpx.AsyncBaseTransport):
    """Sends each request through `carry`.

    Raises:
        httpx.ConnectError: the host could not be reached, or does not let this endpoint through.
        httpx.ReadTimeout: no answer within the request's read timeout.
        httpx.RemoteProtocolError: the answer was not a TunnelResponse.
    """

    def __init__(self, carry: Carry) -> None:
        self._carry = carry

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request of the client that this transport belongs to."""
        body = await request.aread()
        sent = TunnelRequest(
            directory=unquote(request.headers.get(DIRECTORY_HEADER, "")),
            method=request.method,
            path=request.url.raw_path.decode("ascii"),
            headers={name: request.headers[name] for name in _CARRIED if name in request.headers},
            attach=request.headers.get(ATTACH_HEADER),
            body=body.decode() if body else None,
        )
        timeout_s = request.extensions.get("timeout", {}).get("read")
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._carry(sent.model_dump())
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no answer within {timeout_s:g} s", request=request) from error
        except HandoffSidecarError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        try:
            received = TunnelResponse.model_validate(answer)
            body_received = received.body.encode("utf-8", "replace")
            return httpx.Response(received.status, headers=received.headers, content=body_received)
        except ValueError as error:  # no such fields, or headers that no HTTP has
            raise httpx.RemoteProtocolError("the plugin's answer is not an HTTP response", request=request) from error

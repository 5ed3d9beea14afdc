"""The connection to a running `opencode serve`, from the command line.

Owns the sentences for a server that can't be reached, wants a password or is not an OpenCode, and for a session that it
doesn't know. Does not know what it is asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from handoff_sidecar.errors import HandoffSidecarError, OpenCodeRefused
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.opencode.requests import NOT_FOUND, is_session_id, over_http
from handoff_sidecar.opencode.server import DEFAULT_USERNAME, PASSWORD, USERNAME, ServerAddress, no_url

HEALTH = "/global/health"
"""Answers `{"healthy": true, "version": …}` (OpenCode 1.15.13 to 1.18.34), to whoever has the password."""

UNAUTHORIZED = 401


@asynccontextmanager
async def reached(server: ServerAddress) -> AsyncIterator[httpx.AsyncClient]:
    """The HTTP client for a server that is there, is an OpenCode, and lets us in.

    Raises:
        HandoffSidecarError: it is not so, and what to do.
    """
    try:
        client = over_http(server.url, username=server.username, password=server.password)
    except httpx.InvalidURL as error:
        raise HandoffSidecarError(no_url(server.url)) from error
    async with client as http:
        try:
            answer = await http.get(HEALTH)
        except (httpx.NetworkError, httpx.TimeoutException) as error:
            raise HandoffSidecarError(
                f"no OpenCode server answers at {server.url}. Start one with `opencode serve`, or pass its "
                "address with --url"
            ) from error
        except httpx.HTTPError as error:  # something answers, which does not speak HTTP
            raise HandoffSidecarError(_no_opencode(server)) from error
        if answer.status_code == UNAUTHORIZED:
            raise HandoffSidecarError(_locked(server))
        if not _is_healthy(answer):
            raise HandoffSidecarError(_no_opencode(server))
        yield http


@asynccontextmanager
async def session_on(server: ServerAddress, name: str) -> AsyncIterator[tuple[httpx.AsyncClient, Session]]:
    """A session of a server, and the HTTP client to read it with.

    Raises:
        HandoffSidecarError: there is no such session or no such server.
    """
    if not is_session_id(name):
        raise HandoffSidecarError(f"`{name[:80]}` is not a session id. `opencode session list` lists the ids")
    async with reached(server) as http:
        try:
            session = await OpenCodeClient(http, "").session(SessionID(name))
        except OpenCodeRefused as error:
            if error.status != NOT_FOUND:
                raise
            raise HandoffSidecarError(
                f"there is no session `{name}`. `opencode session list` lists all sessions"
            ) from error
        yield http, session


def _is_healthy(answer: httpx.Response) -> bool:
    try:
        told = answer.json()
    except ValueError:
        return False
    return answer.is_success and isinstance(told, dict) and "healthy" in told


def _no_opencode(server: ServerAddress) -> str:
    return f"{server.url} is not an OpenCode server. With --url, pass the address that `opencode serve` prints"


def _locked(server: ServerAddress) -> str:
    if server.password is None:
        return (
            f"the OpenCode server at {server.url} asks for a password. Set {PASSWORD} to the one that it was started "
            f"with (and {USERNAME}, if that is not `{DEFAULT_USERNAME}`)"
        )
    return (
        f"the OpenCode server at {server.url} refuses the password in {PASSWORD} for the user `{server.username}`. "
        f"Set {PASSWORD} and {USERNAME} to what the server was started with"
    )

"""One request to OpenCode's API: its directory, its body, and what becomes of an error; and the ids in its path.

Does not know which endpoints there are, nor whether requests go through the tunnel or over TCP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from handoff_sidecar.errors import OpenCodeRefused, OpenCodeUnreachable
from handoff_sidecar.opencode.models import MESSAGE_ID, SESSION_ID
from handoff_sidecar.opencode.replies import detail_of
from handoff_sidecar.opencode.tunnel import BASE_URL, DIRECTORY_HEADER, Carry, TunnelTransport

REQUEST_TIMEOUT_S = 10.0
"""Far above what any endpoint takes on a busy machine (under 1 s measured), far below what a person waits."""

NOT_FOUND = 404

_SESSION_ID = re.compile(SESSION_ID)
_MESSAGE_ID = re.compile(MESSAGE_ID)


def is_session_id(text: str) -> bool:
    """Whether the text has the form of a session id; anything else makes OpenCode answer 500."""
    return _SESSION_ID.fullmatch(text) is not None


def is_message_id(text: str) -> bool:
    """Whether the text has the form of a message id."""
    return _MESSAGE_ID.fullmatch(text) is not None


class Requests:
    """Makes requests for one directory; without one, for that in which a server was started."""

    def __init__(self, http: httpx.AsyncClient, directory: str) -> None:
        self._http = http
        self._headers = {DIRECTORY_HEADER: quote(directory, safe="", errors="replace")} if directory else {}
        self.directory = directory

    async def get(self, path: str, query: dict[str, str | int] | None = None) -> tuple[str, httpx.Response]:
        """Ask for something; the endpoint's name, for errors, and the answer."""
        return await self.request("GET", path, query=query)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str | int] | None = None,
        body: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[str, httpx.Response]:
        """Make a request.

        Raises:
            OpenCodeUnreachable: there was no answer.
            OpenCodeRefused: the answer was an error.
        """
        endpoint = f"{method} {path}"
        content = None if body is None else _content(body)
        content_type = {} if body is None else {"content-type": "application/json"}
        try:
            response = await self._http.request(
                method,
                path,
                params=query,
                content=content,
                headers={**self._headers, **content_type, **(headers or {})},
            )
        except httpx.TimeoutException as error:
            raise OpenCodeUnreachable(f"OpenCode did not answer {endpoint} in time", endpoint=endpoint) from error
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            RuntimeError,
        ) as error:  # the last: this side ends, and has closed it
            raise OpenCodeUnreachable(
                f"OpenCode could not be reached for {endpoint}: {error}", endpoint=endpoint
            ) from error
        if response.is_error:
            detail = detail_of(response)
            raise OpenCodeRefused(
                f"OpenCode answered {response.status_code} to {endpoint}{detail}",
                endpoint=endpoint,
                status=response.status_code,
            )
        return endpoint, response


def through_tunnel(carry: Carry) -> httpx.AsyncClient:
    """The HTTP client for a sidecar inside OpenCode."""
    return httpx.AsyncClient(
        transport=TunnelTransport(carry), base_url=BASE_URL, timeout=REQUEST_TIMEOUT_S, trust_env=False
    )


def over_http(url: str, *, username: str = "opencode", password: str | None = None) -> httpx.AsyncClient:
    """The HTTP client for `opencode serve`; with a password it sends basic auth, as every path then needs it."""
    auth = httpx.BasicAuth(username, password) if password else None
    return httpx.AsyncClient(base_url=url, timeout=REQUEST_TIMEOUT_S, auth=auth, trust_env=False)


def _content(body: dict[str, Any]) -> bytes:
    """The body as JSON. Half an emoji, as in arguments that were cut off, is not valid UTF-8 and is escaped."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def path_of(session_id: str) -> str:
    """A session's path. Text that is not an id never gets into a path.

    Raises:
        OpenCodeRefused: as OpenCode refuses an id that it doesn't know.
    """
    return f"/session/{checked(session_id)}"


def checked(text: str) -> str:
    """The id of a session or of a message.

    Raises:
        OpenCodeRefused: the text is none.
    """
    if not is_session_id(text) and not is_message_id(text):
        raise OpenCodeRefused(f"{json.dumps(text[:80])} is not an OpenCode id", endpoint="", status=NOT_FOUND)
    return text

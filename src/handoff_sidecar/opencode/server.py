"""The `opencode serve` that the command line talks to: its URL, and its password from the environment.

Loads nothing that takes a while, as the help names it too. How it is reached is `server_connection`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from handoff_sidecar.errors import HandoffSidecarError

SERVE_URL = "http://127.0.0.1:4096"
"""Where `opencode serve` listens unless it is told otherwise."""

USERNAME, PASSWORD = "OPENCODE_SERVER_USERNAME", "OPENCODE_SERVER_PASSWORD"
"""OpenCode's own names for the environment variables that protect a server."""

DEFAULT_USERNAME = "opencode"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where `opencode serve` listens, and what it asks for."""

    url: str
    username: str = DEFAULT_USERNAME
    password: str | None = None


def server_at(url: str, environment: Mapping[str, str]) -> ServerAddress:
    """The server at this URL, with the user name and the password that the environment has for it.

    Raises:
        HandoffSidecarError: it is not the URL of a server, or holds a password (which the message does not repeat).
    """
    if "@" in url:
        raise HandoffSidecarError(
            "--url must not hold a user name or a password, because others on this computer could see them. Leave out "
            f"what is before the @, and set {PASSWORD} (and {USERNAME}, if that is not `{DEFAULT_USERNAME}`)"
        )
    try:
        parsed = urlsplit(url)
        is_whole = parsed.scheme in {"http", "https"} and bool(parsed.hostname) and parsed.port != 0
    except ValueError:  # the port is not a number or too large, or half of an IPv6 address
        is_whole = False
    if not is_whole:
        raise HandoffSidecarError(no_url(url))
    return ServerAddress(
        url.rstrip("/"), environment.get(USERNAME) or DEFAULT_USERNAME, environment.get(PASSWORD) or None
    )


def no_url(text: str) -> str:
    """The sentence for a text that is not the address of a server."""
    return f"--url: {text!r} is not the address of a server. Write it like {SERVE_URL}"

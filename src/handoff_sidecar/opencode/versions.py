"""The OpenCode versions that this program works in: the one table.

What differs between versions is found by looking at the host where that is possible; this is for the rest.
"""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

OLDEST = Version("1.15.13")
"""Session metadata came with it, which links a session to the one that it was handed off from."""

NEWEST_TRIED = Version("1.18.34")
"""What the project's own measurements and tests were made with."""

TOO_NEW = Version("2.dev0")
"""2.x loads no plugin for 1.x."""

SIGN_OF_A_NEW_ONE = "experimental_workspace"
"""In what OpenCode hands to a plugin: absent in 1.1.65 and 1.3.2, there in 1.14.48, 1.15.13 and 1.18.33. It tells the
plugin of an old one without a question, for which there is no time before OpenCode takes the hooks."""

TRIED = (OLDEST, Version("1.17.19"), NEWEST_TRIED)
"""A handoff and a look back are made in each of these by `make compat`."""


def is_supported(version: str) -> bool:
    """Whether handoffs work in it. A name that is not a version is a developer's build, and is tried."""
    found = _parsed(version)
    return found is None or OLDEST <= found < TOO_NEW


def is_older(version: str) -> bool:
    """Whether it lacks what a handoff needs. A name that is no version, or 0.0.0, is a developer's build, and new."""
    found = _parsed(version)
    return found is not None and found < OLDEST and found.release != (0, 0, 0)


def is_untried(version: str) -> bool:
    """Whether it is newer than every version we tried, or not a released version at all."""
    found = _parsed(version)
    return found is None or found > NEWEST_TRIED


def _parsed(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None

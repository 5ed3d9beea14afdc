"""Toasts, which nothing waits for long."""

from __future__ import annotations

import logging
from typing import Literal

from handoff_sidecar.call.background import wait_for_at_most
from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.opencode.client import OpenCodeClient

log = logging.getLogger(__name__)

Variant = Literal["info", "success", "warning", "error"]

TOAST_TIMEOUT_S = 2.0
"""No toast is worth a longer wait. One that OpenCode shows later, because it is still starting, is fine too."""

SHORTEST_MS, LONGEST_MS = 5_000, 30_000
READING_MS_A_CHARACTER = 60
"""250 words a minute. OpenCode's own toasts stay for 5 s, too short to read a list of sessions."""


async def notify(client: OpenCodeClient, message: str, variant: Variant = "info") -> None:
    """Show the message in a toast if possible. Never raises, and never takes long."""
    await wait_for_at_most(TOAST_TIMEOUT_S, _show(client, message, variant))


def duration_ms(message: str) -> int:
    """How long a toast stays, so that the user can read all of it."""
    return min(max(SHORTEST_MS, len(message) * READING_MS_A_CHARACTER), LONGEST_MS)


async def _show(client: OpenCodeClient, message: str, variant: Variant) -> None:
    try:
        await client.show_toast(message, variant=variant, duration_ms=duration_ms(message))
    except OpenCodeError as error:
        log.info("a toast could not be shown: %s", error)

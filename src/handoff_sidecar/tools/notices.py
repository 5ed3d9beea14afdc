"""Notices: toasts that are worth little enough to be lost."""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from handoff_sidecar.errors import OpenCodeError
from handoff_sidecar.opencode.client import OpenCodeClient

log = logging.getLogger(__name__)

TOAST_TIMEOUT_S = 2.0
"""A notice is not worth more of a person's time."""


async def notify(client: OpenCodeClient, message: str, variant: Literal["info", "warning", "error"] = "info") -> None:
    """Show the message in a toast, if that can be done; never raises and never takes long."""
    try:
        async with asyncio.timeout(TOAST_TIMEOUT_S):
            await client.show_toast(message, variant=variant)
    except (OpenCodeError, TimeoutError) as error:
        log.info("a toast could not be shown: %s", error)

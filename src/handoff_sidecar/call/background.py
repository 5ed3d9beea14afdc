"""Background work: started without waiting, or waited for only up to a limit. Does not know what the work is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

_under_way: set[asyncio.Task[Any]] = set()
"""asyncio keeps only weak references to tasks."""


def go_on(work: Coroutine[Any, Any, object]) -> asyncio.Task[Any]:
    """Start the work without waiting for it."""
    task = asyncio.create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    return task


async def wait_for_at_most(timeout_s: float, work: Coroutine[Any, Any, object]) -> None:
    """Wait until the work is done or the time is up. It continues either way, even if the caller is cancelled."""
    await asyncio.wait([go_on(work)], timeout=timeout_s)

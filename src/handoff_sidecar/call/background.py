"""Work that goes on by itself: not waited for, or only for so long. Knows nothing of what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

_under_way: set[asyncio.Task[Any]] = set()
"""asyncio itself holds a task weakly."""


def go_on(work: Coroutine[Any, Any, object]) -> asyncio.Task[Any]:
    """Start it, without anybody waiting for it."""
    task = asyncio.create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    return task


async def wait_for_at_most(timeout_s: float, work: Coroutine[Any, Any, object]) -> None:
    """Wait until it is done or the time is up; it goes on in either case, even where the caller is being cancelled."""
    await asyncio.wait([go_on(work)], timeout=timeout_s)

"""Work that is waited for only so long, and goes on by itself after that. Knows nothing of what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

_under_way: set[asyncio.Task[Any]] = set()
"""asyncio itself holds a task weakly."""


async def wait_for_at_most(timeout_s: float, work: Coroutine[Any, Any, object]) -> None:
    """Wait until it is done or the time is up; it goes on in either case, even where the caller is being cancelled."""
    task = asyncio.create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    await asyncio.wait([task], timeout=timeout_s)

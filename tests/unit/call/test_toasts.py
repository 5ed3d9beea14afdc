"""Notices that OpenCode is slow to show."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fake_opencode import FakeOpenCode

from handoff_sidecar.call import toasts


async def test_a_notice_that_takes_long_is_waited_for_no_longer_and_shown_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opencode, ready = FakeOpenCode(), asyncio.Event()
    monkeypatch.setattr(toasts, "TOAST_TIMEOUT_S", 0.001)

    async def busy(_request: httpx.Request) -> None:
        await ready.wait()

    opencode.intercept = busy

    async with asyncio.timeout(5):
        await toasts.notify(opencode.client(), "There is nothing to hand off")
        assert opencode.toasts == []
        ready.set()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    assert [toast["message"] for toast in opencode.toasts] == ["There is nothing to hand off"]


@pytest.mark.parametrize(("characters", "stays_ms"), [(20, 5_000), (200, 12_000), (5_000, 30_000)])
async def test_a_notice_stays_until_it_can_be_read(characters: int, stays_ms: int) -> None:
    opencode = FakeOpenCode()

    await toasts.notify(opencode.client(), "x" * characters)

    assert opencode.toasts[0]["duration"] == stays_ms

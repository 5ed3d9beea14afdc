"""Both ends of a connection in memory: a raw peer that sends what it likes, and a pair of Connections."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from handoff_sidecar.rpc.connection import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from handoff_sidecar.rpc.connection import Handler

SMALL_LIMIT_BYTES = 4096


class MemoryPipe:
    """One direction; what is written can be read."""

    def __init__(self) -> None:
        self._stream = asyncio.StreamReader(limit=2**30)
        self.broken = False

    def write(self, data: bytes, /) -> None:
        if self.broken:
            raise BrokenPipeError("the reader is gone")
        self._stream.feed_data(data)

    async def readline(self) -> bytes:
        return await self._stream.readline()

    def end(self) -> None:
        if not self._stream.at_eof():
            self._stream.feed_eof()


class RawPeer:
    """The other end of a Connection, without any manners."""

    def __init__(self, connection: Connection, to_us: MemoryPipe, from_us: MemoryPipe) -> None:
        self.connection = connection
        self.to_us = to_us
        self.from_us = from_us
        self.serving = asyncio.create_task(connection.serve())

    def send(self, message: Any) -> None:
        self.to_us.write(json.dumps(message).encode() + b"\n")

    def send_bytes(self, data: bytes) -> None:
        self.to_us.write(data)

    async def receive(self) -> Any:
        return json.loads(await self.from_us.readline())

    async def call(self, request_id: int, method: str, params: Any = None) -> Any:
        self.send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}})
        return await self.receive()

    async def hang_up(self) -> None:
        self.to_us.end()
        await self.serving


class Rig:
    """Makes connections, and ends them with the test."""

    def __init__(self) -> None:
        self._pipes: list[MemoryPipe] = []
        self._serving: list[asyncio.Task[None]] = []

    def raw(
        self,
        handlers: Mapping[str, Handler] | None = None,
        *,
        max_frame_bytes: int = SMALL_LIMIT_BYTES,
    ) -> RawPeer:
        to_us, from_us = self.pipe(), self.pipe()
        connection = Connection(to_us, from_us, handlers or {}, max_frame_bytes=max_frame_bytes)
        peer = RawPeer(connection, to_us, from_us)
        self._serving.append(peer.serving)
        return peer

    def pair(
        self, left: Mapping[str, Handler] | None = None, right: Mapping[str, Handler] | None = None
    ) -> tuple[Connection, Connection]:
        there, back = self.pipe(), self.pipe()
        ends = (
            Connection(back, there, left or {}),
            Connection(there, back, right or {}),
        )
        self._serving.extend(asyncio.create_task(end.serve()) for end in ends)
        return ends

    def pipe(self) -> MemoryPipe:
        self._pipes.append(MemoryPipe())
        return self._pipes[-1]

    async def end(self) -> None:
        for pipe in self._pipes:
            pipe.end()
        await asyncio.gather(*self._serving, return_exceptions=True)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    await made.end()

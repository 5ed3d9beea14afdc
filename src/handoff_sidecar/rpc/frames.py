"""Lines in a stream of bytes: reads up to each newline, and ends each line written with one.

Knows neither JSON nor where the bytes come from: it is given something with `read(n)`, or with
`write(bytes)` and `drain()`, such as asyncio's StreamReader and StreamWriter.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol

from handoff_sidecar.rpc.errors import ConnectionLost, FrameTooLarge

# Whole histories of sessions pass through (`http/request`); the largest measured ones are some 20 MB. Three
# times that leaves room, and still bounds what a runaway peer can make this process hold.
MAX_FRAME_BYTES = 64 * 1024 * 1024

# A pipe holds 64 KiB on Linux, a socket some 200: one read empties either.
CHUNK_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


class ByteSource(Protocol):
    """Where frames come from."""

    async def read(self, n: int, /) -> bytes:
        """Up to `n` bytes, as soon as there are any; `b""` at the end."""


class ByteSink(Protocol):
    """Where frames go."""

    def write(self, data: bytes, /) -> None:
        """Takes all of `data`, without waiting."""

    async def drain(self) -> None:
        """Waits until the peer keeps up; raises OSError when it is gone."""


@dataclass(frozen=True)
class OversizedFrame:
    """Takes the place of a line that was skipped because it is over the limit.

    Attributes:
        size_bytes: how long the line was.
    """

    size_bytes: int


class FrameReader:
    """Reads lines of any length up to a limit.

    (asyncio's own `readline` fails past 64 KiB, and searches all that it has again after each chunk.)
    """

    def __init__(self, source: ByteSource, *, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._source = source
        self._max_frame_bytes = max_frame_bytes
        self._chunk = b""
        self._position = 0
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._frames_of_chunk = 0

    async def next_frame(self) -> bytes | OversizedFrame | None:
        """The next line without its newline, an OversizedFrame if it is too long, or None at the end."""
        while True:
            newline = self._chunk.find(b"\n", self._position)
            if newline >= 0:
                self._keep(newline)
                self._position = newline + 1
                if self._frames_of_chunk:
                    # Without this, a burst that arrived in one chunk would be taken in before any of the
                    # tasks that its first lines started has run.
                    await asyncio.sleep(0)
                self._frames_of_chunk += 1
                return self._finish()
            self._keep(len(self._chunk))
            self._chunk, self._position, self._frames_of_chunk = b"", 0, 0
            try:
                self._chunk = await self._source.read(CHUNK_BYTES)
            except OSError as error:
                _log.warning("reading ended: %s", error)
            if not self._chunk:
                if self._size_bytes:
                    _log.warning("dropped %d bytes: the stream ended in the middle of a line", self._size_bytes)
                self._pieces.clear()
                self._size_bytes = 0
                return None

    def _keep(self, end: int) -> None:
        size_bytes = end - self._position
        self._size_bytes += size_bytes
        if self._size_bytes > self._max_frame_bytes:
            self._pieces.clear()
        elif size_bytes:
            self._pieces.append(self._chunk[self._position : end])

    def _finish(self) -> bytes | OversizedFrame:
        pieces, size_bytes = self._pieces, self._size_bytes
        self._pieces, self._size_bytes = [], 0
        if size_bytes > self._max_frame_bytes:
            return OversizedFrame(size_bytes)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class FrameWriter:
    """Writes whole lines, one at a time, and waits if the peer reads slowly."""

    def __init__(self, sink: ByteSink, *, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._sink = sink
        self._max_frame_bytes = max_frame_bytes
        # Not for order's sake (a line is handed over without a pause): it makes a peer that has stopped reading
        # hold up the writers instead of filling a buffer.
        self._lock = asyncio.Lock()
        self._waiting: set[asyncio.Timeout] = set()
        self._closed = False

    async def write(self, frame: bytes) -> None:
        """Writes a line. If cancelled, either the whole line or nothing of it has been written.

        Raises:
            FrameTooLarge: before anything is written.
            ConnectionLost: the peer is gone, or `close` was called.
        """
        if len(frame) > self._max_frame_bytes:
            raise FrameTooLarge(len(frame), self._max_frame_bytes)
        try:
            async with asyncio.timeout(None) as until_closed:
                self._waiting.add(until_closed)
                try:
                    async with self._lock:
                        self._raise_if_closed()
                        if len(frame) < CHUNK_BYTES:
                            self._sink.write(frame + b"\n")
                        else:  # one write more costs less than a copy
                            self._sink.write(frame)
                            self._sink.write(b"\n")
                        await self._sink.drain()
                finally:
                    self._waiting.discard(until_closed)
        except TimeoutError:
            raise ConnectionLost("the connection was closed before the message was sent") from None
        except OSError as error:
            self._closed = True
            raise ConnectionLost(f"the peer no longer reads: {error}") from error

    def close(self) -> None:
        """Ends every waiting `write` and refuses new ones."""
        self._closed = True
        while self._waiting:
            self._waiting.pop().reschedule(0)

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise ConnectionLost("the connection is closed")

"""Lines in and out of a stream of bytes."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.rpc.errors import ConnectionLost, FrameTooLarge
from handoff_sidecar.rpc.frames import CHUNK_BYTES, FrameReader, FrameWriter, OversizedFrame

if TYPE_CHECKING:
    from unit.rpc.conftest import Rig


class Chunks:
    """Hands out bytes in the pieces that it was given, then the end."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    async def read(self, n: int, /) -> bytes:
        assert n >= max((len(piece) for piece in self._pieces), default=0)
        return self._pieces.pop(0) if self._pieces else b""


async def read_all(reader: FrameReader) -> list[bytes | OversizedFrame]:
    frames = []
    while (frame := await reader.next_frame()) is not None:
        frames.append(frame)
    return frames


def cut(data: bytes, places: set[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


LINES = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b" ")), max_size=8)


@given(lines=LINES, rest=st.binary(max_size=10), data=st.data())
def test_lines_come_out_whole_however_the_bytes_are_cut(lines: list[bytes], rest: bytes, data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines) + rest.replace(b"\n", b" ")
    places = data.draw(st.sets(st.integers(0, len(stream))))
    reader = FrameReader(Chunks(cut(stream, places)), max_frame_bytes=20)
    assert asyncio.run(read_all(reader)) == lines


@given(lines=LINES, limit_bytes=st.integers(0, 20), data=st.data())
def test_exactly_the_lines_over_the_limit_are_replaced(
    lines: list[bytes], limit_bytes: int, data: st.DataObject
) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    places = data.draw(st.sets(st.integers(0, len(stream))))
    reader = FrameReader(Chunks(cut(stream, places)), max_frame_bytes=limit_bytes)
    expected = [line if len(line) <= limit_bytes else OversizedFrame(len(line)) for line in lines]
    assert asyncio.run(read_all(reader)) == expected


async def test_a_line_over_the_limit_is_not_kept_in_memory() -> None:
    class Endless:
        """Half a gigabyte without a newline; handing out the same bytes again costs nothing."""

        def __init__(self) -> None:
            self.left = 2048
            self.chunk = bytes(CHUNK_BYTES)

        async def read(self, n: int, /) -> bytes:
            self.left -= 1
            return self.chunk[:n] if self.left > 0 else b"\nnext\n" if self.left == 0 else b""

    frames = await read_all(FrameReader(Endless(), max_frame_bytes=CHUNK_BYTES))
    assert frames == [OversizedFrame(2047 * CHUNK_BYTES), b"next"]


async def test_half_a_line_at_the_end_is_dropped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    frames = await read_all(FrameReader(Chunks([b"whole\n", b"ha", b"lf"])))
    assert frames == [b"whole"]
    assert "dropped 4 bytes: the stream ended in the middle of a line" in caplog.text


async def test_a_stream_that_breaks_is_a_stream_that_ends(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        async def read(self, _n: int, /) -> bytes:
            raise ConnectionResetError("reset by peer")

    assert await FrameReader(Broken()).next_frame() is None
    assert "reset by peer" in caplog.text


async def test_a_frame_over_the_limit_is_refused_and_nothing_of_it_is_written(rig: Rig) -> None:
    pipe = rig.pipe()
    writer = FrameWriter(pipe, max_frame_bytes=5)
    with pytest.raises(FrameTooLarge, match="6 bytes is over the limit of 5 bytes") as caught:
        await writer.write(b"123456")
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (6, 5)
    assert pipe.written_count == 0
    await writer.write(b"12345")
    assert await FrameReader(pipe).next_frame() == b"12345"


async def test_a_reader_that_stalls_holds_up_the_writers(rig: Rig) -> None:
    pipe = rig.pipe()
    pipe.flowing.clear()
    writer = FrameWriter(pipe)
    writes = [asyncio.create_task(writer.write(b"%d" % number)) for number in range(10)]
    reader = FrameReader(pipe)
    assert await reader.next_frame() == b"0"
    assert pipe.written_count == 1
    pipe.flowing.set()
    await asyncio.gather(*writes)
    assert [await reader.next_frame() for _ in range(9)] == [b"%d" % number for number in range(1, 10)]


async def test_closing_ends_writes_that_wait(rig: Rig) -> None:
    pipe = rig.pipe()
    pipe.flowing.clear()
    writer = FrameWriter(pipe)
    writes = [asyncio.create_task(writer.write(b"x")) for _ in range(3)]
    await FrameReader(pipe).next_frame()
    writer.close()
    writer.close()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionLost] * 3
    with pytest.raises(ConnectionLost):
        await writer.write(b"y")


async def test_a_peer_that_no_longer_reads_is_a_lost_connection(rig: Rig) -> None:
    pipe = rig.pipe()
    pipe.broken = True
    with pytest.raises(ConnectionLost, match="the reader is gone"):
        await FrameWriter(pipe).write(b"x")

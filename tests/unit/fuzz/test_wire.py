"""Whatever comes over the wire: every line is taken in, refused or skipped, and the next one is served."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.fuzz.anything import JSON, TEXT, nearly, nested

from handoff_sidecar.rpc.connection import Connection
from handoff_sidecar.rpc.errors import RpcError
from handoff_sidecar.rpc.messages import encode, parse_message

ENVELOPES = nearly(
    jsonrpc=st.just("2.0"),
    id=st.integers(0, 5),
    method=st.sampled_from(["echo", "boom", "$/cancelRequest", "slow"]),
    params=nearly(id=st.integers(0, 5)),
    result=JSON,
    error=nearly(code=st.integers(), message=TEXT, data=JSON),
)
LINES = st.lists(
    ENVELOPES.map(lambda message: json.dumps(message).encode())
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=60).map(lambda data: data.replace(b"\n", b""))
    | st.sampled_from([b"[" * 5_000, b'{"jsonrpc":"2.0","id":1,"method":"echo","params":' + b"[" * 500, b"x" * 20_000]),
    max_size=8,
)


class Bytes:
    """A stream in memory: reads these lines, keeps what is written, and ends when that holds `open_until`."""

    def __init__(self, lines: list[bytes], *, open_until: bytes) -> None:
        self._lines = lines
        self._open_until = open_until
        self.written = b""

    async def readline(self) -> bytes:
        await asyncio.sleep(0)
        while not self._lines and self._open_until not in self.written:  # noqa: ASYNC110  # others are at work
            await asyncio.sleep(0)
        return self._lines.pop(0) if self._lines else b""

    def write(self, data: bytes, /) -> None:
        self.written += data


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What is logged here may hold what no report can be sent with: half a pair of surrogates."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@given(
    st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | ENVELOPES.map(lambda e: json.dumps(e).encode())
)
def test_a_line_is_a_message_or_refused(line: bytes) -> None:
    try:
        message = parse_message(line)
    except RpcError as error:
        assert len(error.message) < 1_000  # noqa: PT017  # both ends are right
    else:
        assert parse_message(encode(message)) == message


@pytest.mark.parametrize("depth", [100, 199, 250, 5_000])
def test_nesting_without_end_is_refused(depth: int) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"a": nested(50)}})
    line = line.replace(json.dumps(nested(50)), "[" * depth + "]" * depth)
    try:
        parse_message(line.encode())
    except RpcError as error:
        assert error.message.startswith("not JSON")  # noqa: PT017  # as above


@given(LINES)
def test_after_any_lines_the_next_call_is_served(lines: list[bytes]) -> None:
    async def echo(params: dict[str, object]) -> object:
        return params

    async def boom(_: dict[str, object]) -> object:
        raise RuntimeError("\ud800")

    async def slow(_: dict[str, object]) -> object:
        await asyncio.sleep(0.001)
        return float("nan")

    ping = b'{"jsonrpc":"2.0","id":99,"method":"echo","params":{"ping":1}}'

    async def run() -> list[Any]:
        stream = Bytes([line + b"\n" for line in [*lines, ping]], open_until=b'"id":99')
        connection = Connection(stream, stream, {"echo": echo, "boom": boom, "slow": slow})
        async with asyncio.timeout(10):
            await connection.serve()
        return [json.loads(answer) for answer in stream.written.splitlines()]

    answers = asyncio.run(run())
    assert {"jsonrpc": "2.0", "id": 99, "result": {"ping": 1}} in answers
    assert all(answer["jsonrpc"] == "2.0" for answer in answers)

"""The process's own stdin and stdout, over real pipes and in a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest

from handoff_sidecar.rpc.stdio import PipeSink, PipeSource

if TYPE_CHECKING:
    from collections.abc import Iterator

# Three hundred times what a pipe holds.
LARGE_BYTES = 20_000_000


class Pipe:
    """The two descriptors of a pipe; each can be closed once."""

    def __init__(self) -> None:
        self.incoming_fd, self.outgoing_fd = os.pipe()
        self._open = {self.incoming_fd, self.outgoing_fd}

    def close(self, fd: int) -> None:
        if fd in self._open:
            self._open.remove(fd)
            os.close(fd)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close(made.outgoing_fd)
    for thread in threading.enumerate():
        if thread.name == "rpc-read":
            thread.join()  # or it might read from a descriptor of the next test
    made.close(made.incoming_fd)


async def test_lines_of_any_size_pass_through_a_pipe(pipe: Pipe) -> None:
    source, sink = PipeSource(pipe.incoming_fd), PipeSink(pipe.outgoing_fd)
    lines = [b"small\n", b"x" * LARGE_BYTES + b"\n", b"\n", b"y" * 5000 + b"\n", b"small again\n"]
    for line in lines:
        sink.write(line)  # far more than a pipe holds: the thread reads meanwhile
    assert [await source.readline() for _ in lines] == lines
    pipe.close(pipe.outgoing_fd)
    assert await source.readline() == b""


@pytest.mark.parametrize("size_bytes", [10, LARGE_BYTES])
def test_a_peer_that_no_longer_reads_is_an_error(size_bytes: int, pipe: Pipe) -> None:
    pipe.close(pipe.incoming_fd)
    with pytest.raises(BrokenPipeError):
        PipeSink(pipe.outgoing_fd).write(b"x" * size_bytes)


CHATTY_SERVER = """
    import asyncio, ctypes, os, subprocess, sys

    print("printed before the claim", end="")
    from handoff_sidecar.rpc.connection import Connection
    from handoff_sidecar.rpc.stdio import PipeSink, PipeSource, claim_stdio

    claimed = claim_stdio()
    early = sys.__stdout__

    async def chatter(params):
        print("from print")
        print("from the first stdout", file=early, flush=True)
        os.write(1, b"from a descriptor\\n")
        libc = ctypes.CDLL(None)
        libc.puts(b"from C")
        libc.fflush(None)
        subprocess.run([sys.executable, "-c", "print('from a subprocess')"], check=True)
        stdin = subprocess.run([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"],
                               check=True, capture_output=True, text=True).stdout.strip()
        inherited = [os.get_inheritable(fd) for fd in claimed]
        return {"stdin": stdin, "inherited": inherited}

    async def main():
        async def shutdown(params):
            connection.stop()

        handlers = {"chatter": chatter, "shutdown": shutdown}
        connection = Connection(PipeSource(claimed[0]), PipeSink(claimed[1]), handlers)
        await connection.serve()

    asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="prints through the C library by its POSIX name")
@pytest.mark.parametrize("orderly", [True, False], ids=["shutdown", "end of stdin"])
def test_nothing_that_is_printed_gets_among_the_frames_and_the_process_ends_when_told(*, orderly: bool) -> None:
    command = [sys.executable, "-c", textwrap.dedent(CHATTY_SERVER)]
    # What is printed before the claim can be caught only while Python buffers it.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=env) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"chatter"}\n')
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["result"] == {"stdin": "''", "inherited": [False, False]}
        if orderly:  # stdin stays open: the process must end all the same
            process.stdin.write(b'{"jsonrpc":"2.0","id":2,"method":"shutdown"}\n')
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"jsonrpc": "2.0", "id": 2, "result": None}
        else:
            process.stdin.close()
        assert process.wait() == 0
        assert process.stdout.read() == b""
        printed = process.stderr.read().decode()
    for source in ("print", "the first stdout", "a descriptor", "C", "a subprocess"):
        assert f"from {source}\n" in printed
    assert "printed before the claim" in printed

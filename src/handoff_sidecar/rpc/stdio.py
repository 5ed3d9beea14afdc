"""Claims the process's stdin and stdout for a connection, so that nothing else can use them.

Does not know what the lines say. A thread does the reading, on every platform: asyncio's `connect_read_pipe` refuses
regular files, can't use the pipes that a process inherits on Windows, and makes descriptors non-blocking that others
may share. Writing blocks: the peer always reads, and so do we, so that neither can wait for the other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading

CHUNK_BYTES = 256 * 1024
"""A pipe holds 64 KiB on Linux, a socket some 200: one read empties either."""

_log = logging.getLogger(__name__)


def claim_stdio() -> tuple[int, int]:
    """Takes stdin and stdout for messages alone; to be called once, before anything else is printed.

    From then on all that is printed lands on stderr: by Python, by C, by subprocesses. Whoever reads stdin
    finds it empty. The descriptors returned, of what were stdin and stdout, are not inherited by subprocesses.
    """
    claimed = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there is none elsewhere

        for fd in claimed:
            msvcrt.setmode(fd, os.O_BINARY)
    devnull_fd = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull_fd, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # started without a stderr: there is nowhere to log this
        os.dup2(devnull_fd, 1)
    os.close(devnull_fd)
    if sys.stdout:
        sys.stdout.flush()  # what was printed before now goes to stderr too
    sys.stdout = sys.stderr
    return claimed


class PipeSource:
    """Lines from a descriptor, read ahead by a thread for the running event loop."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        # A daemon, as its read can't be interrupted: the process must be able to end while stdin is open.
        threading.Thread(target=self._read_all, name="rpc-read", daemon=True).start()

    async def readline(self) -> bytes:
        """The next line with its newline; `b""` at the end."""
        return await self._lines.get()

    def _read_all(self) -> None:
        try:
            with open(self._fd, "rb", buffering=CHUNK_BYTES, closefd=False) as stream:
                while self._hand_over(stream.readline()):
                    pass
        except OSError as error:
            _log.warning("reading ended: %s", error)
            self._hand_over(b"")

    def _hand_over(self, line: bytes) -> bool:
        """Whether there may be more."""
        try:
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
        except RuntimeError:  # the loop is closed: nobody wants it
            return False
        return bool(line)


class PipeSink:
    """Bytes to a descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, data: bytes, /) -> None:
        """Write all of it; returns when the operating system has it.

        Raises:
            OSError: the peer no longer reads.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

"""Starting a program, and being sure that it ends: to its end with a time limit, as a server, or on the terminal.

Owns the child's process group, and that a signal which ends this process ends the child too. Knows of OpenCode only
the line in which `opencode serve` says where it listens.
"""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from handoff_sidecar.errors import HandoffSidecarError

LISTEN_TIMEOUT_S = 60.0  # 2-3 s on two idle cores
END_TIMEOUT_S = 5.0
KEPT_LINES = 40
ENDING_SIGNALS = [signal.SIGTERM]
if sys.platform != "win32":
    ENDING_SIGNALS.append(signal.SIGHUP)
LISTENING = re.compile(r"listening on (http://\S+)")  # "opencode server listening on http://127.0.0.1:4096"


class SandboxFailed(HandoffSidecarError):
    """A program in the sandbox failed, or took too long; the message ends with the last that it said."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program that ran to its end has left: `stdout` is empty if it went to a file."""

    returncode: int
    stdout: str
    stderr: str


def run_to_end(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, timeout_s: float, stdout: int | IO[bytes] = subprocess.PIPE
) -> Finished:
    """Run a program to its end, with nothing on its stdin.

    Raises:
        SandboxFailed: it couldn't be started, or took longer than `timeout_s`; then its whole group was ended.
    """
    process = _start(argv, env, cwd, stdout, subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as late:
        _end(process, at_once=True)
        out, err = process.communicate()
        said = (out or "") + err
        message = (
            f"`{' '.join(argv)}` took longer than {timeout_s:g} s and was stopped. Its last output: {said[-2000:]}"
        )
        raise SandboxFailed(message) from late
    except BaseException:
        _end(process, at_once=True)
        raise
    return Finished(process.returncode, out or "", err)


@contextmanager
def listening_server(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Iterator[str]:
    """Run a server for as long as the block runs; gives the URL from the line in which it says where it listens.

    Raises:
        SandboxFailed: it couldn't be started, ended, or said nothing of the kind for LISTEN_TIMEOUT_S.
    """
    process = _start(argv, env, cwd, subprocess.PIPE, subprocess.STDOUT)
    urls: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    said: deque[str] = deque(maxlen=KEPT_LINES)
    reader = threading.Thread(target=_read_lines, args=(process, urls, said), name="server-output", daemon=True)
    reader.start()
    try:
        try:
            url = urls.get(timeout=LISTEN_TIMEOUT_S)
        except queue.Empty:
            url = None
        if url is None:
            raise SandboxFailed(f"`{' '.join(argv)}` did not print its address. Its last output: {''.join(said)}")
        yield url
    finally:
        _end(process)
        reader.join(END_TIMEOUT_S)
        if process.stdout:
            process.stdout.close()


def run_on_terminal(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> int:
    """Run a program on this process's own terminal until the person leaves it; its exit status.

    Raises:
        SandboxFailed: it couldn't be started.
    """
    try:
        # In this process's group: in one of its own it could not read the terminal.
        process = subprocess.Popen(argv, env=env, cwd=cwd)  # noqa: S603 — the words are the caller's
    except OSError as error:
        raise SandboxFailed(f"`{argv[0]}` could not be started: {error}") from error
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()  # first, so that it gives the terminal back
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def leaving_properly() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end this process as ctrl+c does: through what its blocks clean up."""

    def leave(number: int, _frame: FrameType | None) -> None:
        for each in ENDING_SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # a second one must not break off the cleaning up
        raise SystemExit(128 + number)

    # What is ignored, as under `nohup`, stays so.
    heeded = [each for each in ENDING_SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, leave) for each in heeded}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _read_lines(process: subprocess.Popen[str], urls: queue.SimpleQueue[str | None], said: deque[str]) -> None:
    # Read on to the end: a full pipe would stop the server.
    for line in process.stdout or ():
        said.append(line)
        if found := LISTENING.search(line):
            urls.put(found[1])
    urls.put(None)


def _start(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, stdout: int | IO[bytes], stderr: int
) -> subprocess.Popen[str]:
    # A group of its own, so that what the program started can be ended with it.
    try:
        return subprocess.Popen(  # noqa: S603 — the words are the caller's, and no shell reads them
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise SandboxFailed(f"`{argv[0]}` could not be started: {error}") from error


def _end(process: subprocess.Popen[str], *, at_once: bool = False) -> None:
    if process.poll() is None and not at_once:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_TIMEOUT_S)
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()

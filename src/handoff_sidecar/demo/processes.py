"""Starting a program, and being sure that it ends: to its end with a time limit, as a server, or on the terminal.

Owns the child's process group, and that a signal which ends this process ends the child too. Knows of OpenCode only
the line in which `opencode serve` says where it listens.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from handoff_sidecar.errors import HandoffSidecarError

LISTEN_TIMEOUT_S = 60.0  # 2-3 s on two idle cores
END_TIMEOUT_S = 5.0
LOOK_EVERY_S = 0.05
LAST_CHARACTERS = 2_000  # of what a program that failed has said
ENDING_SIGNALS = [signal.SIGTERM]
if sys.platform != "win32":
    ENDING_SIGNALS.append(signal.SIGHUP)
LISTENING = re.compile(r"listening on (http://\S+)\s")  # "opencode server listening on http://127.0.0.1:4096"


class SandboxFailed(HandoffSidecarError):
    """A program in the sandbox failed, or took too long; the message ends with the last that it said."""


@dataclass(frozen=True, slots=True)
class StartCommand:
    """What starts a program: its words, its environment and its directory."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path


def run_to_end(command: StartCommand, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with nothing on its stdin.

    Raises:
        SandboxFailed: it couldn't be started, or took longer than `timeout_s`; then its whole group was ended.
    """
    process = _start(command, subprocess.PIPE, subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as late:
        _end(process, at_once=True)
        out, err = process.communicate()
        raise SandboxFailed(
            f"`{' '.join(command.argv)}` took longer than {timeout_s:g} s and was stopped. "
            f"Its last output: {(out + err)[-LAST_CHARACTERS:]}"
        ) from late
    except BaseException:
        _end(process, at_once=True)
        raise
    return subprocess.CompletedProcess(command.argv, process.returncode, out, err)


@contextmanager
def listening_server(command: StartCommand) -> Iterator[str]:
    """Run a server for as long as the block runs; gives the URL from the line in which it says where it listens.

    Raises:
        SandboxFailed: it couldn't be started, ended, or said nothing of the kind for LISTEN_TIMEOUT_S.
    """
    # Into a file, which takes all that it says: a full pipe that nobody reads would stop it.
    with tempfile.TemporaryDirectory(prefix="server-") as folder, (Path(folder) / "said").open("wb") as output:
        process = _start(command, output, subprocess.STDOUT)
        try:
            yield _address(process, Path(output.name), command)
        finally:
            _end(process)


def _address(process: subprocess.Popen[str], output: Path, command: StartCommand) -> str:
    deadline = time.monotonic() + LISTEN_TIMEOUT_S
    is_over = False
    while not is_over:
        is_over = process.poll() is not None or time.monotonic() > deadline
        said = output.read_text(encoding="utf-8", errors="replace")
        if found := LISTENING.search(said):
            return found[1]
        time.sleep(LOOK_EVERY_S)
    raise SandboxFailed(
        f"`{' '.join(command.argv)}` did not print its address. Its last output: {said[-LAST_CHARACTERS:]}"
    )


def run_on_terminal(command: StartCommand) -> int:
    """Run a program on this process's own terminal until the person leaves it; its exit status.

    Raises:
        SandboxFailed: it couldn't be started.
    """
    # In this process's group: in one of its own it could not read the terminal.
    process = _start(command, None, None, on_terminal=True)
    try:
        return process.wait()
    finally:
        _end(process, whole_group=False)  # asked first, so that it gives the terminal back


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


def _start(
    command: StartCommand, stdout: int | IO[bytes] | None, stderr: int | None, *, on_terminal: bool = False
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 — the words are the caller's, and no shell reads them
            command.argv,
            env=command.env,
            cwd=command.cwd,
            stdin=None if on_terminal else subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            errors="replace",
            # A group of its own, so that what the program started can be ended with it.
            start_new_session=not on_terminal,
        )
    except OSError as error:
        raise SandboxFailed(f"`{command.argv[0]}` could not be started: {error}") from error


def _end(process: subprocess.Popen[str], *, at_once: bool = False, whole_group: bool = True) -> None:
    if process.poll() is None and not at_once:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_TIMEOUT_S)
    if sys.platform == "win32" or not whole_group:
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()

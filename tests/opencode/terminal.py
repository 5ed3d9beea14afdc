"""A terminal without a window: runs a program in a pty and keeps its screen.

Owns the pty and the program's process group; what the program draws and asks is the `screen`'s business. Knows
nothing of OpenCode.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from opencode.screen import Screen

COLUMNS, ROWS = 120, 36
END_TIMEOUT_S = 5.0  # OpenCode's TUI leaves within a second of a SIGTERM; after this it is killed
READ_BYTES = 65_536

# A pty slave becomes the controlling terminal only by this ioctl, and `preexec_fn` isn't safe beside threads: so a
# small Python does it and then becomes the program, with the same pid. A suite that was started in the background of
# a script ignores ctrl+c, and so would the program.
TAKE_TERMINAL = """\
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""

# What a person's own terminal leaves in the environment would make the program believe that it is there.
FOREIGN_TERMINAL_VARIABLES = ("TERM_PROGRAM", "TMUX", "STY", "KITTY", "WEZTERM", "ITERM", "VTE_", "WT_", "COLORFGBG")

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "page-up": "\x1b[5~",
    "page-down": "\x1b[6~",
}

FRAME_TIMEOUT_S = 1.0  # a program that never ends its frame is looked at all the same


class TerminalTimeoutError(AssertionError):
    """What was waited for did not appear; the message ends with the screen as it was."""


class Terminal:
    """A program on a screen of its own: `with Terminal(argv, env=…, cwd=…) as terminal: …`.

    `argv`, `env` and `cwd` are the program's; the variables that describe a terminal are set here.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        size: tuple[int, int] = (COLUMNS, ROWS),
        is_light: bool = False,
    ) -> None:
        columns, rows = size
        self._screen = Screen(columns, rows, is_light=is_light)
        self._changed = threading.Condition()
        self._ended = False
        self._master, slave = os.openpty()
        self._wake_reader, self._wake = os.pipe()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-c", TAKE_TERMINAL, *argv],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=_with_this_terminal(env),
                cwd=cwd,
                start_new_session=True,
            )
        except BaseException:
            for descriptor in (self._master, self._wake_reader, self._wake):
                os.close(descriptor)
            raise
        finally:
            os.close(slave)
        self._reader = threading.Thread(target=self._read, name="terminal-reader", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The program's process id, which is its process group's too."""
        return self._process.pid

    def type(self, text: str) -> None:
        """Send the text as if it were typed, key by key."""
        self._write(text.encode())

    def press(self, key: str) -> None:
        """Press a key of KEYS, or `ctrl+a` to `ctrl+z`."""
        if key.startswith("ctrl+"):
            self._write(bytes([ord(key.removeprefix("ctrl+")) & 0x1F]))
        else:
            self._write(KEYS[key].encode())

    def screen(self) -> str:
        """The screen's text, line by line, without trailing blanks."""
        with self._changed:
            self._wait_for_a_whole_frame()
            return self._screen.text()

    def colours(self, text: str) -> tuple[str, str]:
        """The colours of a text that is on the screen, and of what is behind it."""
        with self._changed:
            self._wait_for_a_whole_frame()
            return self._screen.colours(text)

    def picture(self, title: str) -> str:
        """The screen as an SVG document, in a window with this title."""
        with self._changed:
            self._wait_for_a_whole_frame()
            return self._screen.picture(title)

    def questions(self) -> list[str]:
        """Every escape sequence that was no drawing, as it came: to see what a new version asks."""
        with self._changed:
            return list(self._screen.questions)

    def wait_for(self, wanted: str | Callable[[str], bool], timeout_s: float) -> str:
        """The screen as soon as it holds the wanted text, or as soon as the wanted predicate says yes.

        Raises:
            TerminalTimeoutError: it did not within `timeout_s`, or the program has ended without it.
        """

        def seen() -> bool:
            return wanted in self._screen.text() if isinstance(wanted, str) else wanted(self._screen.text())

        with self._changed:
            self._changed.wait_for(lambda: self._ended or (not self._screen.within_frame and seen()), timeout_s)
            if seen():
                return self._screen.text()
            why = "the program ended" if self._ended else f"not within {timeout_s:g} s"
            what = repr(wanted) if isinstance(wanted, str) else getattr(wanted, "__name__", "the condition")
            raise TerminalTimeoutError(f"{what} did not come to the screen ({why}). The screen:\n{self._screen.text()}")

    def close(self) -> None:
        """End the program and everything in its process group; a second call does nothing."""
        if self._master < 0:
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        self._signal(signal.SIGKILL)  # a child that outlived the program
        os.close(self._wake)
        self._reader.join()
        os.close(self._wake_reader)
        os.close(self._master)
        self._master = -1

    def _wait_for_a_whole_frame(self) -> None:
        self._changed.wait_for(lambda: self._ended or not self._screen.within_frame, FRAME_TIMEOUT_S)

    def _signal(self, number: signal.Signals) -> None:
        # The group's number can't be anyone else's while a member lives, and is free once none does.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._master, data) :]

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._master, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while self._wake_reader not in {key.fd for key, _ in selector.select()}:
                try:
                    data = os.read(self._master, READ_BYTES)
                    if not data:
                        break
                    with self._changed:
                        answers = self._screen.feed(data)
                        self._changed.notify_all()
                    self._write(answers)
                except OSError:  # Linux's way to say that nobody has the slave open any more
                    break
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def _with_this_terminal(env: Mapping[str, str]) -> dict[str, str]:
    own = {name: value for name, value in env.items() if not name.startswith(FOREIGN_TERMINAL_VARIABLES)}
    return own | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}

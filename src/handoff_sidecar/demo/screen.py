"""How the demonstration looks: labels on the left, values on the right, colours where the terminal has them.

Knows nothing of OpenCode.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap

from handoff_sidecar.demo.provenance import Source

LABEL_COLUMNS = 18
SOURCE_COLUMNS = 20
MOST_COLUMNS = 110
CLEAR_LINE = "\r\033[K"
BOLD, DIM, PLAIN = "\033[1m", "\033[2m", "\033[0m"
RED, GREEN, YELLOW, CYAN = "\033[31m", "\033[32m", "\033[33m", "\033[36m"

COLOURS: dict[Source, str] = {
    "you": CYAN,
    "OpenCode": GREEN,
    "git": GREEN,
    "the agent": YELLOW,
    "the agent, checked": YELLOW,
    "the agent: NOT FOUND": RED,
    "": "",
}


class Screen:
    """Prints to stdout."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._coloured = self._is_terminal and "NO_COLOR" not in os.environ
        self._columns = min(shutil.get_terminal_size((MOST_COLUMNS, 24)).columns, MOST_COLUMNS)
        self._label = ""

    def say(self, text: str, colour: str = "") -> None:
        """A line of its own."""
        print(self._in(colour, text), flush=True)

    def begin(self, label: str, text: str = "") -> None:
        """A new matter; without a text, a terminal shows that what is told of it is awaited."""
        self._label = label
        if text:
            self.line(text, colour=BOLD)
        elif self._is_terminal:
            print(self._in(DIM, f"{label:<{LABEL_COLUMNS}}…"), end="", flush=True)

    def line(self, text: str, *, good: bool | None = None, colour: str = "") -> None:
        """A line below the label, cut to the terminal's width."""
        if good is not None:
            colour = GREEN if good else RED
        room = self._columns - LABEL_COLUMNS
        shown = text if len(text) <= room else f"{text[: room - 1]}…"
        label = self._in(DIM, f"{self._label:<{LABEL_COLUMNS}}")
        print(f"{CLEAR_LINE if self._is_terminal else ''}{label}{self._in(colour, shown)}", flush=True)
        self._label = ""

    def prompt_line(self, line: str, source: Source) -> None:
        """A line of a prompt, and who it comes from, in two columns."""
        room = self._columns - LABEL_COLUMNS - SOURCE_COLUMNS - 3
        text = re.sub(r"^(\s*)#+ |\*\*", r"\1", line)
        shown = textwrap.shorten(text, room, placeholder="…") if len(text) > room else text
        print(
            f"{'':<{LABEL_COLUMNS}}{self._in(DIM, '│')} {shown:<{room}} {self._in(COLOURS[source], source)}".rstrip(),
            flush=True,
        )

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{PLAIN}" if colour and self._coloured else text

"""A terminal's screen: the program's output goes in, text, a picture and the terminal's answers come out.

Owns the filter before pyte, which prints what it doesn't know as text, and the answers to what OpenCode's TUI asks a
terminal when it starts (seen in 1.18.33). Knows nothing of processes.
"""

from __future__ import annotations

import codecs
import io
import re
from itertools import groupby
from typing import Any

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[(?P<csi>[0-?]*[ -/]*[@-~])"
    r"|\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|[PX^_][^\x1b]*\x1b\\"  # DCS, SOS, PM, APC: pyte would print what is in them
    r"|[ -/]+[0-~]"
    r"|(?P<plain>[0-OQ-WYZ\\`-~])"
    r")"
)
BEGINNING_OF_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)")
QUESTION_OF_MODE = re.compile(r"\?(\d+)\$p")
DRAWING_CSI = re.compile(r"\??[\d;]*[A-Za-z`]")  # no `>`, `<`, `=`, and no intermediate: those are not drawing
WHOLE_FRAMES = "2026"  # the mode in which a program says where a frame begins and where it is whole
ENTER_OR_LEAVE_ALTERNATE_SCREEN = ("?1049h", "?1049l")
PYTE_NAMES = {"s": "\x1b7", "u": "\x1b8"}  # save and restore the cursor: pyte knows only the DEC form
COLOUR_NAMES = {
    "black": "#000000",
    "red": "#cc3333",
    "green": "#33aa33",
    "brown": "#c0a030",
    "blue": "#3366cc",
    "magenta": "#aa44aa",
    "cyan": "#33aaaa",
    "white": "#cccccc",
}

THEME = TerminalTheme((10, 10, 10), (238, 238, 238), [(0, 0, 0)] * 8)  # as in the answers below; colours have no names
WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # a picture asks nobody on the internet for anything


DARK, LIGHT = ("eeee/eeee/eeee", "0a0a/0a0a/0a0a"), ("1010/1010/1010", "ffff/ffff/ffff")
"""What a terminal says of its text and its background when a program asks, red/green/blue."""


class Screen:
    """The screen of a terminal with so many columns and rows, dark unless it is to be light."""

    def __init__(self, columns: int, rows: int, *, is_light: bool = False) -> None:
        self._colours = LIGHT if is_light else DARK
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._unfinished = ""
        self._answers: list[str] = []
        self.within_frame = False
        """Whether the program has begun a frame and not ended it: what is on the screen is half of two."""
        self.questions: list[str] = []
        """Every escape sequence that was no drawing, as it came: to see what a new version asks."""

    def text(self) -> str:
        """The text, line by line, without trailing blanks."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def colours(self, text: str) -> tuple[str, str]:
        """The colours of a text's first character and of what is behind it, as `rrggbb` or by name."""
        row = next(row for row, line in enumerate(self._screen.display) if text in line)
        cell = self._screen.buffer[row][self._screen.display[row].index(text)]
        return cell.fg, cell.bg

    def picture(self, title: str) -> str:
        """The screen as an SVG document, in a window with this title."""
        columns = range(self._screen.columns)
        console = Console(file=io.StringIO(), record=True, width=len(columns), color_system="truecolor")
        for row in range(self._screen.lines):
            runs = groupby((self._screen.buffer[row][column] for column in columns), _style)
            pieces = (("".join(cell.data for cell in run), style) for style, run in runs)
            console.print(Text.assemble(*pieces), soft_wrap=True)
        return WEB_FONT.sub("", console.export_svg(title=title, theme=THEME, unique_id="terminal"))

    def feed(self, data: bytes) -> bytes:
        """Take what the program wrote; gives what a terminal would answer it."""
        self._draw(self._unfinished + self._decoder.decode(data))
        answers = "".join(self._answers).encode()
        self._answers.clear()
        return answers

    def _draw(self, text: str) -> None:
        self._unfinished = ""
        position = 0
        while (escape := text.find("\x1b", position)) >= 0:
            self._stream.feed(text[position:escape])
            if found := SEQUENCE.match(text, escape):
                self._sequence(found)
                position = found.end()
            elif BEGINNING_OF_SEQUENCE.fullmatch(text, escape):
                self._unfinished = text[escape:]
                return
            else:
                position = escape + 1  # no sequence at all: what follows is shown as text
        self._stream.feed(text[position:])

    def _sequence(self, found: re.Match[str]) -> None:
        csi = found["csi"]
        if csi in {f"?{WHOLE_FRAMES}h", f"?{WHOLE_FRAMES}l"}:
            self.within_frame = csi.endswith("h")
        elif csi in ENTER_OR_LEAVE_ALTERNATE_SCREEN:
            self._stream.feed("\x1b[0m\x1b[2J\x1b[H")  # pyte has one screen; a cleared one is what is seen
        elif csi in PYTE_NAMES:
            self._stream.feed(PYTE_NAMES[csi])
        elif found["plain"] or (csi and DRAWING_CSI.fullmatch(csi) and csi[-1] not in "cntu"):
            self._stream.feed(found[0])
        else:
            self.questions.append(found[0])
            self._answer(csi, found["osc"])

    def _answer(self, csi: str | None, osc: str | None) -> None:
        cursor = self._screen.cursor
        if csi == "6n":
            self._answers.append(f"\x1b[{cursor.y + 1};{cursor.x + 1}R")
        elif csi == "5n":
            self._answers.append("\x1b[0n")
        elif csi in {"c", "0c"}:
            self._answers.append("\x1b[?62;22c")
        elif csi == "14t":
            self._answers.append(f"\x1b[4;{self._screen.lines * 16};{self._screen.columns * 8}t")
        elif csi and (mode := QUESTION_OF_MODE.fullmatch(csi)):
            self._answers.append(f"\x1b[?{mode[1]};{2 if mode[1] == WHOLE_FRAMES else 0}$y")
        elif osc == "10;?":
            self._answers.append(f"\x1b]10;rgb:{self._colours[0]}\x1b\\")
        elif osc == "11;?":
            self._answers.append(f"\x1b]11;rgb:{self._colours[1]}\x1b\\")


def _style(char: Any) -> Style:
    return Style(
        color=_colour(char.fg),
        bgcolor=_colour(char.bg),
        bold=char.bold,
        italic=char.italics,
        underline=char.underscore,
        reverse=char.reverse,
    )


def _colour(name: str) -> str | None:
    if name == "default":
        return None
    return COLOUR_NAMES.get(name.removeprefix("bright"), f"#{name}")

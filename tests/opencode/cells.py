"""One character of a terminal's screen and how it looks.

Shared by what reads a screen (the tests' terminal) and what draws it (`screenshot`); knows neither.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """How a character looks; a colour is `#rrggbb`, or None for the terminal's own."""

    foreground: str | None = None
    background: str | None = None
    bold: bool = False
    italic: bool = False
    underline: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the grid.

    `text` is one character with its combining marks; it is empty in the cell that the right half of a wide
    character covers.
    """

    text: str = " "
    style: Style = Style()

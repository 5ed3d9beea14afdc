"""Draws a terminal's screen as a self-contained SVG picture in a window frame.

Pure: cells in, text out. Knows nothing of where the cells come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.sax.saxutils import escape

from opencode.cells import Cell, Style

CELL_WIDTH_PX, CELL_HEIGHT_PX = 8.4, 18
FONT_SIZE_PX = 14
BASELINE_PX = 13.5  # from the top of a row
TITLE_BAR_PX = 34
MARGIN_PX = 12  # around the window: room for its shadow
PADDING_PX = 10  # inside the window, around the grid
FOREGROUND, BACKGROUND = "#eeeeee", "#0a0a0a"  # the terminal's own colours: OpenCode's dark theme is made for them
FRAME, TITLE = "#1e1e1e", "#9a9a9a"
LIGHTS = ("#ff5f57", "#febc2e", "#28c840")
FONTS = "ui-monospace,'SF Mono','Cascadia Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"

# OpenCode draws its logo and borders with blocks and lines, and the sign that it is at work with squares. As letters
# they'd leave gaps, which differ from font to font; as rectangles they meet. Each is (left, top, width, height) in
# parts of a cell.
BLOCKS = {
    "█": (0.0, 0.0, 1.0, 1.0),
    "▀": (0.0, 0.0, 1.0, 0.5),
    "▄": (0.0, 0.5, 1.0, 0.5),
    "▌": (0.0, 0.0, 0.5, 1.0),
    "▐": (0.5, 0.0, 0.5, 1.0),
    "▁": (0.0, 0.875, 1.0, 0.125),
    "▔": (0.0, 0.0, 1.0, 0.125),
    "┃": (0.4, 0.0, 0.2, 1.0),
    "╹": (0.4, 0.0, 0.2, 0.5),
    "╻": (0.4, 0.5, 0.2, 0.5),
    "│": (0.45, 0.0, 0.1, 1.0),
    "─": (0.0, 0.47, 1.0, 0.06),
    "━": (0.0, 0.44, 1.0, 0.12),
    "■": (0.1, 0.3, 0.8, 0.4),
    "⬝": (0.35, 0.43, 0.3, 0.14),
}


def render_svg(cells: Sequence[Sequence[Cell]], title: str) -> str:
    """The screen as an SVG document; `title` stands in the window's bar and names the picture."""
    columns, rows = max((len(row) for row in cells), default=0), len(cells)
    width = round(columns * CELL_WIDTH_PX + 2 * PADDING_PX, 1)
    height = rows * CELL_HEIGHT_PX + 2 * PADDING_PX + TITLE_BAR_PX
    return "\n".join(
        [*_opening(title, width, height), *_title_bar(title, width), *_grid(cells), *_closing(width, height)]
    )


def _opening(title: str, width: float, height: float) -> Iterator[str]:
    outer_width, outer_height = width + 2 * MARGIN_PX, height + 2 * MARGIN_PX
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {outer_width:g} {outer_height:g}" '
        f'width="{outer_width:g}" height="{outer_height:g}">'
    )
    yield f"<title>{escape(title)}</title>"
    yield f'<defs><clipPath id="window"><rect width="{width:g}" height="{height:g}" rx="10"/></clipPath></defs>'
    yield f'<g transform="translate({MARGIN_PX} {MARGIN_PX})">'
    yield f'<rect y="3" width="{width:g}" height="{height:g}" rx="10" fill="#000000" fill-opacity="0.25"/>'
    yield '<g clip-path="url(#window)">'
    yield f'<rect width="{width:g}" height="{height:g}" fill="{BACKGROUND}"/>'


def _closing(width: float, height: float) -> Iterator[str]:
    yield "</g>"
    yield (
        f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="9.5" fill="none" '
        'stroke="#ffffff" stroke-opacity="0.12"/>'
    )
    yield "</g></svg>\n"


def _grid(cells: Sequence[Sequence[Cell]]) -> Iterator[str]:
    yield (
        f'<g transform="translate({PADDING_PX} {TITLE_BAR_PX + PADDING_PX})" font-family="{FONTS}" '
        f'font-size="{FONT_SIZE_PX}" fill="{FOREGROUND}" xml:space="preserve">'
    )
    yield '<g shape-rendering="crispEdges">'
    for y, row in enumerate(cells):
        yield from _backgrounds(row, y)
        yield from _blocks(row, y)
    yield "</g>"
    for y, row in enumerate(cells):
        yield from _texts(row, y)
    yield "</g>"


def _title_bar(title: str, width: float) -> Iterator[str]:
    middle = TITLE_BAR_PX / 2
    yield f'<rect width="{width:g}" height="{TITLE_BAR_PX}" fill="{FRAME}"/>'
    for place, colour in enumerate(LIGHTS):
        yield f'<circle cx="{20 + 20 * place}" cy="{middle:g}" r="6" fill="{colour}"/>'
    yield (
        f'<text x="{width / 2:g}" y="{middle + 4.5:g}" text-anchor="middle" font-size="13" fill="{TITLE}" '
        f"font-family=\"system-ui,-apple-system,'Segoe UI',sans-serif\">{escape(title)}</text>"
    )


def _backgrounds(row: Sequence[Cell], y: int) -> Iterator[str]:
    for colour, run in groupby(enumerate(row), lambda item: item[1].style.background):
        places = [x for x, _ in run]
        if colour not in {None, BACKGROUND}:
            yield _rectangle(places[0], y, len(places), 1, colour)


def _blocks(row: Sequence[Cell], y: int) -> Iterator[str]:
    for (text, colour), run in groupby(enumerate(row), lambda item: (item[1].text, item[1].style.foreground)):
        places = [x for x, _ in run]
        if text not in BLOCKS:
            continue
        left, top, width, height = BLOCKS[text]
        spans = [(places[0], len(places))] if width == 1 else [(x, width) for x in places]
        for x, span in spans:
            yield _rectangle(x + left, y + top, span, height, colour or FOREGROUND)


def _rectangle(x: float, y: float, width: float, height: float, colour: str | None) -> str:
    return (
        f'<rect x="{x * CELL_WIDTH_PX:.1f}" y="{y * CELL_HEIGHT_PX:.1f}" '
        f'width="{width * CELL_WIDTH_PX:.1f}" height="{height * CELL_HEIGHT_PX:.1f}" fill="{colour}"/>'
    )


def _texts(row: Sequence[Cell], y: int) -> Iterator[str]:
    for x, width, text, style in text_runs(row):
        # textLength keeps every run on the grid, whatever monospace font the viewer has.
        yield (
            f'<text x="{x * CELL_WIDTH_PX:.1f}" y="{y * CELL_HEIGHT_PX + BASELINE_PX:g}" '
            f'textLength="{width * CELL_WIDTH_PX:.1f}"{_attributes(style)}>{escape(text)}</text>'
        )


def text_runs(row: Sequence[Cell]) -> Iterator[tuple[int, int, str, Style]]:
    """A row's text as (first column, columns, text, style), cut where the style changes or a gap of blanks is.

    Single blanks between words stay in a run; block characters and blank cells are in none.
    """
    start, text, style = 0, "", Style()
    for x, cell in enumerate([*row, Cell()]):
        blank = not cell.text.strip() or cell.text in BLOCKS
        covered = cell.text == ""
        goes_on = bool(text) and (covered or (_ink(cell.style) == style and cell.text not in BLOCKS))
        if goes_on and not (blank and not covered and text.endswith(" ")) and x < len(row):
            text += cell.text
            continue
        if kept := text.rstrip():
            yield start, x - start - (len(text) - len(kept)), kept, style
        start, text, style = x, "" if blank else cell.text, _ink(cell.style)


def _ink(style: Style) -> Style:
    return Style(style.foreground, None, style.bold, style.italic, style.underline)


def _attributes(style: Style) -> str:
    return "".join(
        [
            f' fill="{style.foreground}"' if style.foreground not in {None, FOREGROUND} else "",
            ' font-weight="700"' if style.bold else "",
            ' font-style="italic"' if style.italic else "",
            ' text-decoration="underline"' if style.underline else "",
        ]
    )

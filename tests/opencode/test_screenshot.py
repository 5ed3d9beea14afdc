from xml.etree import ElementTree as ET

from opencode.cells import Cell, Style
from opencode.screenshot import CELL_WIDTH_PX, render_svg, text_runs

SVG = "{http://www.w3.org/2000/svg}"
RED = Style(foreground="#ff0000")


def row(text: str, style: Style | None = None) -> list[Cell]:
    return [Cell(character, style or Style()) for character in text]


def texts(svg: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(svg).iter(f"{SVG}text") if element.get("textLength")]


def test_markup_on_the_screen_and_in_the_title_is_escaped() -> None:
    svg = render_svg([row('<b> & "c"')], 'A <title> & "quotes"')
    assert texts(svg)[0].text == '<b> & "c"'
    assert ET.fromstring(svg).findtext(f"{SVG}title") == 'A <title> & "quotes"'


def test_a_run_stands_on_its_columns_whatever_the_font() -> None:
    (element,) = texts(render_svg([row("   two words   ")], "t"))
    assert element.text == "two words"
    assert element.get("x") == f"{3 * CELL_WIDTH_PX:.1f}"
    assert element.get("textLength") == f"{9 * CELL_WIDTH_PX:.1f}"


def test_runs_are_cut_where_the_style_changes_and_at_gaps() -> None:
    cells = [*row("ab"), *row("cd", RED), *row("  x  y")]
    assert [(x, width, text) for x, width, text, _ in text_runs(cells)] == [
        (0, 2, "ab"),
        (2, 2, "cd"),
        (6, 1, "x"),
        (9, 1, "y"),
    ]


def test_a_wide_character_takes_two_columns() -> None:
    cells = [Cell("漢"), Cell(""), *row("a")]
    assert [(x, width, text) for x, width, text, _ in text_runs(cells)] == [(0, 3, "漢a")]


def test_blocks_are_drawn_and_not_written() -> None:
    svg = render_svg([row("▀▀█", RED)], "t")
    assert texts(svg) == []
    rectangles = [
        element.get("width") for element in ET.fromstring(svg).iter(f"{SVG}rect") if element.get("fill") == "#ff0000"
    ]
    assert rectangles == [f"{2 * CELL_WIDTH_PX:.1f}", f"{CELL_WIDTH_PX:.1f}"]


def test_equal_backgrounds_are_one_rectangle() -> None:
    svg = render_svg([row("a b c", Style(background="#123456"))], "t")
    assert svg.count('fill="#123456"') == 1


def test_bold_italic_and_underline_are_kept() -> None:
    (element,) = texts(render_svg([row("a", Style(bold=True, italic=True, underline=True))], "t"))
    assert (element.get("font-weight"), element.get("font-style"), element.get("text-decoration")) == (
        "700",
        "italic",
        "underline",
    )


def test_an_empty_screen_is_a_picture_too() -> None:
    assert texts(render_svg([], "t")) == []

"""The two pictures of docs/benchmarks.md, as SVG: time against length, and what a handoff keeps.

Pure: numbers in, text out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.samples import Sample

WIDTH = 760
INK, FAINT, LINE, PAPER = "#1f2328", "#656d76", "#d0d7de", "#ffffff"
COLOURS = ("#0969da", "#8c959f", "#bc4c00", "#6e7781")
PROMPT_COLOUR, READ_COLOUR, OTHER_COLOUR = "#0969da", "#80ccff", "#bc4c00"
LABEL_HEIGHT = 18
FONT = "system-ui,-apple-system,'Segoe UI',sans-serif"


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the second picture, in parts of one: in the prompt, with one read too, and in the other way."""

    name: str
    in_prompt: float
    recovered: float
    other: float


def latency_svg(times: Mapping[str, Mapping[int, Sample]], subtitle: str) -> str:
    """Medians as lines, with a bar from the tenth to the ninetieth percentile at each length."""
    left, top, width, height = 70, 84, WIDTH - 260, 250
    sizes = sorted(next(iter(times.values())))
    ceiling = _round_up(max(sample.high for samples in times.values() for sample in samples.values()))

    def x(place: int) -> float:
        return left + width * (place + 0.5) / len(sizes)

    def y(value: float) -> float:
        return top + height * (1 - value / ceiling)

    parts = [*_heading("A handoff's time against the old session's length", subtitle)]
    for step in range(5):
        value = ceiling * step / 4
        parts += [
            _line((left, y(value)), (left + width, y(value)), LINE),
            _text(left - 8, y(value) + 4, f"{value:g}", "end"),
        ]
    parts.append(_text(left - 8, top - 12, "ms", "end"))
    parts += [_text(x(place), top + height + 20, f"{size:,}", "middle") for place, size in enumerate(sizes)]
    parts.append(_text(left + width / 2, top + height + 42, "turns of the old session", "middle"))
    labels = _apart([y(samples[sizes[-1]].median) for samples in times.values()], LABEL_HEIGHT)
    for number, (name, samples) in enumerate(times.items()):
        colour, shift = COLOURS[number % len(COLOURS)], (number - (len(times) - 1) / 2) * 6
        points = [(x(place) + shift, samples[size]) for place, size in enumerate(sizes)]
        path = " ".join(f"{px:.1f},{y(sample.median):.1f}" for px, sample in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for px, sample in points:
            parts.append(_line((px, y(sample.low)), (px, y(sample.high)), colour, 2))
            parts.append(f'<circle cx="{px:.1f}" cy="{y(sample.median):.1f}" r="4" fill="{colour}"/>')
        last = f"{name}: {points[-1][1].median:,.0f} ms"
        parts.append(_text(left + width + 12, labels[number] + 4, last, "start", colour))
    return _document(parts, top + height + 60)


def fidelity_svg(bars: Sequence[Bar], other: str, subtitle: str) -> str:
    """A bar for each kind of fact: what is in the prompt, what one read adds, and a mark for the other way."""
    left, top, width, row = 130, 104, WIDTH - 210, 30
    parts = [*_heading("What a handoff keeps", subtitle)]
    legend = ((PROMPT_COLOUR, "in the prompt"), (READ_COLOUR, "one read_session more"), (OTHER_COLOUR, other))
    for number, (colour, name) in enumerate(legend):
        parts.append(f'<rect x="{left + number * 190}" y="70" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(left + number * 190 + 18, 81, name))
    for number, bar in enumerate(bars):
        up = top + number * row
        parts.append(_text(left - 10, up + 15, bar.name, "end", INK))
        parts.append(f'<rect x="{left}" y="{up}" width="{width}" height="20" fill="#f6f8fa"/>')
        parts.append(
            f'<rect x="{left}" y="{up}" width="{width * bar.recovered:.1f}" height="20" fill="{READ_COLOUR}"/>'
        )
        parts.append(
            f'<rect x="{left}" y="{up}" width="{width * bar.in_prompt:.1f}" height="20" fill="{PROMPT_COLOUR}"/>'
        )
        mark = left + width * bar.other
        parts.append(_line((mark, up - 3), (mark, up + 23), OTHER_COLOUR, 3))
        parts.append(_text(left + width + 10, up + 15, f"{bar.recovered:.0%}", "start", INK))
    return _document(parts, top + len(bars) * row + 16)


def _heading(title: str, subtitle: str) -> Iterator[str]:
    yield f"<title>{escape(title)}</title>"
    yield f'<text x="24" y="32" font-size="17" font-weight="600" fill="{INK}">{escape(title)}</text>'
    yield _text(24, 52, subtitle)


def _document(parts: Sequence[str], height: float) -> str:
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" font-family="{FONT}" font-size="13">'
    )
    frame = f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}" rx="8" fill="{PAPER}" stroke="{LINE}"/>'
    title, *rest = parts
    return "\n".join([opening, title, frame, *rest, "</svg>\n"])


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = FAINT) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _line(start: tuple[float, float], end: tuple[float, float], colour: str, width: float = 1) -> str:
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"/>'


def _apart(places: Sequence[float], distance: float) -> list[float]:
    """The places, in their order, each moved down until it is this far below the one above it."""
    moved: dict[int, float] = {}
    lowest = float("-inf")
    for number in sorted(range(len(places)), key=places.__getitem__):
        lowest = moved[number] = max(places[number], lowest + distance)
    return [moved[number] for number in range(len(places))]


def _round_up(value: float) -> float:
    """The next number that four grid lines divide well."""
    step = 40
    while step * 4 < value:
        step *= 2
    return -(-value // step) * step

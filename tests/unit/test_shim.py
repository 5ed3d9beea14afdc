"""What the shim may hold: few lines, and nothing that Python could have sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_sidecar.sidecar.manifest import manifest

SHIM = Path(__file__).parents[2] / "plugin-shim"
FILES = [SHIM / "index.js", *sorted((SHIM / "lib").rglob("*.js"))]

MOST_LINES = 1_450
"""Of code in the server half, without comments and blank lines, as the formatter lays them."""

MOST_FILES = 13

MOST_LINES_OF_A_FILE = 280
"""With its comments: what is longer has more than one job."""

SMALL = 500
"""What is no larger may well mean something else."""

UNITS = {1_000}
"""Milliseconds in a second stand anywhere."""


def code_of(file: Path) -> str:
    """Without comments."""
    text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"(?m)(^|\s)//.*$", "", text)


def numbers_in(value: object) -> Iterator[int]:
    match value:
        case bool():
            return
        case int():
            yield value
        case dict():
            for inner in value.values():
                yield from numbers_in(inner)
        case list():
            for inner in value:
                yield from numbers_in(inner)
        case _:
            return


def texts_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from texts_in(inner)
        case list():
            for inner in value:
                yield from texts_in(inner)
        case _:
            return


def test_the_shim_is_thin() -> None:
    lines = {file.name: sum(bool(line.strip()) for line in code_of(file).splitlines()) for file in FILES}
    whole = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}

    assert 10 < len(lines) <= MOST_FILES
    assert sum(lines.values()) <= MOST_LINES, lines
    assert max(whole.values()) <= MOST_LINES_OF_A_FILE, whole


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_tools_json_holds_stands_in_no_file_of_the_shim(file: Path) -> None:
    given, code = manifest(), code_of(file)
    numbers = {int(found.replace("_", "")) for found in re.findall(r"(?<![\w.])-?\d[\d_]*(?![\w.])", code)}
    told = {number for number in numbers_in(given) if abs(number) > SMALL} - UNITS
    texts = {text for text in texts_in(given) if len(text) > 12}

    assert len(told) > 20
    assert len(texts) > 60
    assert not numbers & told
    assert not [text for text in texts if json.dumps(text)[1:-1] in code or text in code]


@pytest.mark.parametrize("file", [*FILES, SHIM / "tui" / "wire.js"], ids=lambda file: file.name)
def test_bun_is_told_that_it_need_not_transpile_what_opencodes_start_waits_for(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("// @bun\n")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_form_of_an_id_stands_in_no_file_of_the_shim(file: Path) -> None:
    assert not re.findall(r"\b(?:ses|msg|prt)_", code_of(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_sentence_for_a_person_or_a_model_stands_in_the_shim(file: Path) -> None:
    quoted = re.findall(r"\"([^\"\n]*)\"|`([^`]*)`", code_of(file))

    assert not [text for pair in quoted for text in pair if re.match(r"[A-Z].*\s.*\s.*[.!]\s*$", text)]


@pytest.mark.parametrize(
    ("of_opencode", "files"),
    [
        (r"[\"`^]\^?(?:[A-Z]+ )?\\?/(?:session|tui|global|log)\b", {"host.js", "tunnel.js"}),  # endpoints
        (r"\b_client\b|interceptors", {"index.js", "host.js"}),
        (r"\"(?:session|message)\.[a-z.]+\"", {"hooks.js"}),
        (r"\"(?:chat|tool|command|experimental)\.[a-z.]+\"", {"index.js", "hooks.js"}),
        (r"from \"\./hooks\.js\"", {"host.js"}),
    ],
)
def test_what_only_this_line_of_opencode_has_stands_behind_the_host(of_opencode: str, files: set[str]) -> None:
    assert {file.name for file in FILES if re.search(of_opencode, code_of(file))} == files

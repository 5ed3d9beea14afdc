"""JSON that others write: with comments and trailing commas, as OpenCode reads its own files (jsonc-parser, 1.18.33).

Reads a text, and changes one member of an object in it without touching the rest: comments stay. Does not know files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

# What is never closed is matched up to the end of the text, so that no hostile file is scanned again and again.
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"?|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_STRING_OR_TRAILING_COMMA = re.compile(r'"(?:\\.|[^"\\])*"?|,(?=\s*[}\]])', re.DOTALL)
_VISIBLE = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class _Member:
    """Where a member of the outermost object, or an item of a list in it, stands in the text."""

    key: str
    start: int
    value_start: int
    end: int

    def written(self, text: str) -> str:
        """The value as it stands there."""
        return text[self.value_start : self.end]


def parse(text: str) -> Any:  # noqa: ANN401  # JSON as it is
    """What the text holds.

    Raises:
        ValueError: it is not valid JSON, even without comments and trailing commas. The position is that in the text.
        RecursionError: its brackets are nested too deeply.
    """
    return json.loads(_plain(text))


def from_wire(data: bytes) -> object:
    """Plain JSON from a program in JavaScript. Where it cut a string inside an emoji, `?` stands for the half left.

    Raises:
        ValueError: it is not JSON, or is nested too deeply.
    """
    try:
        # Only keys repeat often enough for a cache to pay.
        return from_json(data, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        try:
            whole = json.dumps(json.loads(data), ensure_ascii=False)  # takes half a surrogate pair
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        return from_json(whole.encode("utf-8", "replace"), allow_inf_nan=False)


def with_member(text: str, key: str, value: object) -> str:
    """The text of an object with this member changed, or added before the others; everything else stays as it is.

    Args:
        text: what `parse` reads as an object.
    """
    written = json.dumps(value, ensure_ascii=False)
    members = list(_members(text))
    # Of a key that is there twice the last one counts, as in any JSON.
    if there := [member for member in members if member.key == key]:
        return text[: there[-1].value_start] + written + text[there[-1].end :]
    begin = _plain(text).index("{") + 1
    rest = text[begin:]
    if not rest.lstrip(" \t\r").startswith("\n"):
        rest = rest.lstrip()
        rest = f"\n{rest}" if rest.startswith("}") else f"\n  {rest}"
    return f"{text[:begin]}\n  {json.dumps(key)}: {written}{',' if members else ''}{rest}"


def without_member(text: str, key: str) -> str:
    """The text of an object without this member; everything else stays as it is.

    Args:
        text: what `parse` reads as an object.
    """
    while found := next((member for member in _members(text) if member.key == key), None):
        text = _cut_out(text, found)
    return text


def with_item(text: str, key: str, item: object) -> str:
    """The text of an object with this item as the first of the list under the key; everything else stays as it is.

    Args:
        text: what `parse` reads as an object, with a list under the key or nothing.
    """
    written = json.dumps(item, ensure_ascii=False)
    for member in _members(text):
        if member.key == key:
            begin = member.value_start + 1
            rest = text[begin:]
            between = "" if not list(_items(text, key)) else "," if rest[0].isspace() else ", "
            return text[:begin] + written + between + rest
    return with_member(text, key, [item])


def without_item(text: str, key: str, item: object) -> str:
    """The text of an object without this item of the list under the key; everything else stays as it is.

    Args:
        text: what `parse` reads as an object, with a list under the key or nothing.
    """
    while found := next((each for each in _items(text, key) if json.loads(_plain(each.written(text))) == item), None):
        text = _cut_out(text, found)
    return text


def _cut_out(text: str, member: _Member) -> str:
    uncommented = _uncommented(text)
    start, end = member.start, member.end
    before = uncommented[:start].rstrip()
    if uncommented[after := _next_visible(uncommented, end)] == ",":
        end = after + 1
    elif before.endswith(","):  # of the one before, which is the last now
        text = f"{text[: len(before) - 1]} {text[len(before) :]}"
    line = text.rfind("\n", 0, start)
    if line >= 0 and not text[line:start].strip():  # nothing else stands in its line
        start = line
    return text[:start].rstrip(" ") + text[end:]


def _members(text: str) -> Iterator[_Member]:
    plain = _plain(text)
    return _entries(plain, plain.index("{") + 1, is_object=True)


def _items(text: str, key: str) -> Iterator[_Member]:
    listed = next((member for member in _members(text) if member.key == key), None)
    return iter(()) if listed is None else _entries(_plain(text), listed.value_start + 1, is_object=False)


def _entries(plain: str, place: int, *, is_object: bool) -> Iterator[_Member]:
    """The members of an object, or the items of a list, from this place on to its end."""
    decoder = json.JSONDecoder()
    while plain[start := _next_visible(plain, place)] not in "]}":
        key, value_start = "", start
        if is_object:
            key, place = decoder.raw_decode(plain, start)
            value_start = _next_visible(plain, plain.index(":", place) + 1)
        _, end = decoder.raw_decode(plain, value_start)
        yield _Member(key, start, value_start, end)
        place = _next_visible(plain, end)
        if plain[place] == ",":
            place += 1


def _next_visible(text: str, place: int) -> int:
    found = _VISIBLE.search(text, place)
    return found.start() if found else len(text)


def _plain(text: str) -> str:
    """The text as plain JSON; of the same length, so that positions stay."""
    return _STRING_OR_TRAILING_COMMA.sub(_string_or_blank, _uncommented(text))


def _uncommented(text: str) -> str:
    return _STRING_OR_COMMENT.sub(_string_or_blank, text)


def _string_or_blank(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else re.sub(r"[^\n]", " ", found[0])

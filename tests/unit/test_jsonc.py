from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar import jsonc

KEYS = st.text(string.ascii_letters + '",:/*{}\\', min_size=1, max_size=5)
VALUES = st.recursive(
    st.none() | st.integers() | st.text('a"/*,}]\\ ', max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
BLANKS = st.sampled_from(["", " ", "\n", "/* , } */", '// ] "\n', "\r\n  "])


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A commented object and what it holds."""
    values = draw(st.dictionaries(KEYS, VALUES, max_size=3))
    members = [
        f"{draw(BLANKS)}{json.dumps(key)}{draw(BLANKS)}:{draw(BLANKS)}{json.dumps(value)}{draw(BLANKS)}"
        for key, value in values.items()
    ]
    trailing = draw(st.sampled_from(["", ","])) if members else ""
    return f"{draw(BLANKS)}{{{','.join(members)}{trailing}{draw(BLANKS)}}}{draw(BLANKS)}", values


@given(documents(), KEYS, VALUES)
def test_what_is_written_into_a_commented_text_is_read_back_and_the_rest_stays(
    document: tuple[str, dict[str, Any]], key: str, value: object
) -> None:
    text, values = document
    comments = text.count("/* , } */")
    assert jsonc.parse(text) == values

    changed = jsonc.with_member(text, key, value)
    assert jsonc.parse(changed) == {**values, key: value}
    assert changed.count("/* , } */") >= comments

    removed = jsonc.without_member(changed, key)
    assert jsonc.parse(removed) == {name: held for name, held in values.items() if name != key}


@pytest.mark.parametrize(
    ("text", "added", "removed"),
    [
        ("{}\n", '{\n  "k": 1\n}\n', "{}\n"),
        ('{"a": 2}', '{\n  "k": 1,\n  "a": 2}', '{"a": 2}'),
        ('{\n  "k": 0, // mine\n  "a": 2\n}', '{\n  "k": 1, // mine\n  "a": 2\n}', '{ // mine\n  "a": 2\n}'),
        ('{\n  "a": 2, // its\n  "k": 0\n}', '{\n  "a": 2, // its\n  "k": 1\n}', '{\n  "a": 2  // its\n}'),
        ('{"k": 0, "k": 3}', '{"k": 0, "k": 1}', "{}"),
    ],
)
def test_a_member_is_changed_in_its_place(text: str, added: str, removed: str) -> None:
    assert jsonc.with_member(text, "k", 1) == added
    assert jsonc.without_member(text, "k") == removed


@pytest.mark.parametrize("text", ["", "{", '{"a" 1}', "{} x", '{"a": /* never closed', '"' * 65_535, "/*" * 32_000])
def test_what_is_not_json_even_so_is_refused_in_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        jsonc.parse(text)

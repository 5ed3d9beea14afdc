from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.call.tool import check_arguments
from handoff_sidecar.errors import InvalidArguments
from handoff_sidecar.sidecar.manifest import manifest
from handoff_sidecar.text.tokens import Tokenizer

TOOLS_JSON = Path(__file__).parents[3] / "plugin-shim" / "tools.json"


def test_what_the_shim_registers_is_what_python_defines() -> None:
    assert json.loads(TOOLS_JSON.read_text(encoding="utf-8")) == manifest(), "stale: run `make tools`"


def test_both_definitions_together_cost_at_most_500_tokens_of_each_request() -> None:
    as_sent = [{"type": "function", "function": tool} for tool in manifest()["tools"]]

    assert Tokenizer().count(json.dumps(as_sent)) <= 500


def test_only_the_summary_is_required() -> None:
    required = {tool["name"]: tool["parameters"]["required"] for tool in manifest()["tools"]}

    assert required == {"session_handoff": ["summary"], "read_session": []}


def test_every_argument_is_described_without_alternatives_that_confuse_small_models() -> None:
    for tool in manifest()["tools"]:
        for argument in tool["parameters"]["properties"].values():
            assert argument["description"]
            assert "anyOf" not in argument


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"files_modified": ["a"] * 100_000}, "`files_modified`: at most 2,000 entries, not 100,000"),
        ({"next_steps": "[" + "1," * 5_000 + "1]"}, "`next_steps`: at most 2,000 entries, not 5,001"),
        ({"key_decisions": [{"decision": "x"}] * 3_000}, "`key_decisions`: at most 2,000 entries, not 3,000"),
        ({"goal": "x" * 1_000_000}, "`goal`: at most 200,000 characters, not 1,000,000"),
        ({"constraints": ["x" * 1_000_000]}, "`constraints`: at most 200,000 characters, not 1,000,000"),
    ],
)
def test_what_is_far_too_much_is_refused_in_a_sentence_that_says_how_much_there_may_be(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        check_arguments("session_handoff", Notes, {"summary": "x", **arguments})

    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


def test_of_many_mistakes_the_first_are_told() -> None:
    with pytest.raises(InvalidArguments) as caught:
        check_arguments("session_handoff", Notes, {"goal": 1, "blocked": 2, "agent": 3, "files_modified": [1] * 500})

    assert "(and 2 more)" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_list_as_text_that_is_nested_without_end_is_a_text() -> None:
    nested = "[" * 100_000

    assert check_arguments("session_handoff", Notes, {"summary": "x", "next_steps": nested}).next_steps == [nested]

from __future__ import annotations

import json
from pathlib import Path

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

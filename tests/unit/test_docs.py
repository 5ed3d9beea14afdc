"""What the README says is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from handoff_sidecar.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("key", "field"), Settings.model_fields.items())
def test_every_setting_is_there_with_its_default(key: str, field: object) -> None:
    default = getattr(field, "default", None)

    assert f"| `{key}` | `{json.dumps(default)}` |" in README


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))

    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets


def test_every_picture_and_file_that_is_linked_exists() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).is_file()

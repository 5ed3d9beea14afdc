"""What the README says is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.parts import PARTS
from handoff_sidecar.journal.journal import KEPT_BRIEFS
from handoff_sidecar.opencode.versions import TRIED
from handoff_sidecar.settings import MAX_FILE_BYTES, Settings
from handoff_sidecar.sidecar.logs import MAX_FILE_BYTES as LOG_BYTES
from handoff_sidecar.sidecar.logs import OLD_FILES

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
        assert (ROOT / target).exists()


def test_every_bar_stands_in_the_readme_as_it_was_printed_held_or_not() -> None:
    reports = sorted((ROOT / "benchmarks" / "results").glob("*.md"))
    bars = [line for report in reports for line in report.read_text(encoding="utf-8").splitlines() if "(bar: " in line]

    assert len(reports) == len(PARTS)
    assert bars
    assert [bar for bar in bars if bar not in README] == []


def test_every_version_that_was_tried_is_named() -> None:
    said = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")

    assert f"{TRIED[0]}, {TRIED[1]} and {TRIED[2]} (`make compat`)" in said


def test_what_is_said_of_security_is_so() -> None:
    said = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    endpoints = (ROOT / "plugin-shim" / "lib" / "endpoints.js").read_text(encoding="utf-8")

    listed = re.findall(r"""(?m)^  \["[A-Z]+", """, endpoints)
    assert f"a list of {len(listed)} endpoints" in said
    assert all(f"`{key}`" in said for key in Settings.USER_ONLY)
    assert f"your last {KEPT_BRIEFS} handoffs" in said
    assert f"{MAX_FILE_BYTES // 1024} KB at most" in said
    assert f"{LOG_BYTES * (OLD_FILES + 1) // 1_000_000} MB at most" in said

from __future__ import annotations

import json
import re
from pathlib import Path

from handoff_sidecar import __version__

ROOT = Path(__file__).parents[3]


def test_the_python_and_the_npm_package_carry_one_version() -> None:
    package = json.loads((ROOT / "plugin-shim" / "package.json").read_text(encoding="utf-8"))

    assert package["version"] == __version__


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    newest = re.search(r"(?m)^## (\S+)", changelog)
    assert newest is not None
    assert newest[1] == __version__

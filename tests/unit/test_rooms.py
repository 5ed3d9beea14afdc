"""The code's own order, beside what import-linter holds: one name for one class, and tests where their room is."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "handoff_sidecar"
OF_NO_ROOM = {"benchmarks", "fuzz"}


def test_no_two_classes_have_one_name() -> None:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in SOURCE.rglob("*.py")]
    names = Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))

    assert len(names) > 100, "no classes were found"
    assert [name for name, count in names.items() if count > 1] == []


def test_the_unit_tests_have_the_folders_of_the_rooms() -> None:
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    folders = {path.parent.name for path in Path(__file__).parent.glob("*/test_*.py")}

    assert len(rooms) > 10, "no rooms were found"
    assert folders - OF_NO_ROOM <= rooms

"""What is kept of the measurements: the pictures are today's drawing of the kept numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import archive, machine
from benchmarks.errors import BadInput


@pytest.mark.parametrize("name", archive.DRAWN)
def test_a_picture_in_the_docs_is_what_is_drawn_from_the_kept_numbers(name: str) -> None:
    kept = (archive.PICTURES / f"{name}.svg").read_text(encoding="utf-8")
    assert kept == archive.picture(name), "draw it anew: python -m benchmarks --redraw"


def test_what_is_kept_can_be_read_again_and_has_no_line_for_each_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "RESULTS", tmp_path / "results")
    result = {"times": {"ours": {"values": [1.234, 2.0]}}, "counts": [{"kind": "goal", "reads": [1, 2]}]}

    archive.keep("chat", machine.describe(None, "abc1234", 0.5), result, "## Chat")

    written = (tmp_path / "results" / "chat.json").read_text(encoding="utf-8")
    assert json.loads(written)["result"]["times"]["ours"] == {"values": [1.23, 2.0]}
    assert '{"kind": "goal", "reads": [1, 2]}' in written
    assert json.loads(written)["machine"]["commit"] == "abc1234"
    assert (tmp_path / "results" / "chat.md").read_text(encoding="utf-8") == "## Chat\n"


def test_a_picture_of_what_was_not_measured_is_not_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RESULTS", tmp_path)
    with pytest.raises(BadInput, match="measure `latency` first"):
        archive.picture("latency")


def test_outside_of_a_repository_the_commit_is_unknown(tmp_path: Path) -> None:
    assert machine.commit(tmp_path) == machine.UNKNOWN

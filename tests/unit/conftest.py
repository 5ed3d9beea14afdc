"""What the tests of all tools share."""

from __future__ import annotations

from pathlib import Path

import pytest

from handoff_sidecar.journal.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "briefs")

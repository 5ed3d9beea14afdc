from __future__ import annotations

import pytest

from handoff_sidecar.opencode.versions import NEWEST_TRIED, OLDEST, TRIED, is_supported, is_untried


@pytest.mark.parametrize(
    ("version", "supported", "untried"),
    [
        ("1.1.65", False, False),
        ("1.15.12", False, False),
        (str(OLDEST), True, False),
        (str(NEWEST_TRIED), True, False),
        ("1.99.0", True, True),
        ("2.0.0-beta.1", False, True),
        ("2.0.0", False, True),
        ("local", True, True),
    ],
)
def test_a_version_is_judged_by_the_table(version: str, *, supported: bool, untried: bool) -> None:
    assert (is_supported(version), is_untried(version)) == (supported, untried)


def test_the_ends_of_the_table_are_tried() -> None:
    assert (TRIED[0], TRIED[-1]) == (OLDEST, NEWEST_TRIED)

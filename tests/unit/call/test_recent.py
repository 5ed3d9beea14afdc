from __future__ import annotations

from handoff_sidecar.call.recent import Recent


def test_the_entry_that_was_set_longest_ago_goes_first() -> None:
    recent: Recent[str, int] = Recent(2)
    recent["a"], recent["b"] = 1, 2
    recent["a"] = 3
    recent["c"] = 4

    assert list(recent.items()) == [("a", 3), ("c", 4)]

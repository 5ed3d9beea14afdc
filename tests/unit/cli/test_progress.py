from __future__ import annotations

import io
import threading

from handoff_sidecar.cli.progress import CLEAR_LINE, told_if_slow


class Screen(io.StringIO):
    """Where something is said; `said` is set with the first words."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.said = threading.Event()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        self.said.set()
        return super().write(text)


def test_what_is_quick_is_done_without_a_word() -> None:
    screen = Screen(terminal=True)

    with told_if_slow("Reading", stream=screen):
        pass

    assert not screen.said.is_set()


def test_what_is_slow_is_told_on_a_terminal_and_the_line_is_cleared_when_it_is_done() -> None:
    screen = Screen(terminal=True)

    with told_if_slow("Reading", patience_s=0, stream=screen):
        assert screen.said.wait(10)

    assert screen.getvalue().startswith(f"{CLEAR_LINE}Reading … 0 s")
    assert screen.getvalue().endswith(CLEAR_LINE)


def test_where_there_is_no_terminal_nothing_is_said() -> None:
    screen = Screen(terminal=False)

    with told_if_slow("Reading", patience_s=0, stream=screen):
        assert "progress" not in [thread.name for thread in threading.enumerate()]

    assert not screen.said.is_set()

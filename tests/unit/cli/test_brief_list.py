from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.cli import main
from handoff_sidecar.cli.brief_list import LISTED_BRIEFS, local_time, write_brief, write_list


@pytest.fixture(autouse=True)
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def handoff(number: int, title: str = "") -> Handoff:
    created = f"2026-11-23T07:{number:02}:00.000000+00:00"
    sessions = {"from_session": f"ses_{number}", "from_title": title, "to_session": f"ses_{number + 1}"}
    made = {"title": "Handoff: Auth", "agent": "build", "tokens": 15, "prompt": "## Session Handoff"}
    return Handoff.model_validate({**sessions, **made, "directory": "/p", "created": created})


def test_the_list_has_as_many_lines_as_a_terminal_and_says_how_many_more_there_are() -> None:
    handoffs = [handoff(number) for number in range(30)]

    *lines, rest = write_list(handoffs, whole=False).splitlines()

    assert len(lines) == LISTED_BRIEFS
    assert lines[0] == "2026-11-23 02:00  ses_0  Handoff: Auth → ses_1"
    assert rest == "(10 older ones: handoff-sidecar briefs --all)"
    assert len(write_list(handoffs, whole=True).splitlines()) == 30
    assert write_list(handoffs[: LISTED_BRIEFS + 1], whole=False).endswith(
        "(1 older one: handoff-sidecar briefs --all)"
    )


def test_a_title_is_one_short_line_without_what_a_terminal_obeys() -> None:
    line = write_list([handoff(1, "Fix\n\x1b[2Jthe login " + "x" * 99)], whole=False)

    assert line.startswith("2026-11-23 02:01  ses_1  Fix the login xxx")
    assert "\x1b" not in line
    assert len(line) < 100


def test_a_brief_begins_with_what_was_handed_on() -> None:
    assert write_brief(handoff(1, "Login")).splitlines() == [
        "## Session Handoff",
        "",
        "2026-11-23 02:01  ses_1  Login → ses_2",
        "build, 15 tokens",
    ]
    assert "→ no session yet\n" in write_brief(handoff(1).model_copy(update={"to_session": None}))


def test_a_time_that_somebody_changed_is_shown_as_it_is() -> None:
    assert local_time("yesterday") == "yesterday"


def test_the_help_says_how_many_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["handoff-sidecar", "briefs", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main.main()

    assert f"not only the newest {LISTED_BRIEFS}" in " ".join(capsys.readouterr().out.split())

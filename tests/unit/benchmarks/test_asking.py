"""The command line of the benchmarks: what can't be measured is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.arguments import asked_for
from benchmarks.parts import PARTS

NAMES = list(PARTS)


def test_without_words_every_part_is_measured_as_the_readme_shows_it_and_kept() -> None:
    asked = asked_for([], NAMES, "")
    assert (asked.parts, asked.keep) == (tuple(NAMES), True)


def test_what_is_measured_otherwise_than_the_readme_shows_is_not_kept() -> None:
    for words in (["--rounds", "29"], ["--sizes", "10"], ["--tuning"], ["--no-results"]):
        assert not asked_for(words, NAMES, "").keep


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["speed"], "there is no part 'speed': choose from latency, startup"),
        (["--rounds", "0"], "--rounds 0: at least 1"),
        (["--sizes", "0"], "--sizes 0: from 1 to"),
        (["latency", "--against", "nowhere.ts"], "--against nowhere.ts: there is no such file"),
        (["budget", "--against", __file__], "--against is for `latency`"),
        (["fidelity", "--session", "x.json"], "--session and --probes go together"),
        (["fidelity", "--probes", "x.json"], "--session and --probes go together"),
        (["budget", "--session", "x.json", "--probes", "y.json"], "--session is for `fidelity`"),
        (["fidelity", "--session", "x.json", "--probes", "y.json"], "x.json can't be read"),
        (["budget", "--tuning"], "--tuning is for `fidelity`"),
        (["budget", "--redraw"], "--redraw measures nothing"),
    ],
)
def test_what_can_not_be_measured_is_told_in_one_sentence_before_anything_is(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as raised:
        main(words)

    printed = capsys.readouterr()
    assert raised.value.code == 2
    assert said in printed.err.splitlines()[-1]
    assert not printed.out

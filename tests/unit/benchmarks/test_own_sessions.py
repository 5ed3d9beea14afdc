"""Fidelity on a folder of sessions: what becomes of each probe, the table, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.errors import BadInput
from benchmarks.fidelity_report import own_sessions_text
from benchmarks.own_sessions import Asked, measure, pairs_in
from benchmarks.yardstick import Yardstick
from handoff_sidecar.demo.record import Call, GrowingSession
from handoff_sidecar.text.tokens import Tokenizer


def written(folder: Path) -> Path:
    record = GrowingSession("ses_one", "One", "/home/ada/p", 1_780_000_000_000)
    call = Call("bash", {"command": "make docs"}, "undefined label", "Build")
    record.turn("Build the docs.", ("", (call,)), answer="A label is missing.")
    for number in range(20):
        record.turn(f"Now step {number}.", answer="Done.")
    session = {"info": {"id": "ses_one", "title": "One", "directory": "/home/ada/p"}, "messages": record.messages}
    session["info"]["time"] = {"created": 1_780_000_000_000}  # type: ignore[index]
    probes = [
        {"kind": "command", "question": "How are the docs built?", "query": "build docs", "answers": ["make docs"]},
        {"kind": "decision", "question": "Which database?", "answers": ["SQLite"]},
        {"kind": "goal", "question": "What next?", "answers": ["the mail provider"]},
    ]
    given = {"arguments": {"summary": "Docs.", "goal": "the mail provider"}, "probes": probes}
    (folder / "one.json").write_text(json.dumps(session))
    (folder / "one.probes.json").write_text(json.dumps(given))
    return folder


def test_every_probe_is_told_with_where_its_answer_was(tmp_path: Path) -> None:
    sessions, root, project = (tmp_path / name for name in ("sessions", "root", "handoff-project"))
    for folder in (sessions, root, project):
        folder.mkdir()

    command, nothing, goal = measure(root, written(sessions), project)

    assert (command.in_prompt, command.in_read, command.in_small_read, command.in_yardstick) == (
        False,
        True,
        True,
        True,
    )
    assert not any((nothing.in_prompt, nothing.in_read, nothing.in_question_read, nothing.in_yardstick))
    assert goal.in_prompt
    assert 0 < command.tokens <= 4_000


def asked(kind: str, *, in_read: bool) -> Asked:
    return Asked("one", kind, "?", "q", False, in_read, False, in_read, True, 100, False)  # type: ignore[arg-type]  # noqa: FBT003


def test_the_table_has_a_row_for_each_kind_and_a_line_for_each_bar() -> None:
    text = own_sessions_text([asked("error", in_read=number < 10) for number in range(20)])

    assert "| error | 20 | 0% | 50% | 0% | 50% | 50% | 100% |" in text
    assert "- **MISSED**: 50.0% recovered, or in one read (bar: 85%)" in text
    assert "- **MISSED**: error: 50% (bar: 65%)" in text


def test_a_folder_without_a_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"has no NAME\.probes\.json"):
        pairs_in(tmp_path)
    (written(tmp_path) / "one.json").unlink()
    with pytest.raises(BadInput, match=r"one\.json can't be read"):
        pairs_in(tmp_path)


def test_the_yardstick_finds_by_words_and_keeps_to_its_tokens() -> None:
    record = GrowingSession("ses_one", "One", "/p", 0)
    for number in range(50):
        record.turn(f"The zebra number {number} " + "grazes " * 60, answer="Yes.")
    yardstick = Yardstick(record.messages, Tokenizer())

    assert "zebra" in (found := yardstick.answer("zebras?", 500))
    assert Tokenizer().count(found) <= 500 + 5
    assert yardstick.answer("giraffe", 500) == yardstick.answer("?", 500) == ""

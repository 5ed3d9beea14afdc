"""A session of one's own and the questions about it: what is taken, and the sentence about what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.errors import BadInput
from benchmarks.generated import generate
from benchmarks.place import NAME, fill, project_folder
from benchmarks.probes import Probe
from benchmarks.questions import case_from_files
from benchmarks.shop import SHOP

HOME = "/home/ada/shop"
ASKED = {"kind": "goal", "question": "What next?", "answers": ["the goal"], "query": "goal"}
GIVEN: dict[str, Any] = {"arguments": {"summary": "x"}, "probes": [ASKED]}
EXPORTED = generate(SHOP, 30, 0, HOME).record.exported()


def written(folder: Path, session: Any = EXPORTED, given: Any = GIVEN) -> tuple[Path, Path]:
    paths = folder / "session.json", folder / "probes.json"
    for path, value in zip(paths, (session, given), strict=True):
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return paths


def test_a_real_export_can_be_asked_too(tmp_path: Path) -> None:
    asked = {**ASKED, "or_else": ["the aim"]}
    todo = {"content": "Sweep", "status": "pending"}
    given = {**GIVEN, "probes": [asked], "todos": [todo], "files": ["src/a.ts"]}

    case = case_from_files(*written(tmp_path, given=given), tmp_path / "own")

    assert (case.name, case.turns, case.files) == ("session", 31, ["src/a.ts"])
    assert case.todos == [{**todo, "priority": "medium"}]
    assert case.probes == [Probe("goal", "What next?", ("the goal",), ("the aim",), query="goal")]


def test_the_session_is_moved_out_of_its_project_wherever_that_is_named(tmp_path: Path) -> None:
    probe = {**ASKED, "answers": [f"{HOME}/src/a.ts"]}
    own = tmp_path / "own"

    case = case_from_files(*written(tmp_path, given={**GIVEN, "probes": [probe]}), own)

    assert case.record.directory == str(own)
    assert HOME not in json.dumps(case.record.messages)
    assert str(own) in json.dumps(case.record.messages)
    assert case.probes[0].answers == (f"{own}/src/a.ts",)


def test_a_neighbour_of_the_project_is_not_taken_for_it(tmp_path: Path) -> None:
    texts = [f"{HOME}2/a.ts", f"{HOME}.bak", f"/mnt{HOME}/a.ts", f"look into {HOME}.", f"'{HOME}/b.ts'"]
    info = {"id": "ses_x", "title": "x", "directory": HOME, "time": {"created": 1}}
    message = {"id": "msg_x", "role": "user", "time": {"created": 1}}
    parts = [{"type": "text", "text": text} for text in texts]

    case = case_from_files(
        *written(tmp_path, {"info": info, "messages": [{"info": message, "parts": parts}]}), Path("/own")
    )

    moved = [part["text"] for part in case.record.messages[0]["parts"]]
    assert moved == [*texts[:3], "look into /own.", "'/own/b.ts'"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"arguments":', "probes.json is no JSON"),
        ({"probes": [ASKED]}, "probes.json: arguments is missing"),
        ({"arguments": {"summary": "x"}}, "probes.json: probes is missing"),
        ({**GIVEN, "probes": []}, "probes.json: probes: List should have at least 1 item"),
        (
            {**GIVEN, "arguments": {"summary": "x", "gaol": "y"}},
            "arguments: session_handoff has no gaol; allowed are summary",
        ),
        ({**GIVEN, "arguments": {}}, "probes.json: arguments.summary is missing"),
        ({**GIVEN, "files": ["../x"]}, "files[0]: only relative paths within the project"),
        ({**GIVEN, "files": ["/etc/x"]}, "files[0]: only relative paths within the project"),
        ({**GIVEN, "todos": [{"content": "x", "status": "done"}]}, "todos[0].status: Input should be 'pending'"),
        ({**GIVEN, "todo": []}, "todo is not known; allowed are arguments, todos, files, probes"),
        ({**GIVEN, "probes": [{**ASKED, "kind": "decison"}]}, "probes[0].kind: Input should be 'goal', 'file'"),
        ({**GIVEN, "probes": [{**ASKED, "answers": []}]}, "probes[0].answers: List should have at least 1 item"),
        ({**GIVEN, "probes": [{**ASKED, "answers": "a token"}]}, "probes[0].answers: Input should be a valid list"),
        ({**GIVEN, "probes": [{**ASKED, "answers": [""]}]}, "probes[0].answers[0]: String should have at least 1"),
        ({**GIVEN, "probes": [{**ASKED, "answer": "x"}]}, "probes[0].answer is not known; allowed are kind, question"),
    ],
)
def test_wrong_questions_are_refused_in_a_sentence_that_says_where(tmp_path: Path, given: Any, said: str) -> None:
    with pytest.raises(BadInput) as raised:
        case_from_files(*written(tmp_path, given=given), tmp_path / "own")

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("session", "said"),
    [
        ({"foo": 1}, "session.json: info is missing"),
        ([], "session.json: Input should be"),
        ({**EXPORTED, "messages": []}, "messages: List should have at least 1 item"),
        ({**EXPORTED, "messages": [{"info": EXPORTED["messages"][0]["info"]}]}, "messages[0].parts is missing"),
        (
            {**EXPORTED, "messages": [{**EXPORTED["messages"][0], "parts": [{"type": "tool"}]}]},
            "messages[0].parts[0]: a text part has a `text`",
        ),
    ],
)
def test_what_is_no_export_is_refused_in_a_sentence_that_says_where(tmp_path: Path, session: Any, said: str) -> None:
    with pytest.raises(BadInput) as raised:
        case_from_files(*written(tmp_path, session), tmp_path / "own")

    assert said in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.json can't be read"):
        case_from_files(tmp_path / "nowhere.json", tmp_path / "probes.json", tmp_path)


def test_the_folder_is_the_benchmarks_own_and_gone_at_the_end(tmp_path: Path) -> None:
    with project_folder(tmp_path) as folder:
        fill(folder, ["src/a.ts", "b.ts"])
        fill(folder, ["src/c.ts"])
        assert [path.name for path in folder.rglob("*.ts")] == ["c.ts"]
        with pytest.raises(BadInput, match="is there already"), project_folder(tmp_path):
            pass
        assert folder.is_dir()

    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize("file", ["/x", "../x", "src/../../x", "", ".", "..\\x", "C:\\x"])
def test_nothing_is_written_beside_the_folder(tmp_path: Path, file: str) -> None:
    with project_folder(tmp_path) as folder, pytest.raises(BadInput, match="no path within a project"):
        fill(folder, [file])

"""Long conversations without tools: how they become sessions, and what counts as seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import conversations
from benchmarks.conversations import conversations_in, main, questions_of, session_of
from benchmarks.errors import BadInput


def said(speaker: str, number: int, text: str) -> dict[str, Any]:
    return {"speaker": speaker, "dia_id": f"D1:{number}", "text": text}


TALK: dict[str, Any] = {
    "speaker_a": "Ada",
    "speaker_b": "Ben",
    "session_1": [
        said("Ada", 1, "Hello!"),
        said("Ben", 2, "I adopted a dog called Biscuit."),
        said("Ben", 3, "He is a beagle."),
        said("Ada", 4, "How nice."),
    ],
    "qa": [
        {"question": "What is Ben's dog called?", "evidence": ["D1:2"], "category": 4},
        {"question": "Which breed is Biscuit?", "evidence": ["D1:2; D1:3"], "category": 1},
        {"question": "Who said nothing?", "evidence": ["D1:1"], "category": conversations.ADVERSARIAL},
        {"question": "What isn't there?", "evidence": ["D9:9"], "category": 4},
    ],
}


def write(folder: Path, content: object) -> Path:
    (folder / "talk.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_the_first_speaker_is_the_user_and_the_other_the_agent() -> None:
    messages = session_of(TALK).messages

    assert [message["info"]["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    assert messages[1]["parts"][0]["text"] == "Ben: I adopted a dog called Biscuit.\nBen: He is a beagle."


def test_questions_without_an_answer_or_its_messages_are_left_out() -> None:
    assert [(each.text, len(each.evidence)) for each in questions_of(TALK)] == [
        ("What is Ben's dog called?", 1),
        ("Which breed is Biscuit?", 2),
    ]


def test_a_file_may_hold_one_conversation_or_a_list_of_them(tmp_path: Path) -> None:
    nested = {"conversation": {key: TALK[key] for key in TALK if key != "qa"}, "qa": TALK["qa"]}

    assert conversations_in(write(tmp_path, TALK))[0]["speaker_a"] == "Ada"
    assert conversations_in(write(tmp_path, [nested, nested]))[1]["speaker_a"] == "Ada"


def test_a_folder_without_conversations_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no conversation: unpack LoCoMo's data there"):
        conversations_in(write(tmp_path, {"other": 1}))


def test_what_one_read_sees_is_counted_beside_the_plain_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conversations, "BUDGETS_TOKENS", (1_000,))

    assert main([str(write(tmp_path, TALK))]) == 0
    assert "1 conversations, 2 questions" in (printed := capsys.readouterr().out)
    assert "| 1,000 | 100% | 100% | 100% | 100% |" in printed


@pytest.mark.parametrize("words", [[], ["a", "b"]])
def test_anything_but_one_folder_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "one folder is needed" in capsys.readouterr().out

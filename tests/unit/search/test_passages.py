"""Passages: where a message is cut, and who speaks in a piece."""

from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.search.passages import PASSAGE_CHARACTERS, passages_of, pieces, words_of_the_person
from handoff_sidecar.session.transcript import Entry, Record

FEEDBACK = "The user rejected permission to use this specific tool call with the following feedback: use spaces"


def record(*entries: Entry, role: str = "assistant") -> Record:
    return Record("msg_1", role, 1_000.0, entries)


def speakers(*entries: Entry, role: str = "assistant") -> list[tuple[str, str]]:
    return [(passage.speaker, passage.text) for passage in passages_of(record(*entries, role=role))]


@given(st.text())
def test_pieces_hold_every_line_and_none_is_longer_than_a_passage(text: str) -> None:
    cut = list(pieces(text))
    assert all(len(piece) <= PASSAGE_CHARACTERS for piece in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())


def test_a_heading_begins_a_new_passage() -> None:
    first, second = pieces("\n".join(["a line of text"] * 15 + ["## What was decided", "Tabs."]))
    assert second.startswith("## What was decided")
    assert first.count("\n") == 14


def test_a_call_its_output_and_its_failure_are_told_apart() -> None:
    done = Entry("tool", "- bash 'Run tests': completed", "command: npm test", "all passed")
    failed = Entry("tool", "- bash 'Run tests': completed, exit code 1", "command: npm test", "1 failed")
    assert speakers(done, failed) == [
        ("command", "command: npm test"),
        ("output", "all passed"),
        ("command", "command: npm test"),
        ("failed", "1 failed"),
    ]


def test_feedback_to_a_denied_call_is_the_persons_word() -> None:
    denied = Entry("tool", f"- edit 'a.ts': error: {FEEDBACK}", "filePath: a.ts", FEEDBACK)
    assert ("person", "use spaces") in speakers(denied)
    assert words_of_the_person(record(denied)) == ["use spaces"]


def test_an_answer_to_a_question_of_the_agents_is_the_persons_word() -> None:
    given_back = 'User has answered your questions: "Which port?"="8181".'
    asked = Entry("tool", "- question 'Asked 1 question': completed", "questions: [...]", given_back)
    assert words_of_the_person(record(asked)) == [given_back]


def test_a_brief_in_a_first_message_is_not_the_persons_word() -> None:
    brief = "## Session Handoff\n\nThe parser works.\n\n---\nPrevious: `ses_1` · Use `read_session`."
    said = Entry("said", "", f"{brief}\n\nNow the docs.")
    assert words_of_the_person(record(said, role="user")) == ["Now the docs."]
    assert ("person", "Now the docs.") in speakers(said, role="user")


def test_an_edit_shows_what_it_writes_before_what_it_replaces() -> None:
    edit = Entry("tool", "- edit 'a.ts': completed", "filePath: a.ts\noldString: port = 1\nnewString: port = 2", "")
    assert speakers(edit) == [("call", "filePath: a.ts\nnewString: port = 2\noldString: port = 1")]


def test_the_plugins_own_calls_are_not_searched() -> None:
    assert speakers(Entry("tool", "- read_session: completed", "query: port", "")) == []

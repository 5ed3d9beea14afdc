from __future__ import annotations

import pytest

from handoff_sidecar.reading.turn_digest import Digest
from handoff_sidecar.search.query import parse_query
from handoff_sidecar.search.ranking import Candidate
from handoff_sidecar.search.turns import Turn, failures, grouped, ordered
from handoff_sidecar.session.transcript import Entry, Record


def said(text: str) -> Entry:
    return Entry("said", "", text)


def ran(command: str, output: str = "", *, title: str = "") -> Entry:
    return Entry("tool", f"- bash {title or command!r}: completed", f"command: {command}\ndescription: x", output)


def turn(place: int, asked: str, *done: Entry, worth: float = 1.0) -> Turn:
    records = {place: Record(f"msg_{place}", "user", 0, (said(asked),))}
    if done:
        records[place + 1] = Record(f"msg_{place + 1}", "assistant", 0, done)
    found = [Candidate(at, place, (1.0,), 10) for at in records]
    return Turn(records, found, worth, is_match=True)


def best(query: str, *turns: Turn) -> int:
    parsed = parse_query(query)
    return ordered(turns, parsed, [1.0] * len(parsed.terms))[0].found[0].index


def digest(query: str, shown: Turn, most_characters: int = 1_000) -> str:
    lines = Digest(parse_query(query), str, most_characters, 1.0).write(shown, shown.first_found.id)
    return "\n".join(line.text for line in lines)


def test_words_that_stand_together_as_in_the_query_count_more() -> None:
    apart = turn(10, "the log says that nobody has looked into any of last year's fourteen long reports of the audit")

    assert best("audit log", turn(0, "where is the audit log?"), apart) == 0
    assert best("log audit", turn(0, "log all audits"), apart) == 0


def test_a_turn_with_the_kind_of_thing_that_is_asked_for_comes_first() -> None:
    talk, run = turn(10, "the tests?", said("They are fine.")), turn(0, "the tests?", ran("npm test"))
    edit = turn(2, "the tests?", Entry("tool", "- edit 'src/a.test.ts': completed", "filePath: /p/src/a.test.ts"))
    failed = turn(4, "the tests?", ran("npm test", "1 passed\nError: boom"))
    chosen = turn(6, "the tests?", said("We go with vitest instead, because it is faster."))

    assert best("which command runs the tests", talk, run, edit) == 0
    assert best("file of the tests", talk, run, edit) == 2
    assert best("why did the tests fail", talk, run, failed) == 4
    assert best("what was decided for the tests", talk, run, chosen) == 6
    assert best("tests", talk, run, edit, failed, chosen) == 10  # of equals the newest


def test_turns_that_say_the_same_are_one_and_the_newest_is_shown() -> None:
    alike = [turn(place, "Is the login covered by tests?", said("Yes, it is.")) for place in (4, 0, 8)]
    other = turn(6, "Is the login covered by tests?", said("No, I removed them all yesterday."))

    groups = grouped([*alike, other])

    assert [[each.found[0].index for each in group.turns] for group in groups] == [[8, 4, 0], [6]]


def test_a_decision_that_was_taken_back_twice_is_told_by_its_newest_turn() -> None:
    words = "for the sessions of our users we store everything in Redis and nowhere else at all"
    there, back = turn(0, f"{words}"), turn(9, f"{words} again")

    assert grouped([there, back])[0].newest is back


def test_a_command_stands_with_what_it_was_and_how_it_went() -> None:
    output = "line\n" * 500 + "FAIL tests/a.test.ts\n  expected 1 to equal 2\n" + "line\n" * 500
    shown = turn(0, "Check the login.", ran("npx vitest run auth", output, title="Run tests"), said("One fails."))

    text = digest("login", shown)

    assert text.splitlines() == [
        "Check the login.",
        "- bash 'Run tests': completed",
        "  $ npx vitest run auth",
        "  FAIL tests/a.test.ts",
        "  expected 1 to equal 2",
        "(answered: One fails.)",
    ]


def test_what_only_an_output_or_a_thought_holds_is_shown_from_there() -> None:
    read = Entry(
        "tool", "- read 'a.ts': completed", "filePath: /p/a.ts", "x\n" * 300 + "const zebra = 1\n" + "x\n" * 300
    )
    shown = turn(0, "Look at it.", read, Entry("thought", "", "or a giraffe"), said("It is fine."))

    assert "const zebra = 1" in digest("zebra", shown)
    assert "(thinking) or a giraffe" in digest("giraffe", shown)
    assert digest("look", shown).splitlines() == ["Look at it.", "(answered: It is fine.)"]


def test_of_a_turn_that_is_too_long_what_was_asked_and_answered_stays() -> None:
    shown = turn(0, "Do all of it.", *(ran(f"make step{number}") for number in range(90)), said("All is done."))

    lines = digest("step77", shown, most_characters=300).splitlines()

    assert lines[0] == "Do all of it."
    assert "- bash 'make step77': completed" in lines
    assert lines[-1] == "(answered: All is done.)"
    assert len("".join(lines)) <= 300


def test_failures_are_known_by_their_words_and_the_line_below_says_more() -> None:
    assert failures("ok\nconnect ECONNREFUSED 127.0.0.1:80\nat net.js\nok") == [
        "connect ECONNREFUSED 127.0.0.1:80",
        "at net.js",
    ]
    assert failures("12 passed\nall done\nEND OF FILE") == []
    assert len(failures("Error: again\n" * 100)) <= 5


def test_of_many_turns_about_a_topic_the_one_that_says_something_new_comes_first() -> None:
    talk = [turn(2 * n, "And the export?", said("The export reads, checks and writes.")) for n in range(20)]
    news = turn(100, "The export gets a bloom filter, says the bank.", said("It has that now."))
    later = turn(200, "And the export?", said("The export reads, checks and writes."))

    assert best("export", *talk, news, later) == 100


@pytest.mark.parametrize(
    "line", ["expected 3 to be 4", "killed by signal 9", "✗ login", "want 3 but got 4", "ENOENT", "assertion with =="]
)
def test_what_failed_is_told_in_many_words(line: str) -> None:
    assert failures(f"ok\nok\n  {line}\nat line 7\nok") == [line, "at line 7"]


def test_of_a_command_that_failed_without_a_known_word_the_lines_with_the_questions_words_are_shown() -> None:
    output = "line\n" * 300 + "1) login form\n   left: 3, right: 4\n" + "line\n" * 300
    shown = turn(0, "Check the login form.", ran("mix test", output), said("One is red."))

    assert "left: 3, right: 4" in digest("error of the login form", shown)


def test_the_kind_that_is_asked_for_outlasts_what_only_has_the_words() -> None:
    edit = Entry("tool", "- edit 'src/a.ts': completed", "filePath: src/a.ts", "")
    looks = [Entry("tool", f"- read 'login-{n}.ts': completed", f"filePath: login-{n}.ts", "") for n in range(40)]
    shown = turn(0, "Build the login.", *looks, edit, said("Done."))

    assert "src/a.ts" in digest("file of the login", shown, most_characters=400)

"""Questions after the user's rules or the files that were written, and what was done to a single file."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message
from unit.reading.conftest import TOKENIZER, Read


async def test_rules_are_found_that_have_no_word_of_the_question(opencode: FakeOpenCode, read: Read) -> None:
    talk = [user_message(n, f"and now step {n} of the work") for n in range(200)]
    talk[20] = user_message(20, "From now on all labels go through i18n, German first.")
    opencode.messages["ses_old"] = talk

    assert "German first" in (await read(query="rule about translations")).output


@pytest.mark.parametrize(
    "query", ["What must I mind about translations?", "user say translations", "How are translations handled?"]
)
async def test_a_question_after_rules_is_answered_with_all_that_the_user_said_that_may_be_one(
    opencode: FakeOpenCode, read: Read, query: str
) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "Beschriftungen laufen über i18n, Deutsch zuerst."),
        assistant_message(2, "Understood."),
        user_message(3, "Build the export. Never write an email address into it. Start today."),
        assistant_message(4, "Done.", tool_part("edit", title="src/export.ts")),
        user_message(5, "Who uses the export?"),
        assistant_message(6, "Nobody."),
    ]

    output = (await read(query=query)).output

    rules = output.split("[user · what may be a standing rule")[1].split("\n\n")[0].splitlines()[1:]
    assert [line.split(": ", 1)[1] for line in rules if not line.startswith("<")] == [
        "Never write an email address into it.",
        "Beschriftungen laufen über i18n, Deutsch zuerst.",
        "Build the export. Never write an email address into it. Start today.",
    ]
    assert "What the user said that may be a rule comes first." in output


@pytest.mark.parametrize("arguments", [{"query": "who uses the export"}, {"query": "rule", "file": "src/export.ts"}])
async def test_other_questions_and_those_about_a_file_are_not(
    opencode: FakeOpenCode, read: Read, arguments: dict[str, Any]
) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "Never log a token."),
        assistant_message(2, "Understood."),
        user_message(3, "Who uses the export rule?"),
        assistant_message(4, "See.", tool_part("edit", input={"filePath": "src/export.ts", "newString": "rule"})),
    ]

    assert "standing rule" not in (await read(**arguments)).output


async def test_hundreds_of_rules_leave_room_for_the_matches_and_end_at_before(
    opencode: FakeOpenCode, read: Read
) -> None:
    talk = []
    for n in range(600):
        talk += [
            user_message(2 * n, f"Never call the service number {n} twice."),
            assistant_message(2 * n + 1, "I see."),
        ]
    talk[400] = user_message(400, "Labels go through i18n. What do labels cost? And who pays for the labels?")
    opencode.messages["ses_old"] = talk

    output = (await read(query="rule about labels")).output
    until = (await read(query="rules", before="msg_0021")).output

    rules, rest = output.split("[user · what may be a standing rule")[1].split("\n\n", 1)
    assert 1_000 < TOKENIZER.count(rules) < 1_400
    assert re.search(r"\n\(\+5\d\d more\)$", rules)
    assert "who pays for the labels" in rest
    assert "service number 10 " in until
    assert "service number 11 " not in until


async def test_what_a_session_began_with_and_what_is_secret_is_no_rule(opencode: FakeOpenCode, read: Read) -> None:
    brief = "## Session Handoff\n\nNever rename files.\n\n---\nPrevious: `ses_x` · Use `read_session` if you need more."
    opencode.messages["ses_old"] = [
        user_message(1, brief),
        assistant_message(2, "I wait."),
        user_message(3, "Always sign in with AKIAIOSFODNN7EXAMPLE."),
        assistant_message(4, "I will."),
    ]

    rules = (await read(query="rules")).output.split("standing rule")[1].split("\n\n")[0]

    assert "Never rename files" not in rules
    assert "Always sign in with [redacted: AWS access key]." in rules


def written(number: int, path: str, tool: str = "edit", **state: Any) -> dict[str, Any]:
    return assistant_message(
        number, "", tool_part(tool, input={"filePath": path, "newString": "filePath: no"}, **state)
    )


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Which file has the weighing of lorries?", "src/lorry/Weighbridge.kt, src/Weighbridge.kt"),
        ("trucks balanced", "src/Weighbridge.kt, src/lorry/Weighbridge.kt"),
    ],
)
async def test_a_question_after_a_file_is_answered_with_all_that_were_written(
    opencode: FakeOpenCode, read: Read, query: str, first: str
) -> None:
    patch = (
        "*** Begin Patch\n*** Update File: src/Customs.kt\n@@\n*** Add File: src/Duty.kt\n*** Delete File: src/Old.kt"
    )
    opencode.messages["ses_old"] = [
        user_message(1, "Start with the scales."),
        written(2, "/home/ada/dashboard/src/Weighbridge.kt", "write"),
        written(3, "/home/ada/dashboard/src/Broken.kt", status="error", error="no such file"),
        written(4, "/home/ada/dashboard/src/Read.kt", "read"),
        assistant_message(5, "", tool_part("apply_patch", input={"patchText": patch})),
        assistant_message(6, "", {"type": "patch", "files": ["/home/ada/dashboard/gen/api.json", "/etc/hosts"]}),
        assistant_message(7, "", tool_part("write", input={"content": "a\nfilePath: no", "filePath": "src/Last.kt"})),
        written(8, "/home/ada/dashboard/src/lorry/Weighbridge.kt"),
        written(9, "/home/ada/dashboard/src/Weighbridge.kt"),
    ]

    output = (await read(query=query)).output

    listed = output.split("[files that were written")[1].split("\n")[1]
    assert listed == f"{first}, src/Last.kt, gen/api.json, /etc/hosts, src/Customs.kt, src/Duty.kt"
    assert re.search(r"The files that were written come (?:first|next)\.", output)


async def test_files_with_words_of_the_question_are_listed_first_and_the_others_as_there_is_room(
    opencode: FakeOpenCode, read: Read
) -> None:
    opencode.messages["ses_old"] = [
        *(written(number, f"/home/ada/dashboard/src/service{number}/Handler.kt") for number in range(1, 300)),
        user_message(300, "What does the handler do?"),
    ]

    output = (await read(query="path of service7")).output
    until = (await read(query="path of handlers", before="msg_0003")).output

    listed = output.split("[files that were written")[1].split("\n")[1]
    assert listed.startswith("src/service7/Handler.kt, src/service299/Handler.kt, src/service298/Handler.kt")
    assert re.search(r" \(\+2\d\d more\)$", listed)
    assert TOKENIZER.count(listed) < 4_000 / 8
    assert "src/service3/Handler.kt, src/service2/Handler.kt, src/service1/Handler.kt\n" in until


@pytest.mark.parametrize(
    "arguments", [{"query": "who asked for the handler"}, {"query": "path", "file": "src/a.kt"}, {"query": "/path/"}]
)
async def test_other_questions_list_no_files(opencode: FakeOpenCode, read: Read, arguments: dict[str, Any]) -> None:
    opencode.messages["ses_old"] = [
        user_message(1, "The path of the handler that I asked for."),
        written(2, "src/a.kt"),
    ]

    assert "files that were written" not in (await read(**arguments)).output


async def test_what_was_done_to_a_file_is_told_in_order(opencode: FakeOpenCode, read: Read) -> None:
    path = "/home/ada/dashboard/src/a.ts"

    def edited(number: int, old: str, new: str, file: str = path) -> dict[str, Any]:
        given = {"filePath": file, "oldString": old, "newString": new}
        return assistant_message(number, "", tool_part("edit", title=file, input=given, output="ok"))

    opencode.messages["ses_old"] = [
        edited(1, "one", "two"),
        edited(2, "import './src/a.ts'", "", "/home/ada/dashboard/src/b.ts"),
        assistant_message(3, "", tool_part("bash", title="format", input={"command": "fmt src/a.ts"}, output="ok")),
        edited(4, "x", "y", "/home/ada/dashboard/src/a.tsx"),
        assistant_message(5, "", {"type": "patch", "files": [path]}),
        edited(6, "two", "three"),
    ]

    for name in ("src/a.ts", path, "./src/a.ts", "a.ts"):
        output = (await read(file=name)).output
        places = [
            output.find(text) for text in ("newString: two", "fmt src/a.ts", "changed on disk", "newString: three")
        ]
        assert places == sorted(places)
        assert places[0] > 0
        assert "b.ts" not in output
        assert "a.tsx" not in output

    assert "No tool call in its 6 messages names `none.ts`" in (await read(file="none.ts")).output


async def test_a_long_history_of_a_file_is_paged(opencode: FakeOpenCode, read: Read) -> None:
    opencode.messages["ses_old"] = [
        assistant_message(n, "", tool_part("edit", title="a.ts", input={"filePath": "/p/a.ts", "newString": f"v{n}."}))
        for n in range(60)
    ]

    newest = (await read(budget=900, file="a.ts")).output
    call = re.search(r'file="a.ts", before="(msg_\d+)"', newest)

    assert call is not None
    older = (await read(budget=900, file="a.ts", before=call[1])).output
    assert "v59." in newest
    assert f"v{int(call[1][4:])}." in older
    assert f"v{int(call[1][4:])}." not in newest


@pytest.mark.parametrize("name", ["src/w.ts:12", "w.ts:12-20", "`w.ts`", "/home/ada/dashboard/src/w.ts:3:7"])
async def test_a_place_in_a_file_names_the_file(opencode: FakeOpenCode, read: Read, name: str) -> None:
    write = tool_part("write", input={"filePath": "/home/ada/dashboard/src/w.ts", "content": "const w = 1"})
    opencode.messages["ses_old"] = [user_message(1, "write it"), assistant_message(2, "Done.", write)]

    assert "content: const w = 1" in (await read(file=name)).output
    assert "for 'const' in the messages that touch" in (found := (await read(file=name, query="const")).output)
    assert "content: const w = 1" in found

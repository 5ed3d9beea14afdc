from __future__ import annotations

from typing import Any

import pytest
from fake_opencode import assistant_message, tool_part, user_message

from handoff_sidecar.brief.brief import Surroundings, brief_of, files_to_look_for
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import write_prompt
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session, SessionID
from handoff_sidecar.session.facts import facts_of
from handoff_sidecar.session.files import FileRecord, file_record, readings_of, relative_to_root


def wrote(path: str, tool: str = "write") -> dict[str, Any]:
    return tool_part(tool, input={"filePath": path})


def record(*messages: dict[str, Any]) -> FileRecord:
    return file_record([Message.model_validate(message) for message in messages], "/p")


def diff(file: str, status: str) -> dict[str, Any]:
    return {"file": file, "status": status, "additions": 1, "deletions": 0, "patch": ""}


def test_files_are_listed_newest_first_and_once() -> None:
    found = record(
        user_message(1, "a"),
        assistant_message(2, "", wrote("/p/a.ts"), wrote("/p/b.ts", "edit")),
        user_message(3, "b"),
        assistant_message(4, "", wrote("/p/c.ts", "multiedit"), wrote("/p/a.ts"), wrote("/elsewhere/d.ts")),
    )

    assert found.edited == ("/elsewhere/d.ts", "a.ts", "c.ts", "b.ts")


def test_a_call_that_failed_or_reads_wrote_nothing() -> None:
    found = record(
        assistant_message(
            1,
            "",
            tool_part("edit", status="error", input={"filePath": "/p/a.ts"}),
            tool_part("read", input={"filePath": "/p/b.ts"}),
            tool_part("read", input={"filePath": "/p/src"}, metadata={"display": {"type": "directory"}}),
            tool_part("write", input={"filePath": 5}),
            {"type": "from-the-future", "tool": "write", "state": {"status": "completed"}},
        )
    )

    assert found == FileRecord(read=("b.ts",))


def test_a_patch_adds_moves_and_removes() -> None:
    patch = (
        "*** Begin Patch\n*** Add File: new.ts\n+x\n*** Update File: old.ts\n*** Move to: moved.ts\n@@\n"
        "*** Update File: same.ts\n@@\n*** Delete File: gone.ts\n*** End Patch"
    )

    found = record(assistant_message(1, "", tool_part("apply_patch", input={"patchText": patch})))

    assert found.edited == ("gone.ts", "same.ts", "moved.ts", "old.ts", "new.ts")
    assert found.deleted == {"gone.ts", "old.ts"}


def test_what_commands_changed_comes_from_the_turns_diffs() -> None:
    found = record(
        user_message(1, "a", summary={"diffs": [diff("made.ts", "added"), diff("a.ts", "deleted"), {"file": 5}]}),
        assistant_message(2, "", wrote("/p/a.ts")),
        user_message(3, "b", summary={"diffs": "of another version"}),
        assistant_message(4, "", wrote("/p/b.ts")),
    )

    assert found.edited == ("b.ts", "a.ts", "made.ts")
    assert found.deleted == {"a.ts"}


def test_what_commands_made_comes_after_what_tools_wrote_however_much_it_is() -> None:
    made = [diff(f"dist/{n}.js", "added") for n in range(300)]
    found = record(
        user_message(1, "a"),
        assistant_message(2, "", wrote("/p/old.ts")),
        user_message(3, "build", summary={"diffs": [*made, diff("a.ts", "modified")]}),
        assistant_message(4, "", wrote("/p/a.ts", "edit")),
        user_message(5, "b", summary={"diffs": [diff("newest.js", "added")]}),
        assistant_message(6, ""),
    )

    assert found.edited[:4] == ("a.ts", "old.ts", "newest.js", "dist/0.js")
    assert len(found.edited) == 303


def test_a_file_that_a_later_turn_wrote_again_is_there() -> None:
    found = record(
        user_message(1, "a", summary={"diffs": [diff("a.ts", "deleted")]}),
        assistant_message(2, ""),
        user_message(3, "b", summary={"diffs": []}),
        assistant_message(4, "", wrote("/p/a.ts")),
    )

    assert found == FileRecord(edited=("a.ts",))


@pytest.mark.parametrize(
    ("path", "worktree", "expected"),
    [
        ("/p/src/a.ts", "/p", "src/a.ts"),
        ("./src/../a.ts", "/p", "a.ts"),
        ("/q/a.ts", "/p", "/q/a.ts"),
        ("/pp/a.ts", "/p", "/pp/a.ts"),
        ("/p/a.ts", "", "/p/a.ts"),
    ],
)
def test_a_path_is_written_as_inside_the_project(path: str, worktree: str, expected: str) -> None:
    assert relative_to_root(path, worktree) == expected


def test_a_named_file_may_be_meant_from_the_folder_that_the_session_started_in() -> None:
    assert readings_of("`src/a.ts:42`", root="/p", directory="/p/web") == ("src/a.ts", "web/src/a.ts")
    assert readings_of("/p/a.ts", root="/p", directory="/p/web") == ("a.ts",)
    assert readings_of(" ", root="/p", directory="/p") == ()


def files_line(notes: Notes, present: frozenset[str] | None) -> str:
    session = Session(id=SessionID("ses_a"), directory="/p/web")
    messages = [
        assistant_message(
            1,
            "",
            wrote("/p/a.ts"),
            wrote("/p/gone.ts"),
            *(tool_part("read", input={"filePath": f"/p/r{n}"}) for n in range(9)),
        )
    ]
    facts = facts_of(session, [Message.model_validate(message) for message in messages], [], root="/p")
    assert {"a.ts", "gone.ts", "r0"} <= {*files_to_look_for(notes, facts, root="/p")}
    prompt = write_prompt(brief_of(notes, facts, root="/p", surroundings=Surroundings(present=present)))
    return next(line for line in prompt.splitlines() if line.startswith("**Files:**"))


def test_what_a_model_says_of_files_is_checked_and_completed() -> None:
    notes = Notes(summary="x", files_modified=["src/b.ts", "imagined.ts", "/p/a.ts"])

    line = files_line(notes, frozenset({"a.ts", "web/src/b.ts", "r8", "r3"}))

    assert line == "**Files:** gone.ts (deleted), a.ts, web/src/b.ts, imagined.ts (not found); read: r8, r3"


def test_where_the_disk_can_not_be_looked_at_nothing_is_marked() -> None:
    line = files_line(Notes(summary="x", files_modified=["imagined.ts"]), None)

    assert line == "**Files:** gone.ts, a.ts, imagined.ts; read: r8, r7, r6, r5, r4"

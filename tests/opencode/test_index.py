"""In the real OpenCode: the index that searches look into, and what leaves it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from opencode.server import Play, calls

from handoff_sidecar.demo.scripted_model import Reply
from handoff_sidecar.demo.server import Server, until
from handoff_sidecar.search import coverage
from handoff_sidecar.search.index_file import Index

SAID = "the port of the billing service is qx4821zyv"
ONLY_THERE = b"x4821zy"


def index_files(server: Server) -> list[Path]:
    return list((server.sandbox.home / ".cache" / "handoff-sidecar" / "index").glob("*"))


def messages_held(server: Server, session_id: str) -> int:
    """How many messages of a session are in an index."""
    for file in index_files(server):
        if file.suffix == ".db":
            with closing(Index(file)) as index:
                there = index.read(lambda db: coverage.coverage_of(db, session_id))
            if there.is_whole and there.messages:
                return there.messages
    return 0


def handed_off(server: Server, play: Play, what: str) -> str:
    """A session in which SAID was said, handed off and in the index."""
    old = server.new_session(title=what.title())
    play(SAID, Reply("Noted."))
    server.say(old, SAID)
    play(f"handoff the {what}", calls("session_handoff", summary=f"{what.title()} service."), Reply("Handed off."))
    server.say(old, f"handoff the {what}")
    until(lambda: messages_held(server, old) or None)
    return old


def said_words_are_gone(server: Server) -> None:
    until(lambda: None if any(ONLY_THERE in file.read_bytes() for file in index_files(server)) else True)


def test_a_session_that_was_handed_off_is_indexed_found_from_all_and_gone_when_it_is_deleted(
    server: Server, play: Play
) -> None:
    old = handed_off(server, play, "billing")

    here = server.new_session(title="here")
    asked = "Look it up everywhere."
    play(asked, calls("read_session", session_id="all", query="port billing service"), Reply("I see."))
    server.say(here, asked)
    output = server.tool_call(here, "read_session")["output"]
    assert SAID in output
    assert old in output

    # Both that said the words, and the prompt that was made of them.
    made = server.tool_call(old, "session_handoff")["metadata"]["sessionID"]
    server.wait_for_the_end_of_the_turn(made)
    for session_id in (old, made, here):
        assert server.http.delete(f"/session/{session_id}").is_success
    said_words_are_gone(server)
    assert messages_held(server, old) == 0
    assert index_files(server)


def test_a_message_that_is_deleted_leaves_the_index(server: Server, play: Play) -> None:
    old = handed_off(server, play, "shipping")

    (asked,) = [each["info"]["id"] for each in server.messages(old) if SAID in str(each["parts"])][:1]
    assert server.http.delete(f"/session/{old}/message/{asked}").is_success
    said_words_are_gone(server)
    assert messages_held(server, old)

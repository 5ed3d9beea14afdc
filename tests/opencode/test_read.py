"""In the real OpenCode: reading and searching sessions, on the server that the other tests share."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from fake_opencode import assistant_message, user_message
from opencode.server import PROMPT, TYPED, Play, calls
from past_session import QUESTIONS, past_session

from handoff_sidecar.demo.scripted_model import MODEL_ID, PROVIDER_ID, Reply
from handoff_sidecar.demo.server import Server, until

SECRET = "AKIA" + "IOSFODNN7EXAMPLE"


@pytest.fixture(scope="module")
def shop(server: Server) -> str:
    """The made-up session, imported; it is longer than the page that histories are read by."""
    return imported(server, "ses_shop1", "Shop", past_session())


def imported(server: Server, session_id: str, title: str, messages: list[dict[str, Any]]) -> str:
    """A session as `opencode import` stores it; its messages' ids begin with its own."""
    prefix = f"msg_{session_id.removeprefix('ses_')}"
    for number, message in enumerate(messages):
        ids = {"sessionID": session_id, "messageID": f"{prefix}{number:06}"}
        message["info"] |= {"id": ids["messageID"], "sessionID": session_id}
        if message["info"]["role"] == "assistant":
            tokens = {"input": 1, "output": 1, "reasoning": 0, "cache": {"read": 0, "write": 0}}
            message["info"] |= {"path": {"cwd": "/", "root": "/"}, "cost": 0, "tokens": tokens, "finish": "stop"}
            message["info"]["parentID"] = f"{prefix}{number - 1:06}"
        for place, part in enumerate(message["parts"]):
            part |= {**ids, "id": f"prt_{ids['messageID'][4:]}x{place}"}
            if part["type"] == "tool":
                part["state"] = {"title": "", "metadata": {}, "output": "", "time": {"start": 1, "end": 2}} | part[
                    "state"
                ]
    times = {"created": messages[0]["info"]["time"]["created"], "updated": messages[-1]["info"]["time"]["created"]}
    info = {"id": session_id, "slug": title, "projectID": "x", "directory": "/x", "title": title, "version": "1.18.33"}
    server.sandbox.import_session({"info": {**info, "time": times}, "messages": messages})
    return session_id


def read(server: Server, play: Play, within: str | None = None, /, **arguments: Any) -> dict[str, Any]:
    """What `read_session` answers an agent in a session, by default a new one."""
    here = within or server.new_session(title="here")
    asked = f"Read {json.dumps(arguments, sort_keys=True)}."
    play(asked, calls("read_session", **arguments), Reply("I see."))
    server.say(here, asked)
    return server.tool_call(here, "read_session")


def read_whole(server: Server, play: Play, **arguments: Any) -> str:
    """What it answers once all is read: on a busy machine a first answer says that older messages are to come."""

    def answer() -> str | None:
        output = str(read(server, play, **arguments)["output"])
        return None if "Ask again in a moment" in output else output

    return until(answer)


def test_a_search_answers_questions_about_a_long_session(server: Server, play: Play, shop: str) -> None:
    for question in QUESTIONS[::10]:
        assert question.answer in read_whole(server, play, session_id=shop, query=question.query), question

    wanted = read(server, play, session_id=shop, query="What did the user say about localisation?")["output"]
    assert re.search(r"standing rule[^\]]*\]\n(?:- .*\n)*- [\d: -]+: Never touch anything in vendor/", wanted)

    listed = read(server, play, session_id=shop, query="Which file frames the pictures?")["output"]
    assert re.search(r"\[files that were written.*\]\n.*web/styles/profile-card\.css", listed)

    reversed_one = read(server, play, session_id=shop, query="chart library decision")["output"]
    assert "Let's take Chart.js" in reversed_one
    assert reversed_one.find("uPlot for the reports page") < reversed_one.find("Let's take Chart.js")
    assert "assistant (older): Let's take Chart.js" in reversed_one
    assert "uPlot for the reports page" in reversed_one
    assert "Searched all 340 messages" in reversed_one


def test_a_search_leaves_out_the_answers_of_earlier_ones(server: Server, play: Play) -> None:
    here = server.new_session(title="here")
    server.say(here, "the zebra has stripes")
    read(server, play, here, session_id=here, query="zebra stripes")

    output = read(server, play, here, session_id=here, query="zebra stripes")["output"]

    assert output.count("the zebra has stripes") <= 2


def test_the_named_call_brings_the_messages_before(server: Server, play: Play, shop: str) -> None:
    newest = read(server, play, session_id=shop, limit=5)["output"]
    assert 'older ones: `read_session(session_id="ses_shop1", before="msg_shop1000334", limit=5)`.' in newest
    older = read(server, play, session_id=shop, limit=5, before="msg_shop1000334")["output"]

    assert 'before="msg_shop1000329", limit=5' in older
    first = read(server, play, session_id=shop, limit=5, before="msg_shop1000002")["output"]
    assert "Its first 3 messages, up to `msg_shop1000002`." in first


def test_a_message_of_another_session_is_no_cursor(server: Server, play: Play, shop: str) -> None:
    other = server.new_session(title="other")
    server.say(other, "hello")
    foreign = server.messages(other)[0]["info"]["id"]

    for before in (foreign, "eyJpZCI6Im1zZ18xIiwidGltZSI6MX0", "x"):
        assert (
            "must be the id of a message in session `ses_shop1`"
            in read(server, play, session_id=shop, before=before)["error"]
        )


@pytest.mark.parametrize("limit", [0, -1, 10**9])
def test_a_limit_out_of_range_is_for_the_model_to_correct(server: Server, play: Play, limit: int) -> None:
    call = read(server, play, limit=limit)

    assert call["status"] == "error"
    assert "`limit`" in call["error"]
    assert "call again" in call["error"]


def test_what_was_done_to_a_file_is_told_in_order(server: Server, play: Play) -> None:
    file = str(server.sandbox.project / "src/counter.ts")
    play("Make it.", calls("write", filePath=file, content="let n = 1\n"), Reply("Made."))
    play("Change it.", calls("edit", filePath=file, oldString="n = 1", newString="n = 2"), Reply("Changed."))
    play("Touch it.", calls("bash", command="echo '// x' >> src/counter.ts", description="append"), Reply("Touched."))
    worked = server.new_session(title="Counter")
    for text in ("Make it.", "Change it.", "Touch it."):
        server.say(worked, text)

    output = read(server, play, session_id=worked, file="src/counter.ts")["output"]

    places = [output.find(text) for text in ("content: let n = 1", "newString: n = 2", "echo '// x'")]
    assert places == sorted(places)
    assert places[0] > 0
    assert "What was done to `src/counter.ts`: 3 of 3 messages, in order." in output


def test_calls_are_read_in_full_where_that_is_asked_for(server: Server, play: Play) -> None:
    command = "seq 900; echo $((2 + 3)) failed; exit 3"
    play("Test it.", calls("bash", command=command, description="run the tests"), Reply("They fail."))
    worked = server.new_session(title="Failing")
    server.say(worked, "Test it.")

    plain = read(server, play, session_id=worked)["output"]
    full = read(server, play, session_id=worked, detail="tools")["output"]

    assert f"- bash '{command}': completed, exit code 3" in plain
    assert "5 failed" not in plain
    assert "  description: run the tests" in full
    assert "  → 1\n  2\n" in full
    assert "5 failed" in full
    assert re.search(r"…\[[\d,]+ characters\]…", full)
    assert "\n5 failed" in read(server, play, session_id=worked, query="error of the tests")["output"]


def test_what_was_thought_is_found_and_marked(server: Server, play: Play) -> None:
    thinking = {
        "type": "reasoning",
        "text": "A mutex could do, but the queue is simpler.",
        "time": {"start": 1, "end": 2},
    }
    talk = [user_message(1, "How do we lock?"), assistant_message(2, "With the queue.", thinking)]
    session = imported(server, "ses_thoughts", "Thoughts", talk)

    assert "(thinking): A mutex could do" in read(server, play, session_id=session, query="mutex")["output"]
    assert "(thinking) A mutex could do" in read(server, play, session_id=session, detail="tools")["output"]
    assert "mutex" not in read(server, play, session_id=session)["output"]


def test_what_was_said_before_a_compaction_is_found(server: Server, play: Play) -> None:
    old = server.new_session(title="Compacted")
    server.say(old, "the port is 4821")
    server.post(f"/session/{old}/summarize", {"providerID": PROVIDER_ID, "modelID": MODEL_ID})
    server.say(old, "go on")

    assert "the port is 4821" in read(server, play, session_id=old)["output"]
    assert "the port is 4821" in read(server, play, session_id=old, query="port")["output"]
    assert "summary at a compaction" in read(server, play, session_id=old)["output"]


def test_secrets_are_in_no_brief_and_no_answer(server: Server, play: Play) -> None:
    play(TYPED, calls("session_handoff", summary=f"Rotates {SECRET}.", key_decisions=[f"use {SECRET}"]), Reply("Over."))
    play(PROMPT, Reply("I wait."))
    old = server.new_session(title="Keys")
    server.say(old, f"the key is {SECRET} and postgres://ada:hunter2@db/app")
    server.say(old, "handoff")
    new = str(server.tool_call(old, "session_handoff")["metadata"]["sessionID"])
    first = server.wait_for_the_end_of_the_turn(new)[0]

    assert "Rotates [redacted: AWS access key]." in first["parts"][0]["text"]
    assert SECRET not in json.dumps(first)
    briefs = server.sandbox.home / ".local/state/handoff-sidecar/briefs"
    assert SECRET not in next(briefs.glob(f"*-{old}.md")).read_text()
    output = read(server, play, new)["output"]
    assert "the key is [redacted: AWS access key]" in output
    assert "postgres://ada:[redacted: password in a URL]@db/app" in output


def test_an_ancestor_and_the_whole_project_are_within_reach(server: Server, play: Play) -> None:
    play(TYPED, calls("session_handoff", summary="On it."), Reply("Handed over."))
    play(PROMPT, Reply("I wait."))
    first = server.new_session(title="Giraffes")
    server.say(first, "we decided that giraffes get the blue badge")
    sessions = [first]
    for _ in range(2):
        server.say(sessions[-1], "handoff")
        sessions.append(str(server.tool_call(sessions[-1], "session_handoff")["metadata"]["sessionID"]))
        server.wait_for_the_end_of_the_turn(sessions[-1])

    assert read(server, play, sessions[2], session_id="previous:2")["metadata"]["sessionID"] == first
    beyond = read(server, play, sessions[2], session_id="previous:3")["error"]
    assert f"`{sessions[1]}` (Handoff: Giraffes, 0 min ago) ← `{first}` (Giraffes, 0 min ago)" in beyond
    found = read(server, play, session_id="all", query="what did we decide about giraffes")["output"]
    assert f"\n{first} · 'Giraffes' · 0 min ago · handed off to {sessions[1]}\n" in found
    assert "giraffes get the blue badge" in found


def test_a_regular_expression_that_backtracks_forever_is_bounded(server: Server, play: Play) -> None:
    old = server.new_session(title="Backtracking")
    server.say(old, "x" * 20_000)

    call = read(server, play, session_id=old, query="/(x+x+)+y/")

    assert "was stopped" in call["error"]
    assert "make it simpler" in call["error"]
    assert read(server, play, session_id=old, query="/x{9}/")["status"] == "completed"


def test_the_command_line_reads_and_searches_too(server: Server, shop: str) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "handoff_sidecar", "read", *words, "--url", server.url]
        env = server.sandbox.environment()
        return subprocess.run(command, env=env, cwd=server.sandbox.project, capture_output=True, text=True, check=False)

    printed = run(shop, "--limit", "2").stdout
    assert printed.startswith("# Shop\n")
    assert f"`handoff-sidecar read ses_shop1 --before msg_shop1000337 --limit 2 --url {server.url}`" in printed
    assert "### user · 2026-05-29" in printed

    found = json.loads(run(shop, "--query", "mail provider", "--json").stdout)
    assert found["sessionID"] == shop
    assert any("Mailjet" in block["text"] for block in found["blocks"])
    assert shop in run("all", "--query", "mail provider").stdout

    unknown = run("ses_nobody")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("handoff-sidecar: there is no session `ses_nobody`")

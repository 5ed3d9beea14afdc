"""Whatever a model, OpenCode or a file says: a tool answers, or fails in a sentence of ours, in bounded time."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from fake_opencode import FakeOpenCode, assistant_message, tool_part, user_message
from hypothesis import given
from hypothesis import strategies as st
from unit.fuzz.anything import (
    AGENTS,
    IDS,
    JSON,
    MESSAGES,
    NUMBERS,
    PROVIDERS,
    SESSIONS,
    STATUSES,
    TEXT,
    TODOS,
    TOKENS,
    nearly,
)

from handoff_sidecar.auto_handoff.model_limits import Capacity
from handoff_sidecar.auto_handoff.watch import Sighting, Watch
from handoff_sidecar.call.context import Scene, ToolContext
from handoff_sidecar.cli.brief_list import write_list
from handoff_sidecar.errors import BadQuery, HandoffSidecarError, JournalUnavailable
from handoff_sidecar.handoff.commands.now import HandoffNow
from handoff_sidecar.handoff.session_handoff import SessionHandoff
from handoff_sidecar.indexing.indexes import Indexes
from handoff_sidecar.indexing.upkeep import Upkeep
from handoff_sidecar.journal.brief_file import read_brief
from handoff_sidecar.journal.journal import Journal
from handoff_sidecar.opencode.client import OpenCodeClient
from handoff_sidecar.reading.read_session import ReadSessionTool
from handoff_sidecar.search.findings import find
from handoff_sidecar.search.query import parse_query
from handoff_sidecar.search.store import Store
from handoff_sidecar.search.texts import Texts
from handoff_sidecar.session.transcript import Entry, Record
from handoff_sidecar.settings import Settings, load_settings
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
CALL_TIMEOUT_S = 20.0
"""Far above what any of these takes, far below what a person would call a hang."""

CONTEXT = ToolContext.model_validate({"sessionID": "ses_old", "messageID": "msg_1", "directory": "/nowhere/at/all"})
LISTS = st.lists(TEXT | JSON, max_size=5) | TEXT | st.just("[" * 3_000) | st.just('["a", 1]')
NOTES = nearly(
    summary=TEXT,
    goal=TEXT,
    next_steps=LISTS,
    blocked=TEXT,
    constraints=LISTS,
    key_decisions=LISTS | st.lists(nearly(decision=TEXT, why=TEXT, reason=TEXT), max_size=3),
    tried_and_failed=LISTS,
    files_modified=LISTS,
    agent=TEXT | st.just("build"),
    model=TEXT | st.just("scripted/m1"),
)
EXPRESSIONS = st.lists(
    st.sampled_from(list("()[]{}*+?|^$.\\/#-,0129abé \n"))
    | st.sampled_from(
        ["(?R)", "(?1)", "{99}", "{999,}", "(?:", "(a+)+", "(?<=", "(?P<n>", "\\p{L}", "(?x)", "{e<=3}", "[[:", "\\X"]
    ),
    max_size=14,
).map(lambda pieces: f"/{''.join(pieces)}/")
QUERIES = TEXT | EXPRESSIONS | EXPRESSIONS.map(lambda text: text + "imsx") | st.just('"a phrase') | st.just("login")
ASKED = nearly(
    session_id=IDS | st.sampled_from(["previous", "previous:2", "previous:999", "all", "ALL"]),
    query=QUERIES,
    file=TEXT | st.sampled_from(["a.ts", "/", "..", "/etc/passwd"]),
    limit=st.integers(-1, 300),
    before=IDS | st.just("msg_0001"),
    detail=st.sampled_from(["text", "tools"]),
)


def opencode_with_a_history() -> FakeOpenCode:
    fake = FakeOpenCode()
    fake.add_session("ses_older")
    fake.add_session("ses_old", metadata={"handoff": {"from": "ses_older"}})
    fake.messages["ses_older"] = [
        user_message(1, "fix the login"),
        assistant_message(
            2, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa done", tool_part("edit", input={"filePath": "a.ts"})
        ),
    ]
    fake.messages["ses_old"] = [user_message(1, "go on"), assistant_message(2, "done")]
    return fake


def finished(work: Awaitable[object]) -> object:
    """What came of it: a result, or an error that is meant to be read."""

    async def bounded() -> object:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await work

    try:
        return asyncio.run(bounded())
    except HandoffSidecarError as error:
        assert str(error)  # noqa: PT017  # both ends are right
        assert len(str(error)) < 3_000  # noqa: PT017
        return error


def scene(opencode: FakeOpenCode | Odd, **settings: Any) -> Scene:
    return Scene(CONTEXT, opencode.client(), Settings(**settings), "tui")


def session_handoff(folder: Path) -> SessionHandoff:
    return SessionHandoff(journal=Journal(folder), tokenizer=TOKENIZER, now=lambda: datetime.now(UTC))


@given(NOTES | st.dictionaries(TEXT, JSON, max_size=3))
def test_any_arguments_make_a_handoff_or_a_sentence(tmp_path: Path, arguments: dict[str, Any]) -> None:
    opencode = opencode_with_a_history()
    tool = session_handoff(tmp_path)

    outcome = finished(tool(arguments, scene(opencode)))

    assert len(opencode.made()) == (0 if isinstance(outcome, HandoffSidecarError) else 1)
    for new in opencode.made():
        prompt = opencode.messages[new["id"]][0]["parts"][0]["text"]
        assert TOKENIZER.count(prompt) <= Settings().prompt_token_budget


@given(ASKED | st.dictionaries(TEXT, JSON, max_size=3))
def test_any_question_is_answered_within_its_budget_or_refused(tmp_path: Path, asked: dict[str, Any]) -> None:
    tool = ReadSessionTool(
        journal=Journal(tmp_path), tokenizer=TOKENIZER, now=lambda: datetime.now(UTC), upkeep=Upkeep(Indexes(tmp_path))
    )

    outcome = finished(tool(asked, scene(opencode_with_a_history(), read_token_budget=500, index=False)))

    if not isinstance(outcome, HandoffSidecarError):
        assert TOKENIZER.count(outcome.output) <= 500  # type: ignore[attr-defined]


@given(QUERIES, TEXT, st.sampled_from([1, 30_000]))
def test_any_query_ends(query: str, text: str, times: int) -> None:
    store = Store(sqlite3.connect(":memory:"))
    store.create()
    store.append("ses_old", [Record("msg_1", "user", 0.0, (Entry("said", "", (text[:1] or "a") * times),))])
    try:
        find(parse_query(query), store, [store.all_rows()], Texts(store))
    except BadQuery as error:
        assert str(error)  # noqa: PT017  # both ends are right


RIGHT = {
    "/session/ses_old": SESSIONS,
    "/session/ses_older": SESSIONS,
    "/session/ses_old/message": st.lists(MESSAGES, max_size=4),
    "/session/ses_older/message": st.lists(MESSAGES, max_size=4),
    "/session/ses_old/todo": TODOS,
    "/session": SESSIONS | st.lists(SESSIONS, max_size=3),
    "/session/status": STATUSES,
    "/agent": AGENTS,
    "/config/providers": PROVIDERS,
    "/config": nearly(compaction=nearly(auto=st.booleans(), reserved=NUMBERS)),
}


class Odd:
    """An OpenCode some of whose endpoints answer what they never would."""

    def __init__(self, answers: dict[str, tuple[int, Any]]) -> None:
        self.fake = opencode_with_a_history()
        self._answers = answers
        self.fake.intercept = self._answer

    async def _answer(self, request: httpx.Request) -> httpx.Response | None:
        answer = self._answers.get(request.url.path)
        if answer is None:
            return None
        return httpx.Response(answer[0], content=json.dumps(answer[1]).encode())

    def client(self) -> OpenCodeClient:
        return self.fake.client()


ODD = st.fixed_dictionaries(
    {}, optional={path: st.tuples(st.sampled_from([200, 200, 200, 500]), shape) for path, shape in RIGHT.items()}
).map(Odd)


@given(ODD, st.sampled_from(["tool", "now"]))
def test_a_handoff_in_an_odd_opencode_is_made_or_fails_in_a_sentence(tmp_path: Path, odd: Odd, way: str) -> None:
    tool = session_handoff(tmp_path)
    work = tool({"summary": "x"}, scene(odd)) if way == "tool" else HandoffNow(tool)("fix it", scene(odd))
    finished(work)

    for new in odd.fake.made():
        assert odd.fake.messages[new["id"]], "a session without its prompt"
    assert all(path.parent == tmp_path for path in tmp_path.rglob("*")), "a brief in another folder"


@given(
    ODD, st.sampled_from([{}, {"query": "login"}, {"query": "x", "session_id": "all"}, {"file": "a.ts"}, {"limit": 1}])
)
def test_a_look_back_in_an_odd_opencode_is_answered_or_refused(tmp_path: Path, odd: Odd, asked: dict[str, Any]) -> None:
    tool = ReadSessionTool(
        journal=Journal(tmp_path), tokenizer=TOKENIZER, now=lambda: datetime.now(UTC), upkeep=Upkeep(Indexes(tmp_path))
    )

    finished(tool(asked, scene(odd, index=False)))


@given(ODD, TOKENS, st.sampled_from(["step", "idle"]))
def test_an_odd_opencode_is_watched_without_harm(tmp_path: Path, odd: Odd, tokens: Any, moment: str) -> None:
    watch = Watch(session_handoff(tmp_path), Capacity(32_000))
    usable = tokens if isinstance(tokens, dict) else {}
    sighting = Sighting.model_validate(
        {"sessionID": "ses_old", "providerID": "scripted", "modelID": "m1", "tokens": usable}
    )
    where = scene(odd, auto_handoff_threshold=1)

    finished(watch.step(sighting, where) if moment == "step" else watch.idle(sighting, where))


SETTINGS_FILES = nearly(open=st.sampled_from(["switch", "none"]), trigger_words=LISTS, prompt_token_budget=NUMBERS)


@given(
    content=st.binary(max_size=200) | (JSON | SETTINGS_FILES).map(lambda value: json.dumps(value).encode()),
    is_projects=st.booleans(),
)
def test_any_settings_file_gives_settings(tmp_path: Path, content: bytes, *, is_projects: bool) -> None:
    for folder in (tmp_path / "config", tmp_path / "project" / ".opencode"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "handoff.json").unlink(missing_ok=True)
    where = tmp_path / "project" / ".opencode" if is_projects else tmp_path / "config"
    (where / "handoff.json").write_bytes(content)

    loaded = load_settings(config=tmp_path / "config", project=tmp_path / "project")

    if is_projects:
        mine = Settings().model_dump(include=set(Settings.USER_ONLY))
        assert loaded.settings.model_dump(include=set(Settings.USER_ONLY)) == mine
    for problem in loaded.problems:
        assert "\x1b" not in problem
        assert len(problem) < 1_000


FRONT_MATTER = nearly(
    from_session=IDS,
    title=TEXT,
    directory=TEXT,
    agent=TEXT,
    model=TEXT,
    created=TEXT,
    tokens=NUMBERS,
    to_session=IDS,
    chain=st.lists(IDS, max_size=3),
)
BRIEFS = st.binary(max_size=200) | FRONT_MATTER.map(
    lambda given: (
        "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in given.items()) + "---\n\nx"
    ).encode()
)


@given(st.lists(BRIEFS | st.just(b"---\ntitle: " + b"[" * 15_000 + b"\n---\n"), max_size=3))
def test_any_file_among_the_briefs_is_one_or_is_passed_over(briefs: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(briefs):
            Path(folder, f"2026{number}-ses_{number}.md").write_bytes(content)
        journal = Journal(Path(folder))

        handoffs = list(journal.handoffs())
        came_from = journal.came_from("ses_1")
        journal.brief_about("ses_1")

        assert came_from is None or isinstance(came_from, str)
        write_list([handoff for _, handoff in handoffs], whole=True)
        for file in Path(folder).iterdir():
            try:
                read_brief(file)
            except JournalUnavailable as error:
                assert str(error)  # noqa: PT017  # both ends are right

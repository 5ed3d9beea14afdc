"""The index of a large project in the real OpenCode: 500 sessions, 40,000 messages, 170 MB of text.

How long searches take as OpenCode measures them, before and after all is indexed; how fast it is built, what that costs
OpenCode meanwhile; how large it is. `python -m benchmarks.index` prints it and keeps nothing.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
from opencode.server import processes

from benchmarks import bulk
from benchmarks.errors import MeasuringFailed
from benchmarks.samples import Sample
from benchmarks.search import TOOL
from benchmarks.sidecar_costs import memory_mb
from benchmarks.stage import OpenCode, make_sandbox, serving
from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply, ScriptedModel, ToolCall, playbook
from handoff_sidecar.indexing.sync import SessionSync
from handoff_sidecar.installation.plugin_file import install
from handoff_sidecar.opencode.client import MessagePage
from handoff_sidecar.opencode.messages import Message
from handoff_sidecar.opencode.models import Session
from handoff_sidecar.opencode.replies import parse_list
from handoff_sidecar.search import coverage
from handoff_sidecar.search.index_file import Index
from handoff_sidecar.text.redaction import redact

SESSIONS = 500
TURNS = 16
"""Of five messages each: 80 in a session, 40,000 in all."""

LONG_TURNS = 2_000
LONG_SESSIONS = 1

INDEXED_WITHIN_S = 900.0
PAUSE_S = 0.2
MESSAGES = 30
QUIET_S = 5.0
BEAT_PAUSE_S = 0.01

FIRST_AT_MOST_MS = 2_000.0
WORDS_AT_MOST_MS = 150.0
LITERAL_AT_MOST_MS = 1_000.0
PATTERN_AT_MOST_MS = 3_000.0
INDEXED_AT_MOST_MS = 300.0
UNSEEN_AT_MOST_MS = 2_500.0
LEAST_MB_A_SECOND = 8.0
SIZE_AT_MOST = 0.8
MEMORY_AT_MOST_MB = 90.0

SPEED_SESSIONS = 40
ROUNDS = 10

QUERIES = {
    "literal": r"/def test_\w+_with_\w+\(/",
    "pattern": r"/\b[A-Z]{3}-\d{4}\b/",
}


@dataclass(frozen=True, slots=True)
class IndexCosts:
    """Milliseconds by kind of search, as OpenCode measures the tool's calls.

    Attributes:
        first_said: what the first search of all sessions said of how far it had come.
        right: how many of the searches for words showed the one session that has the answer, and the answer.
        indexed_s: how long it took until all was indexed, with no turn under way.
        answer_ms: how long OpenCode took to answer the smallest request, before that and meanwhile.
        message_ms: how long an ordinary message took, before that and meanwhile.
        mb_a_second: of text, from OpenCode's answer to the commit.
        size_share: the file's size, of the text's.
        memory_mb: of the sidecar, after all searches.
    """

    sessions: int
    messages: int
    text_mb: float
    searches_ms: dict[str, Sample]
    first_said: str
    right: int
    indexed_s: float
    answer_ms: dict[str, Sample]
    message_ms: dict[str, Sample]
    mb_a_second: float
    size_share: float
    memory_mb: float


def measure(root: Path, binary: Path, *, sessions: int, rounds: int) -> IndexCosts:
    """A project of so many sessions, then three sessions of 10,000 messages.

    Raises:
        MeasuringFailed: a search failed, or the index was not built.
    """
    library = bulk.Library()
    numbers = [number * sessions // rounds for number in range(rounds)]
    searches: dict[str, list[float]] = {}
    with ScriptedModel(lambda _: Reply("Done.")) as model:
        model.script = playbook(_script(numbers))
        sandbox = make_sandbox(root / "many", binary, model.base_url)
        text_bytes = bulk.put_in(sandbox, bulk.sessions(sandbox.project, sessions, TURNS, library))
        install(sandbox.config_folder)
        with serving(sandbox) as opencode:
            before = _beats_while(opencode, lambda: time.sleep(QUIET_S))
            _messages(opencode, 1)
            quiet = _messages(opencode, MESSAGES)
            first = _search(opencode, "first", searches)
            beside = _messages(opencode, MESSAGES)
            started = time.monotonic()
            meanwhile = _beats_while(opencode, lambda: _wait_until_indexed(sandbox, sessions))
            indexed_s = time.monotonic() - started
            answers = [_search(opencode, f"fact {number}", searches, kind="words") for number in numbers]
            for _ in numbers:
                for kind in QUERIES:
                    _search(opencode, kind, searches)
            memory = memory_mb(_sidecar_of(sandbox))
        size = _index_file(sandbox).stat().st_size
        _measure_long(make_sandbox(root / "long", binary, model.base_url), library, searches)
    return IndexCosts(
        sessions,
        sessions * TURNS * (bulk.STEPS_A_TURN + 1),
        text_bytes / 1e6,
        {kind: Sample(tuple(its)) for kind, its in searches.items()},
        first.partition("<session-record>")[0].strip(),
        sum(bulk.fact_of(number)[1] in answer for number, answer in zip(numbers, answers, strict=True)),
        indexed_s,
        {"before": Sample(tuple(before)), "meanwhile": Sample(tuple(meanwhile))},
        {"before": quiet, "meanwhile": beside},
        _speed(root / "speed.db", library),
        size / text_bytes,
        memory,
    )


def _measure_long(sandbox: Sandbox, library: bulk.Library, searches: dict[str, list[float]]) -> None:
    """A session that was never seen, and the same by a new sidecar when it is indexed."""
    project, now_ms = str(sandbox.project), int(time.time() * 1_000)
    records = [
        bulk.session(_long_id(number), number, now_ms - (number + 1) * 10 * bulk.DAY_MS, project, LONG_TURNS, library)
        for number in range(LONG_SESSIONS)
    ]
    bulk.put_in(sandbox, iter(records))
    install(sandbox.config_folder)
    with serving(sandbox) as opencode:
        opencode.say(opencode.new_session(), "hello")  # which starts the sidecar
        for number in range(LONG_SESSIONS):
            _search(opencode, f"long {number}", searches, kind="never seen")
        _wait_until_indexed(sandbox, LONG_SESSIONS)
    with serving(sandbox) as opencode:
        _search(opencode, "start", {})  # the sidecar that hands a session off is running
        for number in range(LONG_SESSIONS):
            _search(opencode, f"long {number}", searches, kind="indexed")


def _script(numbers: list[int]) -> dict[str, tuple[Reply, ...]]:
    every = {"first": {"query": "which port"}, **{kind: {"query": query} for kind, query in QUERIES.items()}}
    asked: dict[str, dict[str, object]] = {
        "start": {"session_id": _long_id(0), "limit": 1},
        **{name: {"session_id": "all", **given} for name, given in every.items()},
        **{f"fact {number}": {"session_id": "all", "query": bulk.fact_of(number)[0]} for number in numbers},
        **{
            f"long {number}": {"session_id": _long_id(number), "query": bulk.fact_of(number)[0]}
            for number in range(LONG_SESSIONS)
        },
    }
    return {
        f"Please search: {name}.": (Reply("", (ToolCall(TOOL, given),)), Reply("I see."))
        for name, given in asked.items()
    }


def _long_id(number: int) -> str:
    return f"ses_long{number:05d}"


def _search(opencode: OpenCode, name: str, searches: dict[str, list[float]], *, kind: str = "") -> str:
    """In a new session, so that none grows; what the tool answered."""
    here = opencode.new_session()
    opencode.say(here, f"Please search: {name}.")
    state = opencode.newest_call(here, TOOL)
    searches.setdefault(kind or name, []).append(float(state["time"]["end"] - state["time"]["start"]))
    return str(state["output"])


def _messages(opencode: OpenCode, count: int) -> Sample:
    """How long ordinary messages take, each in a new session."""
    return Sample(tuple(opencode.say(opencode.new_session(), "hello") for _ in range(count)))


def _sidecar_of(sandbox: Sandbox) -> int:
    return processes(f"HOME={sandbox.home}", "handoff_sidecar")[0]


def _index_file(sandbox: Sandbox) -> Path:
    (path,) = (sandbox.home / ".cache" / "handoff-sidecar" / "index").glob("*.db")
    return path


def _wait_until_indexed(sandbox: Sandbox, sessions: int) -> None:
    """Until so many sessions are whole in the index."""
    deadline = time.monotonic() + INDEXED_WITHIN_S
    whole = 0
    while whole < sessions:
        if time.monotonic() > deadline:
            raise MeasuringFailed(f"{whole} of {sessions} sessions were indexed in {INDEXED_WITHIN_S:.0f} s")
        time.sleep(PAUSE_S)
        with closing(Index(_index_file(sandbox))) as index:
            known = index.read(coverage.all_coverage)
        whole = sum(each.is_whole and each.messages > 0 for name, each in known.items() if _is_made_up(name))


def _is_made_up(session_id: str) -> bool:
    return session_id.startswith(("ses_bulk", "ses_long"))


def _beats_while(opencode: OpenCode, work: Callable[[], None]) -> list[float]:
    """How long OpenCode took to answer the smallest request, again and again while something goes on."""
    times: list[float] = []
    is_over = threading.Event()

    def beat() -> None:
        with httpx.Client(base_url=opencode.http.base_url, trust_env=False, timeout=60) as http:
            while not is_over.wait(BEAT_PAUSE_S):
                started = time.perf_counter()
                http.get("/global/health")
                times.append((time.perf_counter() - started) * 1_000)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        work()
    finally:
        is_over.set()
        thread.join()
    return times


def _speed(path: Path, library: bulk.Library) -> float:
    """MB of text a second of processor time, from OpenCode's answers to the commits."""
    pages = []
    for number in range(SPEED_SESSIONS):
        record = bulk.session(f"ses_bulk{number:05d}", number, number * bulk.DAY_MS, "/project", TURNS, library)
        pages.append((record.session_id, json.dumps(record.messages).encode()))
    with closing(Index(path)) as index:
        sync = SessionSync(index, redact, lambda: int(time.time() * 1_000))
        started = time.process_time()
        for session_id, body in pages:
            answer = httpx.Response(200, content=body)
            sync.put(
                Session(id=session_id), MessagePage(parse_list(Message, "", answer), None), is_busy=False, owner=""
            )
        took_s = time.process_time() - started
        size = index.read(coverage.totals).bytes
    return size / 1e6 / took_s


def main() -> None:
    """Measure it and print it."""
    from benchmarks.report import index_text  # noqa: PLC0415  # which needs this module

    opencode = find_opencode(PINNED_VERSION, say=print)
    with tempfile.TemporaryDirectory(prefix="handoff-bench-") as folder:
        print(index_text(measure(Path(folder).resolve(), opencode.path, sessions=SESSIONS, rounds=ROUNDS)))


if __name__ == "__main__":
    main()

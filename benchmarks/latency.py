"""How long a handoff takes, from the tool's call to its answer, against the length of the old session.

In the real OpenCode: ours, the floor (`floor.js`, in the same process, turn about) and any other plugin by path.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BadInput, MeasuringFailed
from benchmarks.generated import TURNS_BETWEEN_COMPACTIONS
from benchmarks.note import ARGUMENTS
from benchmarks.samples import Interval, Sample, ratios
from benchmarks.stage import OpenCode, import_records, make_sandbox, serving
from benchmarks.unchanged import OldSession
from handoff_sidecar.demo.record import TURN_MS, Call, GrowingSession
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import ChatRequest, Failure, Reply, Script, ScriptedModel, ToolCall, playbook
from handoff_sidecar.installation.plugin_file import install

SIZES = (10, 100, 500, 1_000, 5_000)

THINKING_S = 3.0
"""A model takes this long and longer to write the call. One that answers at once would meet OpenCode's own work
at the start of a turn, which goes through the whole session (seen in 1.18.33: 1 s for 5,000 turns, and more on a
busy machine)."""

FLAT_AT_MOST = 1.2
FLOOR_AT_MOST = 1.5

FLOOR_TOOL = "bench_floor"
AT_ONCE_TOOL = "bench_floor_at_once"
HANDOFF_TOOL = "session_handoff"


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that hands off: its name here, the tool that does it, and the OpenCode that it is loaded in."""

    name: str
    tool: str
    home: str


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds by contender and number of turns.

    Attributes:
        floors: those of each contender, in its own process; the first is the one that it is held to.
    """

    times_ms: dict[str, dict[int, Sample]]
    floors: dict[str, tuple[str, ...]]

    def to_floor(self, name: str, *turns: int, floor: int = 0) -> Interval:
        """How many times the floor's time a contender takes, in the pairs of these lengths; without one, of all."""
        ours, floors = self.times_ms[name], self.times_ms[self.floors[name][floor]]
        return ratios(*(Sample(tuple(ms for n in turns or ours for ms in times[n].values)) for times in (ours, floors)))

    def flatness(self, name: str) -> Interval:
        """How many times the time for the shortest session the longest takes, round by round."""
        times = self.times_ms[name]
        return ratios(times[max(times)], times[min(times)])


def measure(root: Path, binary: Path, *, sizes: Sequence[int], rounds: int, against: Path | None) -> Latency:
    """All contenders on all sizes, round by round in changing order, after one round that doesn't count.

    Raises:
        BadInput: the other plugin can't be measured.
        MeasuringFailed: a handoff failed, or left an old session that could not be put back.
    """
    contenders = [
        Contender("ours", HANDOFF_TOOL, "ours"),
        Contender("floor", FLOOR_TOOL, "ours"),
        Contender("floor, at once", AT_ONCE_TOOL, "ours"),
    ]
    floors: dict[str, tuple[str, ...]] = {"ours": ("floor", "floor, at once")}
    if against is not None:
        other = _other_name(against)
        floors[other] = (f"floor beside {other}",)
        contenders += [Contender(other, HANDOFF_TOOL, "other"), Contender(floors[other][0], FLOOR_TOOL, "other")]
    with ScriptedModel(lambda _: Reply("Done.")) as model, ExitStack() as running:
        model.script = _thoughtful(model, _script(contenders))
        if against is not None:
            _try_out(make_sandbox(root / "tried", binary, model.base_url), against, contenders)
        homes = {}
        for home in dict.fromkeys(contender.home for contender in contenders):
            sandbox = make_sandbox(root / home, binary, model.base_url)
            import_records(sandbox, [_session(sandbox, turns) for turns in sizes])
            _load_plugins(sandbox, home, against)
            homes[home] = running.enter_context(serving(sandbox))
        return Latency(_rounds(contenders, homes, sizes, rounds), floors)


def _rounds(
    contenders: list[Contender], homes: dict[str, OpenCode], sizes: Sequence[int], rounds: int
) -> dict[str, dict[int, Sample]]:
    times: dict[tuple[str, int], list[float]] = {(c.name, turns): [] for c in contenders for turns in sizes}
    old = {(home, turns): OldSession.seen(homes[home], _session_id(turns)) for home in homes for turns in sizes}
    order = random.Random(0)
    for number in range(rounds + 1):
        for turns in order.sample(sizes, len(sizes)):
            for contender in order.sample(contenders, len(contenders)):
                took = _hand_off(old[contender.home, turns], contender)
                if number:
                    times[contender.name, turns].append(took)
    for session in old.values():
        session.check()
    return {c.name: {turns: Sample(tuple(times[c.name, turns])) for turns in sizes} for c in contenders}


def _hand_off(old: OldSession, contender: Contender) -> float:
    """Of a session that is as it was at first; putting it back is not measured."""
    old.put_back()
    try:
        took = _called(old.opencode, old.session_id, contender)
    except MeasuringFailed as error:
        raise MeasuringFailed(f"{contender.name} in {old.session_id}: {error}") from error
    old.put_back()
    return took


def _called(opencode: OpenCode, session_id: str, contender: Contender) -> float:
    opencode.say(session_id, _request(contender))
    opencode.wait_until_idle()
    at = opencode.newest_call(session_id, contender.tool)["time"]
    return float(at["end"] - at["start"])


def _try_out(sandbox: Sandbox, against: Path, contenders: list[Contender]) -> None:
    """One handoff with the other plugin, before minutes are spent on making long sessions for it."""
    _load_plugins(sandbox, "other", against)
    with serving(sandbox) as opencode:
        for contender in contenders:
            if contender.home == "other":
                try:
                    _called(opencode, opencode.new_session(), contender)
                except MeasuringFailed as error:
                    raise BadInput(f"the plugin {against} can't be measured: {error}") from error


def _other_name(against: Path) -> str:
    """As it is called in the report: its file's name, or its folder's."""
    path = against.resolve()
    name = path.parent.name if path.stem in {"index", "plugin", "main"} else path.stem
    return f"the other {name}" if name.startswith(("ours", "floor")) else name


def _load_plugins(sandbox: Sandbox, home: str, against: Path | None) -> None:
    floor = Path(__file__).with_name("floor.js").read_text(encoding="utf-8")
    sandbox.plugin_file("floor.js", floor)
    if home == "ours":
        install(sandbox.config_folder)
    elif against is not None:
        sandbox.plugin_file("against.js", f'export {{ default }} from "{against.resolve()}"\n')


def _script(contenders: list[Contender]) -> Script:
    turns = {_request(c): (Reply("", (ToolCall(c.tool, ARGUMENTS),)), Reply("Handed off.")) for c in contenders}
    return playbook(turns)


def _thoughtful(model: ScriptedModel, script: Script) -> Script:
    """The script with a pause before a call, and without a record of what was asked: long sessions are long."""

    def answer(request: ChatRequest) -> Reply | Failure:
        model.requests.clear()
        reply = script(request)
        if isinstance(reply, Reply) and reply.tool_calls:
            time.sleep(THINKING_S)
        return reply

    return answer


def _request(contender: Contender) -> str:
    return f"Please let us go on elsewhere, by way of: {contender.name}."


def _session_id(turns: int) -> str:
    return f"ses_bench{turns:05d}"


def _session(sandbox: Sandbox, turns: int) -> GrowingSession:
    """A session of about 7 KB a turn, up to now, that was compacted now and then as a real one.

    The turns between two compactions are about 100,000 tokens, with which a model of 128,000 makes OpenCode compact.
    """
    directory = str(sandbox.project)
    started_ms = int(time.time() * 1_000) - (turns + 10) * TURN_MS
    record = GrowingSession(_session_id(turns), f"{turns} turns", directory, started_ms)
    for number in range(1, turns + 1):
        if number % TURNS_BETWEEN_COMPACTIONS == 0:
            record.compaction("What was done so far: " + "the login, the sessions, their tests. " * 20)
            continue
        listing = Call("bash", {"command": "ls -la src"}, output="-rw-r--r-- 1 ada ada 4821 auth.ts\n" * 90, title="ls")
        file = f"{directory}/src/file{number % 7}.ts"
        edit = Call("edit", {"filePath": file, "oldString": "a = 1", "newString": "a = 2"}, title=file)
        asked = f"Question {number}: " + "what does the session store do with an old token? " * 4
        record.turn(
            asked, ("I look at the files.", (listing, edit)), answer=f"Answer {number}: " + "it keeps it. " * 20
        )
    return record

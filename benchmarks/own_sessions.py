"""Fidelity on sessions of one's own: a folder of `NAME.json` and `NAME.probes.json`, with a plain search as yardstick.

Each session is handed off once. Each probe is looked for in the prompt, in one read with its query at two budgets, in
one read with the question as it is, and in what SQLite's full-text search brings. Knows nothing of how results are
written.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from fake_opencode import FakeOpenCode

from benchmarks.errors import BadInput
from benchmarks.fidelity import handed_off, opencode_with, tokens_of
from benchmarks.place import fill
from benchmarks.probes import Case, Kind, Probe
from benchmarks.questions import case_from_files, check
from benchmarks.sidecar import RunningSidecar, limit_reads, running
from benchmarks.yardstick import Yardstick
from handoff_sidecar.text.tokens import Tokenizer

PROBES = ".probes.json"

BUDGET_TOKENS, SMALL_BUDGET_TOKENS = 4_000, 2_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one probe.

    Attributes:
        in_prompt: or in the instructions that the model gets with it.
        in_read: in one read with the query, of at most 4,000 tokens; those that follow likewise.
        in_small_read: of at most 2,000 tokens.
        in_question_read: with the question in place of the query.
        in_yardstick: in what the plain search brings, without a prompt.
        tokens: of the read's answer.
        outdated_first: whether what was true once is in prompt and read too, before the answer.
    """

    session: str
    kind: Kind
    question: str
    query: str
    in_prompt: bool
    in_read: bool
    in_small_read: bool
    in_question_read: bool
    in_yardstick: bool
    tokens: int
    outdated_first: bool


def pairs_in(folder: Path) -> list[tuple[Path, Path]]:
    """Each session's file with the file of its probes, by name.

    Raises:
        BadInput: there is none, one is without the other, or one is not of its shape.
    """
    probes = sorted(folder.glob(f"*{PROBES}"))
    if not probes:
        raise BadInput(
            f"{folder} has no NAME{PROBES}: put each session there as NAME.json, with NAME{PROBES} beside it"
        )
    pairs = [(path.with_name(path.name.removesuffix(PROBES) + ".json"), path) for path in probes]
    for session, asked in pairs:
        check(session, asked)
    return pairs


def measure(root: Path, folder: Path, project: Path) -> list[Asked]:
    """Hand every session of a folder off, and ask every probe.

    Args:
        project: the folder that the sessions are moved into.

    Raises:
        BadInput: a file is not of its shape.
    """
    asked: list[Asked] = []
    for number, (session, probes) in enumerate(pairs_in(folder)):
        case = case_from_files(session, probes, project)
        home = root / f"home-{number}"
        home.mkdir()
        asked += asyncio.run(_measure(home, case))
    return asked


async def _measure(home: Path, case: Case) -> list[Asked]:
    fill(Path(case.record.directory), case.files)
    (arguments,) = case.agents.values()
    fake = opencode_with(case)
    yardstick = Yardstick(case.record.messages, Tokenizer())
    async with running(home, fake) as sidecar:
        prompt, instructions, new = await handed_off(sidecar, fake, case, arguments)
        reads = [
            (await _read(sidecar, probe.search, new, case), await _read(sidecar, probe.question, new, case))
            for probe in case.probes
        ]
    small = await _small_reads(home, fake, case, new)
    told = f"{prompt}\n{instructions}"
    return [
        _asked(case.name, probe, told, (read, small_read, of_question), yardstick)
        for probe, (read, of_question), small_read in zip(case.probes, reads, small, strict=True)
    ]


async def _small_reads(home: Path, fake: FakeOpenCode, case: Case, new: str) -> list[str]:
    limit_reads(home, SMALL_BUDGET_TOKENS)
    async with running(home, fake) as sidecar:
        return [await _read(sidecar, probe.search, new, case) for probe in case.probes]


async def _read(sidecar: RunningSidecar, query: str, new: str, case: Case) -> str:
    answer = await sidecar.call("read_session", {"query": query}, new, case.record.directory)
    return str(answer["output"])


def _asked(session: str, probe: Probe, told: str, reads: tuple[str, str, str], yardstick: Yardstick) -> Asked:
    limits = (BUDGET_TOKENS, SMALL_BUDGET_TOKENS, BUDGET_TOKENS)
    found = [probe.is_in(text) and tokens_of(text) <= most for text, most in zip(reads, limits, strict=True)]
    return Asked(
        session,
        probe.kind,
        probe.question,
        probe.search,
        in_prompt=probe.is_in(told),
        in_read=found[0],
        in_small_read=found[1],
        in_question_read=found[2],
        in_yardstick=probe.is_in(yardstick.answer(probe.search, BUDGET_TOKENS)),
        tokens=tokens_of(reads[0]),
        outdated_first=probe.is_outdated_first_in(f"{told}\n{reads[0]}"),
    )

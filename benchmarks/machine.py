"""Where and with what was measured."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
WRITTEN_HERE = ("benchmarks/results", "docs/latency.svg", "docs/fidelity.svg")
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything that a reader needs to judge the numbers by.

    Attributes:
        commit: of this repository, and whether it was measured with changes; `unknown` outside of one.
        opencode: its version, where one was needed.
        load: how many processes wanted to run, at the start and at the end; above the cores, times are noisy.
    """

    date: str
    commit: str
    system: str
    processor: str
    cores: int
    memory_gb: float
    python: str
    opencode: str | None
    handoff_sidecar: str
    load: tuple[float, float]


def describe(opencode: str | None, commit: str, load_at_start: float) -> Machine:
    """This machine, now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        commit=commit,
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        processor=_processor(),
        cores=os.cpu_count() or 0,
        memory_gb=round(memory, 1),
        python=platform.python_version(),
        opencode=opencode,
        handoff_sidecar=version("handoff-sidecar"),
        load=(round(load_at_start, 1), round(os.getloadavg()[0], 1)),
    )


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def commit(repository: Path = REPOSITORY) -> str:
    """What is measured: a commit's short id, `… with changes` of anything but what the benchmarks write themselves."""
    if _git(repository, "rev-parse", "--show-toplevel") != str(repository.resolve()):
        return UNKNOWN
    short = _git(repository, "rev-parse", "--short", "HEAD")
    if not short:
        return UNKNOWN
    changes = _git(
        repository, "status", "--porcelain", "--untracked-files=no", "--", ".", *(f":!{path}" for path in WRITTEN_HERE)
    )
    return f"{short} with changes" if changes != "" else short


def _git(repository: Path, *words: str) -> str | None:
    """What git prints, or None if there is no git or it fails."""
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run(  # noqa: S603 — git from the person's PATH, and no shell
        [git, "-C", str(repository), *words], capture_output=True, check=False, encoding="utf-8"
    )
    return done.stdout.strip() if done.returncode == 0 else None

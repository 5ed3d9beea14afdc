"""Where and with what was measured."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything that a reader needs to judge the numbers by.

    Attributes:
        load: how many processes wanted to run, at the start and at the end; above the cores, times are noisy.
    """

    date: str
    system: str
    processor: str
    cores: int
    memory_gb: float
    python: str
    opencode: str
    handoff_sidecar: str
    load: tuple[float, float]


def describe(opencode: str, load_at_start: float) -> Machine:
    """This machine, now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
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

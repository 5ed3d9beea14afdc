"""Which generated sessions there are: those that the search is tuned on, and those that figures are reported on.

The reported ones have other projects' words, which were written by somebody who had no part in the tuning, and seeds
that nobody looks into.
"""

from __future__ import annotations

from benchmarks.clinic import CLINIC
from benchmarks.freight import FREIGHT
from benchmarks.generated import SIZES, generate
from benchmarks.observatory import OBSERVATORY
from benchmarks.probes import Case
from benchmarks.project import Project
from benchmarks.shop import SHOP

TUNING_SEEDS = range(5)
"""All below the reported ones may be looked into."""

REPORTED_SEEDS = range(100, 104)


def tuning(directory: str) -> list[Case]:
    """To be looked into."""
    return _cases((SHOP, CLINIC), TUNING_SEEDS, directory)


def reported(directory: str) -> list[Case]:
    """Not to be looked into: what is changed because of one of these makes it a tuning one."""
    return _cases((OBSERVATORY, FREIGHT), REPORTED_SEEDS, directory)


def _cases(projects: tuple[Project, ...], seeds: range, directory: str) -> list[Case]:
    return [generate(project, turns, seed, directory) for turns in SIZES for project in projects for seed in seeds]

"""What is kept of the measurements that docs/benchmarks.md shows: each part's numbers and report, and two pictures.

The pictures are drawn from the kept numbers alone, so that anybody can draw them again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from benchmarks.errors import BadInput
from benchmarks.fidelity import OTHER_WAY
from benchmarks.figures import Bar, fidelity_svg, latency_svg
from benchmarks.latency import Latency
from benchmarks.machine import REPOSITORY, Machine
from benchmarks.probes import KINDS

RESULTS = REPOSITORY / "benchmarks" / "results"
PICTURES = REPOSITORY / "docs"

_FLAT_LIST = re.compile(r"\[[^\[\]{}]*\]")
_FLAT_OBJECT = re.compile(r"\{[^{}]*\}")

Kept = dict[str, Any]
"""`{machine, result}`, as it stands in the file."""


def keep(name: str, machine: Machine, result: Any, text: str) -> None:  # noqa: ANN401  # JSON
    """Write a part's numbers and report, and its picture if it has one."""
    RESULTS.mkdir(exist_ok=True)
    kept = json.dumps(_rounded({"machine": asdict(machine), "result": result}), indent=1)
    for flat in (_FLAT_LIST, _FLAT_OBJECT):
        kept = flat.sub(_on_one_line, kept)
    (RESULTS / f"{name}.json").write_text(f"{kept}\n", encoding="utf-8")
    (RESULTS / f"{name}.md").write_text(f"{text}\n", encoding="utf-8")
    if name in DRAWN:
        redraw(name)


def redraw(name: str) -> Path:
    """Draw the picture of a part anew, and say where it is.

    Raises:
        BadInput: nothing is kept of the part.
    """
    path = PICTURES / f"{name}.svg"
    path.write_text(picture(name), encoding="utf-8")
    return path


def picture(name: str) -> str:
    """The picture of a part as SVG.

    Raises:
        BadInput: nothing is kept of the part.
    """
    path = RESULTS / f"{name}.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path} is not there: measure `{name}` first") from None
    return DRAWN[name](kept)


def _latency_picture(kept: Kept) -> str:
    result, machine = TypeAdapter(Latency).validate_python(kept["result"]), kept["machine"]
    rounds = len(next(iter(result.times_ms["ours"].values())).values)
    where = f"OpenCode {machine['opencode']}, {machine['cores']} cores, {machine['date']}"
    return latency_svg(result.times_ms, f"median and 10th-90th percentile, n = {rounds}; {where}")


def _fidelity_picture(kept: Kept) -> str:
    """Of the best agent alone."""
    counts, handoffs = kept["result"]["counts"], kept["result"]["handoffs"]
    its = [count for count in counts if count["agent"] == counts[0]["agent"]]
    bars = [
        Bar(kind, *(_part(of_kind, name) for name in ("in_prompt", "recovered", OTHER_WAY)))
        for kind in KINDS
        if (of_kind := [count for count in its if count["kind"] == kind])
    ]
    sessions, sizes = {handoff["case"] for handoff in handoffs}, sorted({handoff["turns"] for handoff in handoffs})
    asked = sum(count["asked"] for count in its)
    subtitle = f"{asked} facts of {len(sessions)} generated sessions of {sizes[0]} to {sizes[-1]} turns"
    return fidelity_svg(bars, OTHER_WAY, subtitle)


def _part(counts: list[dict[str, Any]], name: str) -> float:
    return float(sum(count[name] for count in counts) / sum(count["asked"] for count in counts))


DRAWN: dict[str, Callable[[Kept], str]] = {"latency": _latency_picture, "fidelity": _fidelity_picture}
"""The parts that have a picture, of the same name."""


def _rounded(result: Any) -> Any:  # noqa: ANN401  # JSON
    """To hundredths: of milliseconds, megabytes, shares of a percent."""
    if isinstance(result, dict):
        return {name: _rounded(value) for name, value in result.items()}
    if isinstance(result, list | tuple):
        return [_rounded(value) for value in result]
    return round(result, 2) if isinstance(result, float) else result


def _on_one_line(found: re.Match[str]) -> str:
    """The brackets stay where they are, and what is between them is not cut into lines."""
    whole = found[0]
    return f"{whole[0]}{' '.join(whole[1:-1].split())}{whole[-1]}"

"""What a check came to, and how a list of that is shown to a person or to a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Mark = Literal["good", "note", "broken"]

SIGNS: dict[Mark, str] = {"good": "✓", "note": "!", "broken": "✗"}
PLAIN_SIGNS: dict[Mark, str] = {"good": "ok", "note": "!", "broken": "X"}
"""For a terminal whose encoding has no check marks."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        subject: what was looked at, in a word or two.
        mark: `note` is worth knowing, and handoffs work all the same.
        text: what was found.
        next_step: what to do about it, or an empty string.
    """

    subject: str
    mark: Mark
    text: str
    next_step: str = ""


def good(subject: str, text: str) -> Finding:
    """As it should be."""
    return Finding(subject, "good", text)


def note(subject: str, text: str, next_step: str = "") -> Finding:
    """Worth knowing."""
    return Finding(subject, "note", text, next_step)


def broken(subject: str, text: str, next_step: str) -> Finding:
    """Handoffs don't work, or not well, until this is fixed."""
    return Finding(subject, "broken", text, next_step)


def is_well(findings: Sequence[Finding]) -> bool:
    """Whether nothing is broken."""
    return all(finding.mark != "broken" for finding in findings)


def line(finding: Finding, encoding: str | None) -> str:
    """A finding for a terminal: sign, subject, text, and the next step on a line of its own."""
    step = f"\n{'':<18}Next: {finding.next_step}" if finding.next_step else ""
    return f"{_signs(encoding)[finding.mark]:<3}{finding.subject:<15}{finding.text}{step}"


def verdict(findings: Sequence[Finding], encoding: str | None) -> str:
    """What all findings come to, for a terminal: a sentence."""
    signs = _signs(encoding)
    bad, notes = (sum(finding.mark == mark for finding in findings) for mark in ("broken", "note"))
    if not bad and not notes:
        return "All is well."
    to_look_at = f"{notes} {'thing' if notes == 1 else 'things'} to look at ({signs['note']})" if notes else ""
    if not bad:
        return f"Nothing is broken; {to_look_at}."
    are_broken = f"{bad} {'thing is' if bad == 1 else 'things are'} broken ({signs['broken']})"
    return "; ".join(filter(None, (are_broken, to_look_at))) + "."


def _signs(encoding: str | None) -> dict[Mark, str]:
    try:
        "".join(SIGNS.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN_SIGNS
    return SIGNS


def as_json(findings: Sequence[Finding]) -> str:
    """The findings for a program: `{"well": …, "findings": [{"subject", "mark", "text", "next_step"}]}`."""
    answer = {"well": is_well(findings), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(answer, indent=2, ensure_ascii=False)

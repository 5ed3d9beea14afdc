"""The command `/handoff-rules`: which rules of the user's a handoff would pass on, and one of them struck."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.rules import rules_of
from handoff_sidecar.call.context import Scene, ToolResult
from handoff_sidecar.call.toasts import notify
from handoff_sidecar.errors import HandoffFailed
from handoff_sidecar.handoff.gathering.gather import gather
from handoff_sidecar.opencode.models import Session
from handoff_sidecar.session.constraints import normal_form
from handoff_sidecar.text.plain_text import one_line

RULE_MAX_CHARACTERS = 120
"""A toast holds some ten lines."""

LISTED = 8
NONE = "No rules go along from here: this session was given none, and you have stated none."

_NUMBER = re.compile(r"(?:strike|drop|remove|delete)?\s*#?(?P<number>\d{1,3})\.?", re.IGNORECASE)
_NOTES = Notes(summary="-")


@dataclass(frozen=True, slots=True)
class _Rule:
    text: str
    is_carried: bool

    def __str__(self) -> str:
        how = "from an earlier session" if self.is_carried else "you said it"
        return f'"{one_line(self.text, RULE_MAX_CHARACTERS)}" ({how})'


async def handoff_rules(words: str, scene: Scene) -> ToolResult:
    """List the rules; with a number, strike that one, so that no handoff passes it on.

    Raises:
        HandoffFailed: there is no such number; nothing was struck.
        OpenCodeError: OpenCode could not be asked.
    """
    gathered = await gather(scene)
    facts = gathered.facts
    found = rules_of(_NOTES, facts, house_rules=gathered.house_rules)
    rules = [
        *(_Rule(rule.text, is_carried=True) for rule in found.constraints),
        *(_Rule(rule.text, is_carried=False) for rule in found.said),
    ]
    wanted = words.strip().strip("`\"'")
    if wanted and rules:
        struck = _chosen(wanted, rules)
        await _strike(struck, facts.session, scene)
        told = f"Struck: {struck}. No handoff passes it on any more."
    else:
        told = _listed(rules) if rules else NONE
    await notify(scene.client, told)
    return ToolResult(title="Rules", output=told, metadata={"rules": [rule.text for rule in rules]})


def _listed(rules: list[_Rule]) -> str:
    lines = [f"{number}. {rule}" for number, rule in enumerate(rules[:LISTED], start=1)]
    more = [f"(+{len(rules) - LISTED} more)"] if len(rules) > LISTED else []
    return "\n".join(["A handoff passes on:", *lines, *more, "/handoff-rules 1 strikes the first."])


def _chosen(wanted: str, rules: list[_Rule]) -> _Rule:
    number = _NUMBER.fullmatch(wanted)
    if number is not None and 0 < int(number["number"]) <= len(rules):
        return rules[int(number["number"]) - 1]
    named = [rule for rule in rules if number is None and normal_form(wanted) in normal_form(rule.text)]
    if len(named) != 1:
        raise HandoffFailed(f"/handoff-rules: no single rule matches `{one_line(wanted, 60)}`. {_listed(rules)}")
    return named[0]


async def _strike(rule: _Rule, session: Session, scene: Scene) -> None:
    facts_of_it = session.handoff
    kept = [
        entry
        for entry in facts_of_it.constraints or []
        if not (isinstance(entry, dict) and normal_form(str(entry.get("text", ""))) == normal_form(rule.text))
    ]
    changed = facts_of_it.model_copy(
        update={"constraints": kept or None, "struck": [*(facts_of_it.struck or []), rule.text]}
    )
    await scene.client.set_metadata(session.id, {**session.metadata, "handoff": changed.written()})

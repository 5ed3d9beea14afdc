"""The command `/handoff-rules`: which rules of the user's a handoff would pass on, and one of them struck."""

from __future__ import annotations

import re

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
NONE = "A handoff of this session passes on no rules: none came from an earlier session, and you have stated none here."

_NUMBER = re.compile(r"(?:strike|drop|remove|delete)?\s*#?(?P<number>\d{1,3})\.?", re.IGNORECASE)
_NOTES = Notes(summary="-")


async def handoff_rules(words: str, scene: Scene) -> ToolResult:
    """List the rules; with a number, strike that one, so that no handoff passes it on.

    Raises:
        HandoffFailed: there is no such number; nothing was struck.
        OpenCodeError: OpenCode could not be asked.
    """
    gathered = await gather(scene)
    facts = gathered.facts
    found = rules_of(_NOTES, facts, house_rules=gathered.surroundings.house_rules)
    rules = {rule.text: "from an earlier session" for rule in found.constraints}
    rules |= {rule.text: "you said it" for rule in found.said}
    wanted = words.strip().strip("`\"'")
    if wanted and rules:
        struck = _chosen(wanted, rules)
        await _strike(struck, facts.session, scene)
        told = f"Removed: {_told(struck, rules)}. No handoff passes it on any more."
    else:
        told = _listed(rules) if rules else NONE
    await notify(scene.client, told)
    return ToolResult(title="Rules", output=told, metadata={"rules": list(rules)})


def _told(text: str, rules: dict[str, str]) -> str:
    return f'"{one_line(text, RULE_MAX_CHARACTERS)}" ({rules[text]})'


def _listed(rules: dict[str, str]) -> str:
    lines = [f"{number}. {_told(text, rules)}" for number, text in enumerate(list(rules)[:LISTED], start=1)]
    more = [f"(+{len(rules) - LISTED} more)"] if len(rules) > LISTED else []
    return "\n".join(["A handoff passes on:", *lines, *more, "Type /handoff-rules 1 to remove the first."])


def _chosen(wanted: str, rules: dict[str, str]) -> str:
    number = _NUMBER.fullmatch(wanted)
    if number is not None and 0 < int(number["number"]) <= len(rules):
        return list(rules)[int(number["number"]) - 1]
    named = [text for text in rules if number is None and normal_form(wanted) in normal_form(text)]
    if len(named) != 1:
        raise HandoffFailed(
            f"/handoff-rules: `{one_line(wanted, 60)}` doesn't match exactly one rule. {_listed(rules)}"
        )
    return named[0]


async def _strike(rule: str, session: Session, scene: Scene) -> None:
    facts_of_it = session.handoff
    kept = [
        entry
        for entry in facts_of_it.constraints or []
        if not (isinstance(entry, dict) and normal_form(str(entry.get("text", ""))) == normal_form(rule))
    ]
    changed = facts_of_it.model_copy(
        update={"constraints": kept or None, "struck": [*(facts_of_it.struck or []), rule]}
    )
    await scene.client.set_metadata(session.id, {**session.metadata, "handoff": changed.written()})

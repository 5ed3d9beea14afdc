"""Which of the user's rules go along into a new session: those that the agent names, and those that it leaves out."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.session.constraints import (
    Constraint,
    check,
    is_held_by,
    is_lifted,
    merged,
    normal_form,
    same_rule,
    says_the_same,
    taking_back,
)
from handoff_sidecar.session.facts import Facts
from handoff_sidecar.session.standing_rules import SaidRule, said_rules


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a session that is handed off.

    Attributes:
        constraints: those that hold in the new session, carried ones first.
        lifted: carried ones that the user took back.
        said: what the user plainly said as standing rules and the agent left out, newest first.
    """

    constraints: tuple[Constraint, ...]
    lifted: tuple[Constraint, ...]
    said: tuple[SaidRule, ...]


def rules_of(notes: Notes, facts: Facts, *, house_rules: str = "") -> Rules:
    """All rules but those that the user struck.

    Args:
        house_rules: what every agent is told here anyway; of what was only said, this goes along without us.
    """
    taken_back = taking_back(facts.said)
    struck = {normal_form(text) for text in facts.struck}
    theirs = [text for text in facts.said if text not in facts.commands]
    lifted = tuple(constraint for constraint in facts.inherited if is_lifted(constraint, taken_back))
    kept = [constraint for constraint in facts.inherited if constraint not in lifted]
    named = check(notes.constraints, [*(rule.text for rule in facts.said_before), *theirs])
    standing = merged((*kept, *(rule for rule in named if not any(same_rule(rule.text, gone.text) for gone in lifted))))
    constraints = tuple(rule for rule in standing if normal_form(rule.text) not in struck)
    said = tuple(
        rule
        for rule in said_rules(theirs, facts.said_before)
        if normal_form(rule.text) not in struck
        and not any(same_rule(each.text, rule.text) or says_the_same(each.text, rule.text) for each in constraints)
        and not is_lifted(Constraint(rule.text, verbatim=True), taken_back)
        and not is_held_by(rule.text, house_rules)
    )
    return Rules(constraints, lifted, said)

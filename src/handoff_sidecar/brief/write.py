"""A handoff in words: everything that is said about a session, put together and cut to size.

The one place where notes and facts become text: what must hold for every word that leaves a session is done here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from handoff_sidecar.brief.beginning import beginning_in
from handoff_sidecar.brief.brief import Brief, Items, Surroundings, brief_of
from handoff_sidecar.brief.budget import fit
from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.brief.prompt import write_goal, write_instructions, write_prompt
from handoff_sidecar.brief.rules import rules_of
from handoff_sidecar.brief.title import TITLE_MAX_CHARACTERS, title_of
from handoff_sidecar.session.constraints import Constraint, record
from handoff_sidecar.session.facts import Facts
from handoff_sidecar.session.standing_rules import record_of_rules
from handoff_sidecar.text.plain_text import clean, one_line, paragraph
from handoff_sidecar.text.redaction import Redact
from handoff_sidecar.text.tokens import Tokenizer

GOAL_MAX_CHARACTERS = 20_000
"""Some 5,000 tokens: a goal is what the user wants, and goes on whole, however short the prompt is to be."""


MAX_SAID_RULES = 5
MAX_SAID_RULES_TOKENS = 120
"""The agent had its reasons to leave them out: they must not crowd out what it said."""


@dataclass(frozen=True, slots=True)
class Written:
    """A handoff with what it says.

    Attributes:
        brief: as it stands in the prompt, cut to size.
        lifted: rules of earlier sessions that the user took back in this one.
        summary_was_cut: whether the agent's summary was longer than there is room for.
    """

    handoff: Handoff
    brief: Brief
    lifted: tuple[Constraint, ...]
    summary_was_cut: bool


def write(  # noqa: PLR0913  # what is said, and the means to say it
    notes: Notes,
    facts: Facts,
    handoff: Handoff,
    *,
    root: str,
    surroundings: Surroundings,
    budget_tokens: int,
    tokenizer: Tokenizer,
    redact: Redact,
) -> Written:
    """The handoff of the session that the facts are about, each text of it passed through `redact`.

    All rules go into the new session's metadata, also those that the prompt had no room for.

    Args:
        budget_tokens: for all that the new session begins with, but a goal that goes along in full.
    """
    rules = rules_of(notes, facts, house_rules=surroundings.house_rules)
    constraints, lifted = (
        tuple(replace(rule, text=redact(rule.text)) for rule in some) for some in (rules.constraints, rules.lifted)
    )
    said = tuple(replace(rule, text=redact(rule.text)) for rule in rules.said)
    whole = without_secrets(
        brief_of(notes, facts, root=root, constraints=constraints, said=said, surroundings=surroundings), redact
    )
    whole = replace(whole, said_rules=_few(whole.said_rules, tokenizer))

    def written(brief: Brief) -> str:
        return f"{write_prompt(brief)}\n{write_instructions(brief, handoff.delivery, handoff.start)}"

    brief = fit(whole, budget_tokens=budget_tokens, tokenizer=tokenizer, write=written)
    given = redact(clean(notes.goal or "").strip())
    is_whole = brief.goal == " ".join(given.split()) and "\n" not in given
    brief = replace(brief, goal_in_full="" if is_whole else given[:GOAL_MAX_CHARACTERS])
    goal, title = write_goal(brief), title_of(facts.session, goal=brief.goal, otherwise=handoff.topic or brief.summary)
    says = {
        "from_title": redact(one_line(facts.session.title, TITLE_MAX_CHARACTERS)),
        "title": redact(title.text),
        "base": redact(title.base),
        "prompt": write_prompt(brief),
        "tokens": tokenizer.count(written(brief)),
        "beginning": beginning_in(brief),
        "instructions": write_instructions(brief, handoff.delivery, handoff.start),
        "goal": goal,
        "beside": sum(map(tokenizer.count, (goal, handoff.plan))),
        "constraints": record(constraints),
        "said": record_of_rules(said),
    }
    summary_was_cut = brief.summary != redact(paragraph(notes.summary, len(notes.summary)))
    return Written(handoff.model_copy(update=says), brief, lifted, summary_was_cut)


def _few(rules: Items, tokenizer: Tokenizer) -> Items:
    """As many of the first ones as there is room for, each whole; the rest is counted."""
    count, left = 0, MAX_SAID_RULES_TOKENS
    for rule in rules.kept[:MAX_SAID_RULES]:
        left -= tokenizer.count(f"- {rule}\n")
        if left < 0:
            break
        count += 1
    return rules.first(count)


def without_secrets(brief: Brief, redact: Redact) -> Brief:
    """The brief with every text in it passed through `redact`."""
    changed: dict[str, Any] = {}
    for field in fields(brief):
        value = getattr(brief, field.name)
        if isinstance(value, Items):
            changed[field.name] = replace(value, kept=tuple(redact(text) for text in value.kept))
        elif isinstance(value, str):
            changed[field.name] = redact(value)
    return replace(brief, **changed)

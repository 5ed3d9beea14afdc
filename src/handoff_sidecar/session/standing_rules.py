"""What a user plainly said as a standing rule: few sentences, each of them surely one.

Read by the agent of a new session as the user's own rule, so a wrong pick is worse than a missed one: what is only
likely is left for `read_session` to find. English only. Knows nothing of sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import JsonValue

from handoff_sidecar.session.constraints import (
    CODE_BLOCK,
    CONSTRAINT_MAX_CHARACTERS,
    MAX_CARRIED,
    is_prose,
    normal_form,
    recorded_texts,
    sentences_of,
)
from handoff_sidecar.session.rule_forms import RULE
from handoff_sidecar.session.rule_patterns import (
    ANNOUNCES_THE_NEXT,
    ANSWER,
    FOR_LONGER,
    IN_DOUBT,
    LEAD_IN,
    OF_THE_MOMENT,
    ORDERS,
    REFERS_BACK,
    TOLD,
)
from handoff_sidecar.session.trigger import find_trigger
from handoff_sidecar.text.plain_text import clean, one_line

MAX_MESSAGE_CHARACTERS = 1_500
MAX_MESSAGE_LINES = 25
"""A longer message is mostly pasted: a plan, a review, a command's own text, where `must` and `never` abound."""

MAX_HANDOFFS = 2
"""The third session after the one in which a rule was said last leaves it to `read_session`."""

MIN_RULE_WORDS = 2
MESSAGES_KEPT = 1_000
"""Five hundred take 15 to 25 ms to look through: in a chain of handoffs, or when they were read ahead, only once."""

MAX_RULE_CHARACTERS = 200
"""A longer sentence explains something."""

_PASTED_LINE = re.compile(r"\s*(?:#{1,6}\s|<[a-z_-]+>|diff --git|@@ |Traceback|at \S+\()", re.IGNORECASE)
_PASTED = "the following plan"
_LIST_HEADING = re.compile(
    r"(?:[\w' ]{0,30}\b)?(?:rules|constraints|conventions|ground rules)(?: [\w' ]{0,40})?:$", re.IGNORECASE
)
_BULLET = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class SaidRule:
    """A rule that the user plainly said, in their words.

    Attributes:
        handoffs: how many it has gone through since they said it last.
    """

    text: str
    handoffs: int = 0


def said_rules(said: Sequence[str], earlier: Sequence[SaidRule]) -> tuple[SaidRule, ...]:
    """What was said in this session (oldest first) and, as long as it lasts, in those before it: newest first."""
    found = [SaidRule(text) for text in standing_rules(said)]
    known = {normal_form(rule.text) for rule in found}
    return (*found, *(rule for rule in earlier if normal_form(rule.text) not in known and rule.handoffs < MAX_HANDOFFS))


def carried_rules(recorded: JsonValue) -> tuple[SaidRule, ...]:
    """Those in the metadata of a session that was handed off to; what has another shape is passed over."""
    texts = recorded_texts(recorded)
    return tuple(SaidRule(text, count) for text, entry in texts if isinstance(count := entry.get("handoffs"), int))


def record_of_rules(rules: Iterable[SaidRule]) -> list[dict[str, JsonValue]]:
    """The rules as the next session's metadata holds them."""
    return [{"text": rule.text, "handoffs": rule.handoffs + 1} for rule in list(rules)[:MAX_CARRIED]]


def standing_rules(said: Sequence[str]) -> tuple[str, ...]:
    """The sentences of the user's messages (oldest first) that surely are standing rules: newest first, each once."""
    found: dict[str, str] = {}
    for text in reversed(said):
        for rule in reversed(_rules_in(text)):
            found.setdefault(normal_form(rule), rule)
    return tuple(found.values())


@lru_cache(maxsize=MESSAGES_KEPT)
def _rules_in(text: str) -> tuple[str, ...]:
    """Those of one message in their order; none where it is mostly pasted, or asks for a handoff."""
    if len(text) > MAX_MESSAGE_CHARACTERS:
        return ()
    said = clean(CODE_BLOCK.sub("\n", text)).strip()
    lines = said.splitlines()
    if len(lines) > MAX_MESSAGE_LINES or any(map(_PASTED_LINE.match, lines)) or _PASTED in said.casefold():
        return ()
    found = list(_listed(lines))
    before, announced = "", ""
    for sentence in map(_without_bullet, sentences_of([said])):
        folded = sentence.casefold().replace("’", "'")
        is_for_longer = FOR_LONGER.search(folded) is not None
        if before and REFERS_BACK.match(folded):
            found = [*(rule for rule in found if rule != before), f"{before} {sentence}"]
        elif announced and "?" not in sentence:
            found.append(f"{announced} {sentence}")
        elif is_for_longer and ANNOUNCES_THE_NEXT.match(folded):
            announced = sentence
            continue
        elif _is_one(sentence, folded, is_for_longer=is_for_longer):
            found.append(sentence)
        before, announced = sentence, ""
    if not found or find_trigger(said):
        return ()
    return tuple(one_line(rule, CONSTRAINT_MAX_CHARACTERS) for rule in dict.fromkeys(found))


def _is_one(line: str, folded: str, *, is_for_longer: bool) -> bool:
    """Whether a sentence surely is a standing rule. What is rarest is asked first: a session may hold hundreds."""
    return _has_a_form(folded, is_for_longer=is_for_longer) and _may_be_one(line, folded) and not TOLD.search(folded)


def _has_a_form(folded: str, *, is_for_longer: bool) -> bool:
    if is_for_longer and ORDERS.search(FOR_LONGER.sub(";", folded)):
        return True
    told = LEAD_IN.match(folded)
    bare = folded[told.end() :] if told else folded
    return RULE.match(bare) is not None and not ANSWER.match(bare)


def _without_bullet(line: str) -> str:
    bullet = _BULLET.match(line)
    return line[bullet.end() :] if bullet else line


def _listed(lines: Iterable[str]) -> Iterator[str]:
    """The entries of a list that the user headed as rules."""
    is_list = False
    for line in lines:
        if _LIST_HEADING.match(line.strip()):
            is_list = True
        elif is_list and _BULLET.match(line):
            yield one_line(_without_bullet(line), CONSTRAINT_MAX_CHARACTERS)
        elif line.strip():
            is_list = False


def _may_be_one(line: str, folded: str) -> bool:
    return (
        len(line.split()) >= MIN_RULE_WORDS
        and len(line) <= MAX_RULE_CHARACTERS
        and is_prose(line)
        and not line.startswith((">", "|", "$"))
        and not OF_THE_MOMENT.search(folded)
        and not IN_DOUBT.search(folded)
    )

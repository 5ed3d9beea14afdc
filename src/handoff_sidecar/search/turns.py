"""Turns that answer a query: how well each does as a whole, and which say the same as another one.

Owns what only a whole turn tells: whether the query's words stand together in it, whether it holds the kind of thing
that is asked for, and what it says that others don't. Knows nothing of where turns come from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from handoff_sidecar.search.query import Query, Term
from handoff_sidecar.search.ranking import Candidate
from handoff_sidecar.search.words import WORD, Concept
from handoff_sidecar.session.transcript import Entry, Record, is_command, is_edit

TOGETHER_SHARE = 0.5
"""Of the lighter of two words' weights, if they stand side by side as in the query: `audit log` is more than both."""

TOGETHER_CHARACTERS = 30
"""Between them, so that `the log of all audits` counts too."""

OF_A_KIND_SHARE = 0.5
"""Of the heaviest word's weight, if the turn has the kind of thing that is asked for."""

ALIKE_FROM = 0.9
"""Of the words of two turns: only their times differ, or what was read in between."""

NEWS_SHARE = 0.5
"""Of the heaviest word's weight, if the turn says what hardly another one does: of what is said again and again about
a topic little answers a question."""

NEWS_WORDS = 6
"""So many words of its own are news enough."""

HELD_BY_FEW = 0.1
"""Of the turns; of less than ten, all are shown anyway."""

_CUES: dict[Concept, re.Pattern[str]] = {
    "decision": re.compile(
        r"\b(?:decid\w*|decision\w*|cho(?:se|sen|ose|ice)|settl\w*|agreed|(?:go|going|went) (?:with|for)|prefer\w*"
        r"|picked|takes?|uses?|based on|built (?:on|around|with)|because|since|rather|instead|switched|moved? to"
        r"|replac\w*|drop(?:ped)?|changed?|revers\w*|no longer|any ?more|after all|now)\b"
    ),
    "rule": re.compile(
        r"\b(?:rules?|never|always|not|don't|no|must(?:n't)?|only|without|keep|all|every\w*|from now on|required?"
        r"|ha(?:ve|s) to|needs? to|may)\b"
    ),
}
"""How people put what they decide, and what they want kept to: each way alone is weak evidence."""

FAILURES_SHOWN = 4
_FAILED = re.compile(
    r"(?i:\b\w*(?:error|exception)\b|\b(?:fail(?:ed|s|ure|ing)?|panic\w*|traceback|fatal|refused|denied|exceeded"
    r"|time(?:d )?out|undefined|not found|cannot|can't|could not|unable to|no such|not ok|(?:un)?expected|assert\w*"
    r"|mismatch\w*|killed|abort\w*|crash\w*|segfault|core dumped|invalid|illegal|missing|unknown|unresolved|rejected"
    r"|corrupt\w*|violat\w*|conflicts?|exhausted|overflow|deadlock|forbidden|unauthori[sz]ed|instead of"
    r"|want(?:ed)? .{1,60}\bgot)\b)|\bE[A-Z]{4,}\b|[✗✘✖❌]"
)


def failures(output: str) -> list[str]:
    """The first lines of an output that tell of something that failed, each with the one below it, which says what."""
    told: dict[int, str] = {}
    lines = output.splitlines()
    for place, line in enumerate(lines):
        if len(told) >= FAILURES_SHOWN:
            break
        if _FAILED.search(line):
            shown = (place,) if place in told else (place, place + 1)
            told |= {below: lines[below].strip() for below in shown if below < len(lines)}
    return [line for line in told.values() if line]


@dataclass(frozen=True)
class Turn:
    """What was asked, done and answered, in order.

    Attributes:
        by_place: its messages by their places, in order.
        found: those of its messages that hold something of the query, in order.
        worth: that of the best one of them, by itself.
        is_match: whether one of them answers the query, and does not hold some words of it only.
    """

    by_place: Mapping[int, Record]
    found: Sequence[Candidate]
    worth: float
    is_match: bool

    @property
    def records(self) -> Collection[Record]:
        """Its messages, in order."""
        return self.by_place.values()

    @property
    def first_found(self) -> Record:
        """The first one in which something matches."""
        return self.by_place[self.found[0].index]

    @cached_property
    def said(self) -> str:
        """What was said, and the lines that tell of calls."""
        lines = (entry.taken if entry.kind == "said" else entry.head for _, entry in self._telling)
        return "\n".join(lines)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of it that could be news."""
        return frozenset(WORD.findall(self.said.lower()))

    @cached_property
    def spoken(self) -> frozenset[str]:
        """The words that were said in it."""
        said = (entry.taken for _, entry in self._telling if entry.kind == "said")
        return frozenset(WORD.findall(" ".join(said).lower()))

    @property
    def _telling(self) -> Iterable[tuple[Record, Entry]]:
        for record in self.records:
            for entry in record.entries:
                if entry.kind == "said" or is_edit(entry) or is_command(entry):
                    yield record, entry

    def holds(self, concept: Concept) -> float:
        """How surely it has this kind of thing, from 0 to 1."""
        entries = [entry for _, entry in self._telling]
        if concept == "command":
            return float(any(map(is_command, entries)))
        if concept == "file":
            return float(any(map(is_edit, entries)))
        if concept == "error":
            return float(any(is_command(entry) and failures(entry.given) for entry in entries))
        saying = (entry.taken for record, entry in self._telling if entry.kind == "said" and _may_say(record, concept))
        cues = {found[0] for text in saying for found in _CUES[concept].finditer(text.lower())}
        return 1 - 0.5 ** len(cues)

    def is_like(self, other: Turn) -> bool:
        """Whether it says what the other one says; what was asked is compared first, as it is short."""
        return _are_alike(self._asked, other._asked) and _are_alike(self.words, other.words)

    @cached_property
    def _asked(self) -> frozenset[str]:
        asked = (entry.taken for record, entry in self._telling if record.role == "user")
        return frozenset(WORD.findall(" ".join(asked).lower()))


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    fewer, more = sorted((len(one), len(other)))
    if fewer < ALIKE_FROM * more:
        return False
    shared = len(one & other)
    return shared >= ALIKE_FROM * (fewer + more - shared)


@dataclass(frozen=True, slots=True)
class Group:
    """Turns that say the same, the newest first."""

    turns: list[Turn]

    @property
    def newest(self) -> Turn:
        """The one to show: what it says is what counts now."""
        return self.turns[0]


def ordered(turns: Iterable[Turn], query: Query, weights: Sequence[float]) -> list[Turn]:
    """The turns, best first, those that match before the others, and of equals the newest."""
    turns = list(turns)
    pairs = _pairs(query, weights)
    most = max(weights, default=0.0)
    held = Counter(word for turn in turns for word in turn.spoken)
    few = int(HELD_BY_FEW * len(turns))

    def worth(turn: Turn) -> tuple[bool, float, int]:
        said = turn.said.lower()
        together = sum(weight for pattern, weight in pairs if pattern.search(said))
        of_a_kind = most * max(map(turn.holds, query.concepts), default=0.0)
        news = most * min(1.0, sum(held[word] <= few for word in turn.spoken) / NEWS_WORDS)
        whole = turn.worth + TOGETHER_SHARE * together + OF_A_KIND_SHARE * of_a_kind + NEWS_SHARE * news
        return turn.is_match, whole, turn.found[-1].index

    return sorted(turns, key=worth, reverse=True)


def grouped(turns: Iterable[Turn]) -> list[Group]:
    """The turns, those that say the same together, in the order of each group's first."""
    groups: list[Group] = []
    for turn in turns:
        same = next((group for group in groups if turn.is_like(group.newest)), None)
        if same is None:
            groups.append(Group([turn]))
        else:
            same.turns.append(turn)
            same.turns.sort(key=lambda one: one.found[-1].index, reverse=True)
    return groups


def _may_say(record: Record, concept: Concept) -> bool:
    """Rules are the user's; decisions are anybody's."""
    return concept != "rule" or record.role == "user"


def _pairs(query: Query, weights: Sequence[float]) -> list[tuple[re.Pattern[str], float]]:
    """For words that stand side by side in the query, what finds them close together, and what that is worth."""
    telling = [
        (term, weight)
        for term, weight in zip(query.terms, weights, strict=False)
        if term.is_word and not term.says_little and weight
    ]
    return [(_close(one, other), min(first, second)) for (one, first), (other, second) in pairwise(telling)]


def _close(one: Term, other: Term) -> re.Pattern[str]:
    between = rf"[^\n.;:!?]{{0,{TOGETHER_CHARACTERS}}}?"
    first, second = re.escape(one.text), re.escape(other.text)
    return re.compile(f"{first}{between}{second}|{second}{between}{first}")

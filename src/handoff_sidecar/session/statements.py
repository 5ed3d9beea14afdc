"""What a user said that may be a standing rule: told by its words, and by how the agent took it.

A rule is said, and answered with "understood": nothing is looked up or done. That holds in any language, and where no
word tells. Knows nothing of where requests come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from handoff_sidecar.session.constraints import (
    CODE_BLOCK,
    CONSTRAINT_MAX_CHARACTERS,
    LOOKED_AT_CHARACTERS,
    is_prose,
    sentences_of,
)
from handoff_sidecar.session.rule_signs import CERTAIN, is_announced, strength
from handoff_sidecar.session.trigger import find_trigger
from handoff_sidecar.text.plain_text import clean, one_line

SHORT_ANSWER_CHARACTERS = 300
"""As long as an acknowledgement is at most; explanations and reports are longer."""

MIN_RULE_CHARACTERS = 12
"""`Okay, thanks` and `go on` are shorter; in scripts without blanks so much is a sentence."""

MAX_SENTENCES = 60
"""Of one message: beyond this it is pasted text, in which any word stands."""


@dataclass(frozen=True, slots=True)
class UserRequest:
    """What the user said at one time, and what became of it.

    Attributes:
        created: in milliseconds since the epoch.
        called_tools: whether the agent did something for it.
        answered_characters: how long the answer is; 0 where there is none.
    """

    said: str
    created: float
    called_tools: bool = False
    answered_characters: int = 0

    @property
    def was_acknowledged(self) -> bool:
        """Whether the agent took note of it, and no more."""
        return not self.called_tools and 0 < self.answered_characters <= SHORT_ANSWER_CHARACTERS


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that may be a rule, word for word; the surer, the higher its strength."""

    text: str
    created: float
    strength: int


def statements(requests: Iterable[UserRequest], nearness: Callable[[str], int]) -> list[Statement]:
    """All that may be rules, each once and at its newest: first the nearest to what is asked, then the surest.

    Args:
        nearness: how near a text is to the question; the higher, the nearer.
    """
    newest: dict[str, Statement] = {}
    for request in requests:
        newest |= {statement.text.casefold(): statement for statement in _statements(request)}

    def worth(statement: Statement) -> tuple[int, int, float]:
        return nearness(statement.text), statement.strength, statement.created

    return sorted(newest.values(), key=worth, reverse=True)


def _statements(request: UserRequest) -> Iterator[Statement]:
    """A short message that was taken note of, as a whole; of another, what may be a rule by its words, then all."""
    said = clean(CODE_BLOCK.sub("\n", request.said[:LOOKED_AT_CHARACTERS])).strip()
    if find_trigger(said) is not None:
        return
    listed = [each for each in sentences_of([said]) if len(each) >= MIN_RULE_CHARACTERS and is_prose(each)]
    of_the_message = CERTAIN * request.was_acknowledged
    if not listed or len(listed) > MAX_SENTENCES:
        return
    if request.was_acknowledged and len(said) <= CONSTRAINT_MAX_CHARACTERS:
        by_words = max(map(strength, map(str.lower, listed)))
        if by_words or not any("?" in sentence for sentence in listed):
            yield Statement(one_line(said, CONSTRAINT_MAX_CHARACTERS), request.created, by_words + of_the_message)
        return
    announced = 0
    for sentence in listed:
        folded = sentence.lower()
        by_words = strength(folded)
        sure = by_words + announced
        if sure >= CERTAIN:
            yield Statement(sentence, request.created, sure + of_the_message)
        # `A rule for all of this work.` speaks for what comes next, too.
        announced = CERTAIN if is_announced(folded) else 0
    beside = [sentence for sentence in listed if "?" not in sentence]
    if len(listed) > 1 and beside:
        # Rules are said in passing, too, and in words of their own: of all that there is room for, these come last.
        yield Statement(one_line(" ".join(beside), CONSTRAINT_MAX_CHARACTERS), request.created, 0)

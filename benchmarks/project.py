"""What a made-up project consists of, and how people in it talk: what generated sessions are written with.

Each project has words and turns of phrase of its own, so that what reads one well was not merely fitted to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Asked = Literal["file", "error", "command", "decision", "constraint"]


class Feature(NamedTuple):
    """Something that is built.

    Attributes:
        name: as the session has it.
        forms: the same in other forms of its words.
        other: one of its words, and another word for the rest.
    """

    name: str
    forms: str
    other: str
    folder: str

    @property
    def slug(self) -> str:
        """As files are called: `token-refresh`."""
        return self.name.replace(" ", "-")

    @property
    def camel(self) -> str:
        """As code calls it: `TokenRefresh`."""
        return "".join(word.capitalize() for word in self.name.split())


@dataclass(frozen=True, slots=True)
class Project:
    """Words, and templates with `{feature}`, `{folder}`, `{slug}`, `{camel}`, `{number}` and the like in them.

    Attributes:
        build: requests; what is said before its tests run; and what is answered at the end, with the decision.
        reversal: a request, with `{old}` and `{new}` or without, and its answer, with `{new}` and `{why}` or without;
            one of the two names what is new.
        rule: how the user comes to speak of one.
        talk: what is asked about features again and again, and what is answered.
        questions: for each kind, how somebody asks who was not there.
    """

    name: str
    title: str
    features: tuple[Feature, ...]
    paths: tuple[str, ...]
    commands: tuple[str, ...]
    listing: str
    failure: str
    errors: tuple[str, ...]
    choices: tuple[str, ...]
    reasons: tuple[str, ...]
    rules: tuple[tuple[str, str], ...]
    build: tuple[str, ...]
    testing: tuple[str, ...]
    built: tuple[str, ...]
    reversal: tuple[tuple[str, str], ...]
    rule: tuple[str, ...]
    talk: tuple[str, ...]
    looking: tuple[str, ...]
    answered: tuple[str, ...]
    words: tuple[str, ...]
    questions: dict[Asked, tuple[str, ...]]

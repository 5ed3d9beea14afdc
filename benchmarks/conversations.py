"""Long conversations without tools: does one `read_session` see the messages that hold an answer?

`python -m benchmarks.conversations FOLDER` takes conversations in the form of LoCoMo (the repository
`snap-research/locomo`, Maharana et al., 2024): two speakers, hundreds of messages, and questions that name the messages
with the evidence. Prints how many questions see one of those messages and how many see all, at three budgets, with
SQLite's full-text search beside it. Keeps nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_opencode import FakeOpenCode

from benchmarks.errors import BadInput
from benchmarks.markdown import table
from benchmarks.probes import flat
from benchmarks.sidecar import DIRECTORY, limit_reads, running
from benchmarks.yardstick import Yardstick
from handoff_sidecar.demo.record import GrowingSession
from handoff_sidecar.text.tokens import Tokenizer

BUDGETS_TOKENS = (1_000, 2_000, 4_000)

ADVERSARIAL = 5
"""The category of questions that have no answer."""

_SPOKEN_AT_ONCE = re.compile(r"session_(\d+)")
_MESSAGE_ID = re.compile(r"D\d+:\d+")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the messages that hold the answer."""

    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """Of how many questions an answer holds one of the messages, and all of them."""

    one: int
    all: int

    def __add__(self, other: Seen) -> Seen:
        """Both together."""
        return Seen(self.one + other.one, self.all + other.all)


def conversations_in(folder: Path) -> list[dict[str, Any]]:
    """Every conversation of a folder, with its questions under `qa`.

    Raises:
        BadInput: there is none.
    """
    found = []
    for path in sorted(folder.rglob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        each = content if isinstance(content, list) else [content]
        found += [{**one, **one.get("conversation", {})} for one in each if isinstance(one, dict) and "qa" in one]
    if not found:
        raise BadInput(f"{folder} has no conversation: unpack LoCoMo's data there, each a JSON object with `qa`")
    return found


def session_of(conversation: dict[str, Any]) -> GrowingSession:
    """The first speaker's words as the user's, the other's as the agent's; each with the speaker's name."""
    record = GrowingSession("ses_talk", "A long conversation", DIRECTORY, 1_700_000_000_000)
    asked: list[str] = []
    answered: list[str] = []
    for said in _said(conversation):
        is_user = said["speaker"] == conversation["speaker_a"]
        if is_user and answered:
            record.turn("\n".join(asked), answer="\n".join(answered))
            asked, answered = [], []
        (asked if is_user else answered).append(f"{said['speaker']}: {said['text']}")
    record.turn("\n".join(asked), answer="\n".join(answered))
    return record


def questions_of(conversation: dict[str, Any]) -> list[Question]:
    """The questions that have an answer, and whose evidence is in the conversation."""
    texts = {said["dia_id"]: said["text"] for said in _said(conversation)}
    asked = []
    for each in conversation["qa"]:
        named = [found for text in each["evidence"] for found in _MESSAGE_ID.findall(text) if found in texts]
        if named and each["category"] != ADVERSARIAL:
            asked.append(Question(str(each["question"]), tuple(flat(texts[one]) for one in named)))
    return asked


def _said(conversation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    numbers = sorted(int(name[1]) for key in conversation if (name := _SPOKEN_AT_ONCE.fullmatch(key)))
    for number in numbers:
        yield from conversation[f"session_{number}"]


def measure(root: Path, conversation: dict[str, Any], budget_tokens: int) -> tuple[Seen, Seen]:
    """What one read sees of each question, and what the plain search does."""
    return asyncio.run(_measure(root, session_of(conversation), questions_of(conversation), budget_tokens))


async def _measure(
    root: Path, record: GrowingSession, questions: Sequence[Question], budget_tokens: int
) -> tuple[Seen, Seen]:
    fake = FakeOpenCode()
    fake.add_session(record.session_id, title=record.title, directory=record.directory)
    fake.messages[record.session_id] = record.messages
    limit_reads(root, budget_tokens)
    yardstick = Yardstick(record.messages, Tokenizer())
    ours, plain = Seen(0, 0), Seen(0, 0)
    async with running(root, fake) as sidecar:
        for question in questions:
            asked = {"query": question.text, "session_id": "this"}
            answer = await sidecar.call("read_session", asked, record.session_id, record.directory)
            ours += _seen(question, str(answer["output"]))
            plain += _seen(question, yardstick.answer(question.text, budget_tokens))
    return ours, plain


def _seen(question: Question, answer: str) -> Seen:
    text = flat(answer)
    held = [evidence in text for evidence in question.evidence]
    return Seen(int(any(held)), int(all(held)))


def main(words: Sequence[str] | None = None) -> int:
    """Measure a folder and print the table; the exit code."""
    given = sys.argv[1:] if words is None else list(words)
    if len(given) != 1:
        print(f"error: one folder is needed, not {len(given)}: python -m benchmarks.conversations FOLDER")
        return 2
    try:
        conversations = conversations_in(Path(given[0]))
    except BadInput as error:
        print(f"error: {error}")
        return 2
    asked = sum(len(questions_of(each)) for each in conversations)
    rows = []
    for budget in BUDGETS_TOKENS:
        ours, plain = Seen(0, 0), Seen(0, 0)
        for conversation in conversations:
            with tempfile.TemporaryDirectory(prefix="handoff-bench-") as folder:
                seen, by_plain = measure(Path(folder).resolve(), conversation, budget)
            ours, plain = ours + seen, plain + by_plain
        shares = (f"{count / asked:.0%}" for count in (ours.one, plain.one, ours.all, plain.all))
        rows.append((f"{budget:,}", *shares))
    print(f"{len(conversations)} conversations, {asked:,} questions\n")
    print(table(("tokens", "see one message", "plain FTS5", "see all", "plain FTS5"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

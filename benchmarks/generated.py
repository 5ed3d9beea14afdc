"""Sessions of realistic shape, made up from a seed, with facts planted in them and questions about those facts.

Work on one feature after another: requests, files that are read and edited, tests that fail, decisions, some of
them taken back, rules that the user sets in passing, a todo list that moves on, and much that nobody asks about.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from benchmarks.probes import Case, Probe
from benchmarks.record import Call, Record
from benchmarks.shop import CHOICES, ERRORS, FEATURES, REASONS, RULES, TALK, WORDS, Feature

SIZES = (30, 150, 600)
SEEDS = range(5)
STARTED_MS = 1_795_000_000_000
TURNS_BETWEEN_COMPACTIONS = 90


@dataclass
class _Story:
    """What has been planted so far."""

    record: Record
    chance: random.Random
    probes: list[Probe]
    files: list[str]
    decisions: list[str]
    rules: list[str]
    errors: list[str]

    def words(self, feature: Feature) -> tuple[str, bool]:
        """The feature as a question names it: one time in four in other forms of its words."""
        reworded = self.chance.random() < 0.25  # noqa: PLR2004 — said above
        return feature[1 if reworded else 0], reworded


def generate(turns: int, seed: int, directory: str) -> Case:
    """The session of this length and seed, always the same."""
    chance = random.Random(f"{turns}/{seed}")
    record = Record(f"ses_fidelity{turns}x{seed}", "Shop backend", directory, STARTED_MS)
    story = _Story(record, chance, [], [], [], [], [])
    listed = chance.sample(FEATURES, min(len(FEATURES), turns // 4))
    features = listed[: -len(listed) // 4]  # the rest is still to be done when the session is handed off
    plan = _plan(turns, features, chance)
    todos: list[dict[str, str]] = []
    for number in range(1, turns + 1):
        if number % TURNS_BETWEEN_COMPACTIONS == 0:
            record.compaction(_compacted(story))
            continue
        doing = plan.get(number)
        if doing is None:
            _talk(story, chance.choice(features)[0])
        elif doing[0] == "rule":
            _rule(story, *doing[1])
        elif doing[0] == "reversal":
            _reversal(story, doing[1], doing[2], doing[3])
        else:
            todos = _todos(listed, doing[1])
            _work(story, doing[1], doing[2], todos)
    goal = f"finish the {features[-1][0]} and then write its tests"
    record.turn(f"handoff {goal}", answer="")
    probes = [*story.probes, *_todo_probes(todos), Probe("goal", "What does the user want next?", (goal,))]
    agents = {"careful": _careful(story, goal, features[-1][0]), "terse": _terse(goal, features[-1][0])}
    return Case(f"{turns} turns, seed {seed}", turns, record, todos, agents, probes, story.files)


def _plan(turns: int, features: list[Feature], chance: random.Random) -> dict[int, tuple[Any, ...]]:
    """What happens in which turn: the features in their order, rules anywhere, reversals after their decisions."""
    free = [number for number in range(1, turns + 1) if number % TURNS_BETWEEN_COMPACTIONS]
    reversed_ones = set(chance.sample(range(len(features)), len(features) // 3))
    rules = chance.sample(RULES, min(len(RULES), 2 + turns // 50))
    slots = sorted(chance.sample(free, len(features) + len(rules) + len(reversed_ones)))
    rule_slots = set(chance.sample(slots[:-1], len(rules)))
    work = iter([slot for slot in slots if slot not in rule_slots])
    plan: dict[int, tuple[Any, ...]] = {slot: ("rule", rule) for slot, rule in zip(rule_slots, rules, strict=True)}
    waiting: list[tuple[Any, ...]] = []
    limits = chance.sample(range(1_000, 9_999), 2 * len(features))
    choices = [(f"{chance.choice(CHOICES)} with limit {limit}", chance.choice(REASONS)) for limit in limits]
    for number, feature in enumerate(features):
        choice, later = choices[2 * number], choices[2 * number + 1]
        plan[next(work)] = ("work", feature, (*choice, "reversed") if number in reversed_ones else choice)
        if waiting:
            plan[next(work)] = waiting.pop()
        if number in reversed_ones:
            waiting.append(("reversal", feature, choice, later))
    for reversal in waiting:
        plan[next(work)] = reversal
    return plan


def _work(story: _Story, feature: Feature, choice: tuple[str, ...], todos: list[Any]) -> None:
    """A feature is built: a file, a failing test with its error, a command, a decision."""
    name, _, folder = feature
    chance, record = story.chance, story.record
    path = f"src/{folder}/{name.replace(' ', '-')}-{chance.randrange(100, 999)}.ts"
    full = str(PurePosixPath(record.directory) / path)
    error = chance.choice(ERRORS).format(
        word=name.split()[0], number=chance.randrange(1_000, 9_999), other=chance.randrange(1_000, 9_999)
    )
    command = f"npx vitest run {folder} --seed={chance.randrange(1_000, 9_999)} --pool=forks"
    output = f"{_noise(chance, 40)}\n FAIL  tests/{name.replace(' ', '-')}.test.ts\n  {error}\n{_noise(chance, 10)}"
    record.turn(
        f"Now build the {name}, please.",
        ("I note it down first.", (Call("todowrite", {"todos": todos}, output=json.dumps(todos)),)),
        (f"I look at what is there for the {name}.", (_read(record, story), _listing(chance, folder))),
        ("", (Call("edit", {"filePath": full, "oldString": "{}", "newString": "{ ready }"}, title=path),)),
        (f"Now the tests of the {name}.", (Call("bash", {"command": command}, output=output, title=command),)),
        answer=f"The {name} works; its tests failed once and pass now. "
        f"For the {name} I decided on {choice[0]}, because {choice[1]}.",
    )
    story.files.append(path)
    story.errors.append(error)
    said, reworded = story.words(feature)
    story.probes += [
        Probe("file", f"Which file was edited for the {said}?", (path,), reworded=reworded),
        Probe("error", f"What error did the tests of the {said} fail with?", (error,), reworded=reworded),
        Probe("command", f"Which command runs the tests of the {said}?", (command,), reworded=reworded),
    ]
    story.decisions.append(f"{choice[0]} for the {name} ({choice[1]})")
    if "reversed" not in choice:
        question = f"What was decided for the {said}?"
        story.probes.append(Probe("decision", question, (choice[0],), reworded=reworded))


def _reversal(story: _Story, feature: Feature, old: tuple[str, str], new: tuple[str, str]) -> None:
    name = feature[0]
    story.record.turn(
        f"I have thought about the {name} again: no {old[0].removeprefix('a ')} there, take {new[0]} instead.",
        ("I change it.", (_listing(story.chance, feature[2]),)),
        answer=f"Changed: the {name} now works with {new[0]}, because {new[1]}.",
    )
    story.decisions = [decision for decision in story.decisions if not decision.startswith(old[0])]
    story.decisions.append(f"{new[0]} for the {name} ({new[1]})")
    said, reworded = story.words(feature)
    question = f"What was decided for the {said}?"
    story.probes.append(Probe("reversed", question, (new[0],), outdated=(old[0],), reworded=reworded))


def _rule(story: _Story, topic: str, rule: str) -> None:
    story.record.turn(
        f"Before you go on, a rule for all of this work. {rule}", answer="Understood, I will keep to that."
    )
    story.rules.append(rule)
    story.probes.append(Probe("constraint", f"What rule did the user set for {topic}?", (rule,)))


def _talk(story: _Story, name: str) -> None:
    chance = story.chance
    story.record.turn(
        chance.choice(TALK).format(feature=name),
        (f"I look at the {name}.", (_read(story.record, story), _listing(chance, "src"))),
        answer=f"The {name} is as it was: " + "it reads, checks and writes. " * chance.randrange(2, 12),
    )


def _todos(features: list[Feature], now: Feature) -> list[dict[str, str]]:
    place = features.index(now)
    states = ["completed"] * place + ["in_progress"] + ["pending"] * (len(features) - place - 1)
    contents = [f"Build the {name}" for name, _, _ in features]
    more = [("Update the changelog", "pending"), ("Translate the labels", "cancelled")]
    listed = [*zip(contents, states, strict=True), *more]
    return [{"content": content, "status": status, "priority": "medium"} for content, status in listed]


def _todo_probes(todos: list[dict[str, str]]) -> list[Probe]:
    done = sum(todo["status"] == "completed" for todo in todos)
    counted = sum(todo["status"] != "cancelled" for todo in todos)
    # In the todo tool's own form, as older sessions' records have it.
    probes = [Probe("todo", "How many todos are done?", (f"{done}/{counted} done",), or_else=(json.dumps(todos),))]
    for status, title in (("in_progress", "In progress"), ("pending", "Pending")):
        for content in [todo["content"] for todo in todos if todo["status"] == status]:
            recorded = f'"content": "{content}", "status": "{status}"'
            question = f"What does the todo list say is {title.lower()}?"
            probes.append(Probe("todo", question, (title, content), or_else=(recorded,)))
    return probes


def _careful(story: _Story, goal: str, name: str) -> dict[str, Any]:
    """An agent that says what a good one does, of what it still sees: half of the rules, the newest of the rest."""
    chance = story.chance
    return {
        **_terse(goal, name),
        "next_steps": [f"Finish the {name}", f"Write tests for the {name}"],
        "constraints": [rule for rule in story.rules if chance.random() < 0.5],  # noqa: PLR2004 — half
        "key_decisions": story.decisions[-2:],
        "files_modified": [*story.files[-3:-1], "src/does-not-exist.ts"],
        "tried_and_failed": [f"the first attempt at the {name}: {story.errors[-1]}"],
    }


def _terse(goal: str, name: str) -> dict[str, Any]:
    return {"summary": f"Building the shop's backend, one feature after another; now the {name}.", "goal": goal}


def _compacted(story: _Story) -> str:
    """What OpenCode's summary would say: the newest of everything."""
    return "So far: " + "; ".join([*story.decisions[-3:], *story.files[-3:]])


def _read(record: Record, story: _Story) -> Call:
    chance = story.chance
    path = chance.choice(story.files) if story.files else "README.md"
    full = str(PurePosixPath(record.directory) / path)
    return Call("read", {"filePath": full}, output=_noise(chance, chance.randrange(10, 120)), title=path)


def _listing(chance: random.Random, folder: str) -> Call:
    return Call("bash", {"command": f"ls -la {folder}"}, output=_noise(chance, chance.randrange(5, 40)), title="ls")


def _noise(chance: random.Random, lines: int) -> str:
    """Output of the kind that fills contexts and that nobody asks about."""
    words = [*WORDS, *(name.split()[0] for name, _, _ in chance.sample(FEATURES, 4))]
    return "\n".join(
        f"{number:4} | const {chance.choice(words)}_{chance.randrange(100)} = load({chance.randrange(10_000)})"
        for number in range(lines)
    )

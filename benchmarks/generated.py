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
from benchmarks.project import Asked, Feature, Project
from handoff_sidecar.demo.record import Call, GrowingSession

SIZES = (30, 150, 600)
STARTED_MS = 1_795_000_000_000
TURNS_BETWEEN_COMPACTIONS = 90

OTHER_FORMS = 0.25
OTHER_WORDS = 0.1
"""How often a question names a feature not as the session does: in other forms of its words, or with another word."""


@dataclass
class _Story:
    """What has been planted so far."""

    project: Project
    record: GrowingSession
    chance: random.Random
    probes: list[Probe]
    files: list[str]
    decisions: list[str]
    rules: list[str]
    errors: list[str]

    def words(self, feature: Feature) -> tuple[str, bool]:
        """The feature as a question names it, and whether in other words than the session's."""
        roll = self.chance.random()
        if roll < OTHER_FORMS:
            return feature.forms, True
        return (feature.other, True) if roll < OTHER_FORMS + OTHER_WORDS else (feature.name, False)

    def question(self, kind: Asked, **named: str) -> str:
        """One of the ways in which people ask for this."""
        return self.chance.choice(self.project.questions[kind]).format(**named)


def generate(project: Project, turns: int, seed: int, directory: str) -> Case:
    """The session in this project, of this length and seed, always the same."""
    chance = random.Random(f"{project.name}/{turns}/{seed}")
    record = GrowingSession(f"ses_{project.name}{turns}x{seed}", project.title, directory, STARTED_MS)
    story = _Story(project, record, chance, [], [], [], [], [])
    listed = chance.sample(project.features, min(len(project.features), turns // 4))
    features = listed[: -len(listed) // 4]  # the rest is still to be done when the session is handed off
    plan = _plan(project, turns, features, chance)
    todos: list[dict[str, str]] = []
    for number in range(1, turns + 1):
        if number % TURNS_BETWEEN_COMPACTIONS == 0:
            record.compaction(_compacted(story))
            continue
        doing = plan.get(number)
        if doing is None:
            _talk(story, chance.choice(features).name)
        elif doing[0] == "rule":
            _rule(story, *doing[1])
        elif doing[0] == "reversal":
            _reversal(story, doing[1], doing[2], doing[3])
        else:
            todos = _todos(listed, doing[1])
            _work(story, doing[1], doing[2], todos)
    goal = f"finish the {features[-1].name} and then write its tests"
    record.turn(f"handoff {goal}", answer="")
    probes = [*story.probes, *_todo_probes(todos), Probe("goal", "What does the user want next?", (goal,))]
    agents = {"careful": _careful(story, goal, features[-1].name), "terse": _terse(story, goal, features[-1].name)}
    return Case(
        f"{project.name}, {turns} turns, seed {seed}", turns, record, todos, agents, probes, story.files, project.name
    )


def _plan(project: Project, turns: int, features: list[Feature], chance: random.Random) -> dict[int, tuple[Any, ...]]:
    """What happens in which turn: the features in their order, rules anywhere, reversals after their decisions."""
    free = [number for number in range(1, turns + 1) if number % TURNS_BETWEEN_COMPACTIONS]
    reversed_ones = set(chance.sample(range(len(features)), len(features) // 3))
    rules = chance.sample(project.rules, min(len(project.rules), 2 + turns // 50))
    slots = sorted(chance.sample(free, len(features) + len(rules) + len(reversed_ones)))
    rule_slots = set(chance.sample(slots[:-1], len(rules)))
    work = iter([slot for slot in slots if slot not in rule_slots])
    plan: dict[int, tuple[Any, ...]] = {slot: ("rule", rule) for slot, rule in zip(rule_slots, rules, strict=True)}
    waiting: list[tuple[Any, ...]] = []
    limits = chance.sample(range(1_000, 9_999), 2 * len(features))
    choices = [
        (f"{chance.choice(project.choices)} with limit {limit}", chance.choice(project.reasons)) for limit in limits
    ]
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
    name, folder = feature.name, feature.folder
    chance, record, project = story.chance, story.record, story.project
    named = {"feature": name, "folder": folder, "slug": feature.slug, "camel": feature.camel}

    def number() -> int:
        return chance.randrange(1_000, 9_999)

    path = chance.choice(project.paths).format(**named, number=chance.randrange(100, 999))
    full = str(PurePosixPath(record.directory) / path)
    error = chance.choice(project.errors).format(word=name.split()[0], number=number(), other=number())
    command = chance.choice(project.commands).format(**named, number=number())
    failure = project.failure.format(**named, error=error)
    failed, passed = f"{_noise(story, 40)}\n{failure}\n{_noise(story, 10)}", f"{_noise(story, 40)}\n 12 passed"
    record.turn(
        chance.choice(project.build).format(**named),
        ("I note it down first.", (Call("todowrite", {"todos": todos}, output=json.dumps(todos)),)),
        (f"I look at what is there for the {name}.", (_read(story), _listing(story, folder))),
        ("", (Call("edit", {"filePath": full, "oldString": "{}", "newString": "{ ready }"}, title=path),)),
        (
            chance.choice(project.testing).format(**named),
            (Call("bash", {"command": command}, output=failed, title=command),),
        ),
        ("", (Call("bash", {"command": command}, output=passed, title=command),)),
        answer=chance.choice(project.built).format(**named, choice=choice[0], why=choice[1]),
    )
    story.files.append(path)
    story.errors.append(error)
    said, reworded = story.words(feature)
    story.probes += [
        Probe("file", story.question("file", said=said), (path,), reworded=reworded),
        Probe("error", story.question("error", said=said), (error,), reworded=reworded),
        Probe("command", story.question("command", said=said), (command,), reworded=reworded),
    ]
    story.decisions.append(f"{choice[0]} for the {name} ({choice[1]})")
    if "reversed" not in choice:
        question = story.question("decision", said=said)
        story.probes.append(Probe("decision", question, (choice[0],), reworded=reworded))


def _reversal(story: _Story, feature: Feature, old: tuple[str, str], new: tuple[str, str]) -> None:
    name = feature.name
    asked, answered = story.chance.choice(story.project.reversal)
    named = {"feature": name, "old": old[0].removeprefix("a "), "new": new[0], "why": new[1]}
    asked = asked.format(**named)
    story.record.turn(
        asked[0].upper() + asked[1:],
        ("I change it.", (_listing(story, feature.folder),)),
        answer=answered.format(**named),
    )
    story.decisions = [decision for decision in story.decisions if not decision.startswith(old[0])]
    story.decisions.append(f"{new[0]} for the {name} ({new[1]})")
    said, reworded = story.words(feature)
    question = story.question("decision", said=said)
    story.probes.append(Probe("reversed", question, (new[0],), outdated=(old[0],), reworded=reworded))


def _rule(story: _Story, topic: str, rule: str) -> None:
    """By itself, and the agent takes note of it; or in passing, with or without a word that it is one."""
    chance = story.chance
    how = chance.choice(("by itself", "announced in passing", "in passing"))
    said = rule if how == "in passing" else chance.choice(story.project.rule).format(rule=rule)
    if how == "by itself":
        story.record.turn(said, answer="Understood, I will keep to that.")
    else:
        _talk(story, chance.choice(story.project.features).name, before=said)
    story.rules.append(rule)
    story.probes.append(Probe("constraint", story.question("constraint", topic=topic), (rule,)))


def _talk(story: _Story, name: str, before: str = "") -> None:
    chance, project = story.chance, story.project
    story.record.turn(
        f"{before} {chance.choice(project.talk).format(feature=name)}".lstrip(),
        (chance.choice(project.looking).format(feature=name), (_read(story), _listing(story, "src"))),
        answer=chance.choice(project.answered).format(feature=name)
        + "it reads, checks and writes. " * chance.randrange(2, 12),
    )


def _todos(features: list[Feature], now: Feature) -> list[dict[str, str]]:
    place = features.index(now)
    states = ["completed"] * place + ["in_progress"] + ["pending"] * (len(features) - place - 1)
    contents = [f"Build the {feature.name}" for feature in features]
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
        **_terse(story, goal, name),
        "next_steps": [f"Finish the {name}", f"Write tests for the {name}"],
        "constraints": [rule for rule in story.rules if chance.random() < 0.5],  # noqa: PLR2004 — half
        "key_decisions": story.decisions[-2:],
        "files_modified": [*story.files[-3:-1], "src/does-not-exist.ts"],
        "tried_and_failed": [f"the first attempt at the {name}: {story.errors[-1]}"],
    }


def _terse(story: _Story, goal: str, name: str) -> dict[str, Any]:
    return {"summary": f"{story.project.title}, one feature after another; now the {name}.", "goal": goal}


def _compacted(story: _Story) -> str:
    """What OpenCode's summary would say: the newest of everything."""
    return "So far: " + "; ".join([*story.decisions[-3:], *story.files[-3:]])


def _read(story: _Story) -> Call:
    chance = story.chance
    path = chance.choice(story.files) if story.files else "README.md"
    full = str(PurePosixPath(story.record.directory) / path)
    return Call("read", {"filePath": full}, output=_noise(story, chance.randrange(10, 120)), title=path)


def _listing(story: _Story, folder: str) -> Call:
    command = story.project.listing.format(folder=folder)
    return Call("bash", {"command": command}, output=_noise(story, story.chance.randrange(5, 40)), title=command)


def _noise(story: _Story, lines: int) -> str:
    """Output of the kind that fills contexts and that nobody asks about; it has the features' own words in it."""
    chance, project = story.chance, story.project
    words = [*project.words, *(feature.name.split()[0] for feature in chance.sample(project.features, 4))]
    return "\n".join(
        f"{number:4} | const {chance.choice(words)}_{chance.randrange(100)} = load({chance.randrange(10_000)})"
        for number in range(lines)
    )

"""What README and docs show is so: commands parse, settings and calls are valid, links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from benchmarks import real
from benchmarks.arguments import asked_for
from benchmarks.generated import generate
from benchmarks.parts import PARTS
from benchmarks.shop import SHOP
from handoff_sidecar.auto_handoff.threshold import points_of
from handoff_sidecar.cli.main import parser
from handoff_sidecar.journal.journal import KEPT_BRIEFS
from handoff_sidecar.opencode.endpoints import ENDPOINTS
from handoff_sidecar.opencode.limits import CompactionConfig, ModelLimits
from handoff_sidecar.opencode.versions import TRIED
from handoff_sidecar.reading.definition import DEFAULT_LIMIT, ReadSession
from handoff_sidecar.session.successor import Wish, read_wish
from handoff_sidecar.session.trigger import find_trigger
from handoff_sidecar.settings import Settings
from handoff_sidecar.settings_file import MAX_FILE_BYTES
from handoff_sidecar.sidecar.logs import MAX_FILE_BYTES as LOG_BYTES
from handoff_sidecar.sidecar.manifest import manifest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "handoff_sidecar"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
}
README = PAGES["README.md"]
ALL = "\n".join(PAGES.values())


def test_the_readme_can_be_read_in_a_minute() -> None:
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize(("key", "field"), Settings.model_fields.items())
def test_every_setting_is_there_with_its_default(key: str, field: object) -> None:
    assert f"| `{key}` | `{json.dumps(getattr(field, 'default', None))}` |" in PAGES["docs/settings.md"]


def test_the_readme_shows_six_settings_with_their_defaults() -> None:
    shown = re.findall(r"(?m)^\| `(\w+)` \| `(.+?)` \|", README)

    assert len(shown) == 6
    assert [key for key, default in shown if json.loads(default) != Settings.model_fields[key].default] == []


def test_which_settings_a_project_cannot_set_is_said() -> None:
    for page in ("docs/settings.md", "SECURITY.md"):
        assert all(f"`{key}`" in PAGES[page] for key in Settings.USER_ONLY)


def test_the_settings_that_are_shown_are_valid() -> None:
    shown = re.search(r"(?s)```json\n(.*?)```", PAGES["docs/settings.md"])

    assert shown is not None
    assert Settings.model_validate_json(shown[1], strict=True) != Settings()


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    named = {page: set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) for page, text in PAGES.items()}

    assert named["README.md"]
    assert len(named["CONTRIBUTING.md"]) > 4
    assert {page: names - targets for page, names in named.items() if names - targets} == {}


def test_every_file_that_is_linked_exists() -> None:
    links = {page: re.findall(r"\]\((?!http)([^)#]+)\)", text) for page, text in PAGES.items()}
    pages = [page for page in PAGES if page.startswith("docs/")]

    assert len(links["README.md"]) > 8
    assert set(pages) <= set(links["README.md"])
    for page, targets in links.items():
        assert [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()] == []


def commands_of(text: str, program: str) -> list[list[str]]:
    """The words after `program`, in code blocks and between backticks."""
    blocks = "\n".join(re.findall(r"(?s)```sh\n(.*?)```", text))
    lines = [re.sub(r"\s+#.*", "", line) for line in blocks.splitlines()]
    shown = [*lines, *re.findall(r"`([^`\n]+)`", text)]
    return [shlex.split(line.removeprefix(program)) for line in shown if line.startswith(f"{program} ")]


SUBCOMMANDS = set(re.findall(r"(?m)^    ([a-z]+)\b", parser().format_help()))


def test_every_command_line_that_is_shown_is_one() -> None:
    shown = commands_of(ALL, "handoff-sidecar")

    assert len(shown) > 15
    assert {words[0] for words in shown} <= SUBCOMMANDS
    for words in shown:
        if len(words) > 1:
            assert callable(parser().parse_args(words).run)


def test_every_subcommand_is_documented_but_the_one_that_the_plugin_starts() -> None:
    assert SUBCOMMANDS - {words[0] for words in commands_of(ALL, "handoff-sidecar")} == {"stdio"}


def test_every_benchmark_that_is_shown_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = commands_of(PAGES["docs/benchmarks.md"], "python -m benchmarks")
    of_a_model = [words for words in shown if words[0] == real.NAME]
    shown = [words for words in shown if words[0] != real.NAME]
    probes = re.search(r"(?s)```json\n(.*?)```", PAGES["docs/benchmarks.md"])

    assert probes is not None
    monkeypatch.chdir(tmp_path)
    exported = generate(SHOP, 30, 0, "/home/ada/shop").record.exported()
    Path("session.json").write_text(json.dumps(exported), encoding="utf-8")
    Path("probes.json").write_text(probes[1], encoding="utf-8")
    Path("sessions").mkdir()
    for name in ("session.json", "probes.json"):
        Path("sessions", name.replace("session", "one").replace("probes", "one.probes")).write_bytes(
            Path(name).read_bytes()
        )
    Path("plugin.js").touch()
    asked = [asked_for([word.replace("/path/to/", "") for word in words], tuple(PARTS), "") for words in shown]
    assert [each.parts for each in asked] == [*[("fidelity",)] * 3, ("latency",)]
    assert [real.asked_for(words[1:]).handoffs for words in of_a_model] == [5]


def test_every_call_of_read_session_that_is_shown_is_valid() -> None:
    shown = re.findall(r"`read_session\((.*?)\)`", ALL)

    assert len(shown) > 8
    for call in shown:
        given = dict(re.findall(r'(\w+)="(.*?)"', call))
        assert set(given) <= set(ReadSession.model_fields)
        assert ReadSession.model_validate(given).model_dump(include=set(given)) == given
    assert f"the newest {DEFAULT_LIMIT} messages" in README


def test_every_slash_command_is_in_the_readme_and_no_other() -> None:
    registered = {str(command["name"]) for command in manifest()["commands"]}
    shown = set(re.findall(r"`/(handoff[a-z-]*)", README))

    assert shown == registered


def test_what_the_readme_says_to_type_does_what_it_says() -> None:
    typed = re.findall(r"(?m)^\| `(handoff[^`]*)` \|", README)

    assert len(typed) == 3
    goals = [trigger.goal for text in typed if (trigger := find_trigger(text))]
    assert goals == [None, "fix the failing tests", "to plan: review the login"]
    assert read_wish(goals[2] or "", ["build", "plan"], []) == Wish("review the login", "plan")
    assert find_trigger("handoff is broken, why?") is None
    assert "`handoff is broken, why?`" in README


def test_every_section_of_the_prompt_is_explained() -> None:
    source = (SOURCE / "brief" / "prompt.py").read_text(encoding="utf-8")
    sections = re.findall(r"""_line\("([^"]+)"|"\*\*(\w+):\*\*""", source)

    assert len(sections) > 9
    assert [name for pair in sections for name in pair if name and f"**{name}**" not in PAGES["docs/brief.md"]] == []


def test_the_table_of_models_says_when_each_is_handed_off() -> None:
    rows = re.findall(
        r"(?m)^\| (\d+)k / (\d+)k \| ([\d,]+) \((\d+) %\) \| ([\d,]+) \((\d+) %\) \|", PAGES["docs/auto-handoff.md"]
    )

    assert len(rows) == 4
    for context, output, compacts, compacts_percent, hands_off, percent in rows:
        limits = ModelLimits(context=int(context) * 1_000, output=int(output) * 1_000, input=0)
        points = points_of(limits, CompactionConfig(), percent=80, warn_before=10)
        assert points is not None
        assert f"{points.compaction:,} {points.percent(points.compaction or 0)}" == f"{compacts} {compacts_percent}"
        assert f"{points.handoff:,} {points.percent(points.handoff or 0)}" == f"{hands_off} {percent}"


def test_every_bar_is_shown_as_it_was_printed_held_or_not() -> None:
    reports = sorted((ROOT / "benchmarks" / "results").glob("*.md"))
    bars = [line for report in reports for line in report.read_text(encoding="utf-8").splitlines() if "(bar: " in line]

    assert len(reports) == len(PARTS)
    assert bars
    assert [bar for bar in bars if bar not in PAGES["docs/benchmarks.md"]] == []


def test_the_figures_in_the_readme_are_the_measured_ones() -> None:
    latency, startup = (
        (ROOT / "benchmarks" / "results" / f"{name}.md").read_text(encoding="utf-8") for name in ("latency", "startup")
    )
    medians = [int(median) for median in re.findall(r"(?m)^\| [\d,]+ \| (\d+) \(", latency)]
    init = re.search(r"init takes ([\d.]+) ", startup)

    assert init is not None
    assert f"takes {min(medians)} to {max(medians)} ms" in README
    assert f"held up by {init[1]} ms" in README


def test_what_is_found_on_real_sessions_adds_up_and_is_the_same_everywhere() -> None:
    rows = re.findall(r"(?m)^\| ([\w ]+) \| (\d+) \| (\d+) % \|", PAGES["docs/benchmarks.md"])
    *kinds, (_, asked, found) = rows

    assert len(kinds) > 5
    assert sum(int(count) for _, count, _ in kinds) == int(asked)
    right = sum(round(int(count) * int(percent) / 100) for _, count, percent in kinds)
    assert round(100 * right / int(asked)) == int(found)
    assert f"## What is found on real sessions: {found} %" in PAGES["docs/benchmarks.md"]
    for page in ("README.md", "CHANGELOG.md"):
        said = set(re.findall(r"(\d+) %", PAGES[page]))
        assert found in said
        assert said <= set(re.findall(r"(\d+) %", PAGES["docs/benchmarks.md"]))


def test_every_version_that_was_tried_is_named() -> None:
    assert f"{TRIED[0]}, {TRIED[1]} and {TRIED[2]} (`make compat`)" in PAGES["docs/installing.md"]


def test_every_room_is_described_and_no_other() -> None:
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}

    assert rooms
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", PAGES["CONTRIBUTING.md"])) == rooms


def test_every_file_that_contributors_are_sent_to_exists() -> None:
    named = re.findall(r"`([\w/-]+\.(?:py|js|toml|md))`", PAGES["CONTRIBUTING.md"])

    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).exists() and not (SOURCE / name).exists()] == []


def test_what_is_said_of_security_is_so() -> None:
    said = PAGES["SECURITY.md"]

    assert ENDPOINTS
    assert f"a list of {len(ENDPOINTS)} endpoints" in said
    assert f"your last {KEPT_BRIEFS} handoffs" in said
    assert f"at most {MAX_FILE_BYTES // 1024} KB" in said
    assert f"about {LOG_BYTES * 2 // 1_000_000} MB at most" in said


def test_each_workflow_has_least_rights_and_runs_only_actions_that_cannot_change() -> None:
    workflows = {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob(".github/workflows/*.yml")}
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"))

    assert set(workflows) == {"ci.yml", "release.yml"}
    for text in workflows.values():
        used, made = re.findall(r"uses: (\S+) #", text), re.findall(r"run: make ([a-z-]+)", text)
        assert text.count("uses:") == len(used) > 2
        assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
        assert re.search(r"(?m)^permissions:(?: \{\}|\n  contents: read)$", text)
        assert made
        assert set(made) <= set(targets)

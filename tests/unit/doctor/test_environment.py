"""What the doctor finds: each check on a machine where it is well, and on one where it is not."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handoff_sidecar.doctor import environment, plugin
from handoff_sidecar.doctor.examination import examine
from handoff_sidecar.doctor.findings import Finding, as_json, broken, good, is_well, line, note, verdict
from handoff_sidecar.folders import log_folder, state_folder
from handoff_sidecar.installation import companion
from handoff_sidecar.installation.origin import Origin
from handoff_sidecar.installation.plugin_file import install
from handoff_sidecar.installation.releases import Installers
from handoff_sidecar.opencode.versions import NEWEST_TRIED
from handoff_sidecar.sidecar.logs import STARTED, UNMARKED_PROMPTS
from handoff_sidecar.text.tokens import Tokenizer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORIGIN = Origin("uv tool")


def test_on_a_good_installation_all_is_well(home: Path, config: Path) -> None:
    install(config)
    companion.add(config)

    findings = list(examine(config=config, project=home, now=NOW, live=False))

    assert [finding.subject for finding in findings if finding.mark != "good"] == []
    assert is_well(findings)


def test_no_check_needs_anything_to_be_there(home: Path) -> None:
    (home / "bin" / "opencode").unlink()

    findings = list(examine(config=home / "nothing" / "here", project=home, now=NOW, live=False))

    assert [finding.subject for finding in findings if finding.mark == "broken"] == ["plugin"]
    assert not (home / "nothing").exists()
    assert all(finding.next_step for finding in findings if finding.mark == "broken")


@pytest.mark.parametrize(
    ("says", "mark", "text"),
    [
        ("echo 1.15.13", "good", "1.15.13"),
        ("echo 1.14.48", "broken", "is too old"),
        ("echo 2.0.1", "broken", "2.0.1 can't load plugins for 1.x"),
        ("echo 1.99.0", "note", f"newer than {NEWEST_TRIED}, the newest that we have tried"),
        ("exit 1", "note", "did not print its version"),
    ],
)
def test_opencodes_version_is_judged(
    home: Path, says: str, mark: str, text: str, program: Callable[[Path, str], None]
) -> None:
    program(home / "bin" / "opencode", says)

    found = environment.opencode()

    assert found.mark == mark
    assert text in found.text


def test_opencodes_own_npm_install_is_told_of_before_it_costs_a_minute(config: Path) -> None:
    (config / "package-lock.json").unlink()

    found = environment.npm_install(config)

    assert (found.mark, found.next_step) == ("note", "start OpenCode once while you are online")
    assert list(config.iterdir()) == []


@pytest.mark.parametrize("left", ["package-lock.json", "bun.lock", "node_modules/@opencode-ai/plugin/x", ".gitignore"])
def test_opencodes_own_npm_install_is_no_longer_asked_for_where_opencode_has_been_started(
    config: Path, left: str
) -> None:
    (config / "package-lock.json").unlink()
    (config / left).parent.mkdir(parents=True, exist_ok=True)
    (config / left).write_text("node_modules\npackage-lock.json\n@opencode-ai/plugin")

    found = environment.npm_install(config)

    assert (found.mark, found.next_step) == ("good", "")
    assert ("and failed" in found.text) == (left == ".gitignore")


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ('{ // mine\n "plugin": ["x",], }', "good"),
        ("", "good"),
        ('{"logLevel": {env:LEVEL}}', "note"),
        ("{", "broken"),
        ("[]", "broken"),
        ("\xff", "broken"),
        ("[" * 99_999, "broken"),
    ],
)
def test_opencode_json_may_have_comments_or_be_broken(config: Path, text: str, mark: str) -> None:
    (config / "opencode.json").write_text(text, encoding="latin-1")

    assert environment.opencode_config(config).mark == mark
    assert next(plugin.plugin_file(config)).subject == "plugin"


def test_a_bad_setting_is_broken_and_a_good_one_is_shown(config: Path, home: Path) -> None:
    (config / "handoff.json").write_text('{"open": "none", "warn_before": 5}')
    assert list(environment.settings(config, home)) == [good("settings", 'open: "none", warn_before: 5')]

    (config / "handoff.json").write_text('{"open": "sideways"}')
    (found,) = environment.settings(config, home)
    assert "sideways" in found.text
    assert found.mark == "broken"


def test_each_problem_with_the_settings_has_a_line_of_its_own(config: Path, home: Path) -> None:
    (config / "handoff.json").write_text('{"open": 1, "opne": 2, "command": []}')

    found = list(environment.settings(config, home))

    assert [finding.mark for finding in found] == ["broken"] * 3
    assert all(finding.text.count("handoff.json") == 1 for finding in found)


def test_a_schema_that_another_installation_left_is_told_of(config: Path, home: Path) -> None:
    (config / "handoff.json").write_text('{"$schema": "file:///old/handoff_sidecar/handoff.schema.json"}')

    stale, _ = environment.settings(config, home)

    assert (stale.mark, stale.next_step) == ("note", "run `handoff-sidecar install`")


def test_a_damaged_vocabulary_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: object) -> int:
        raise ValueError("damaged")

    monkeypatch.setattr(Tokenizer, "count", damaged)

    assert environment.tokenizer() == broken("tokenizer", "damaged", "install handoff-sidecar again")


@pytest.mark.usefixtures("home")
def test_a_state_folder_that_is_in_the_way_or_full_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024  # as shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 1_000_000))
    assert {finding.text for finding in environment.folders()} == {
        f"only 1 MB are free for {state_folder()}",
        f"only 1 MB are free for {log_folder()}",
    }

    state_folder().parent.mkdir(parents=True)
    state_folder().write_text("in the way")
    assert {finding.mark for finding in environment.folders()} == {"broken"}


@pytest.mark.usefixtures("home")
def test_an_opencode_in_which_prompts_of_plugins_are_not_known_is_told_of() -> None:
    assert environment.prompts_of_others().mark == "good"
    log = log_folder() / "sidecar.log"
    log.parent.mkdir(parents=True)
    started = "2026-11-20 09:00:00,123 7 INFO x: " + STARTED % ("1.19.0", "tui", "0.1.0") + "\n"
    unmarked = f"2026-11-20 09:00:00,124 7 WARNING x: {UNMARKED_PROMPTS}\n"

    log.write_text(started + unmarked)
    assert environment.prompts_of_others().mark == "note"
    log.write_text(started + unmarked + started)
    assert environment.prompts_of_others().mark == "good"


@pytest.mark.usefixtures("home")
def test_the_latest_crash_is_shown_with_its_last_line() -> None:
    folder = log_folder()
    folder.mkdir(parents=True)
    (folder / "sidecar.log").write_text(
        "2026-11-20 09:00:00,123 7 ERROR x: tool/call failed (call ab12)\nTraceback (most recent call last):\n"
        "  File x\nKeyError: 'old'\n"
        "2026-11-22 09:00:00,123 7 ERROR x: tool/call failed (call cd34)\nTraceback (most recent call last):\n"
        "  File x\nKeyError: 'new'\n2026-11-22 09:00:01,000 7 WARNING y: more\n"
    )

    found = environment.latest_crash(NOW)

    assert found.mark == "note"
    assert found.text == "2026-11-22 09:00:00: x: tool/call failed (call cd34): KeyError: 'new'"
    assert environment.latest_crash(datetime(2026, 12, 24, tzinfo=UTC)).mark == "good"


@pytest.mark.parametrize(
    ("origin", "installers", "setting", "told"),
    [
        (Origin("uv tool"), Installers("/uv", pip=False), "install", "installs newer versions"),
        (
            Origin("pip"),
            Installers(None, pip=True),
            "install",
            "tells you of newer versions; to update: `pip install --upgrade",
        ),
        (
            Origin("uv tool"),
            Installers("/uv", pip=False),
            "notify",
            "tells you of newer versions; to update: `uv tool upgrade",
        ),
        (Origin("uv tool"), Installers("/uv", pip=False), "off", "off (`auto_update`)"),
        (Origin("pip", "/clone"), Installers("/uv", pip=False), "install", "by hand: install it again from /clone"),
        (Origin("uv tool"), Installers(None, pip=True), "install", "can't be looked for: uv is not on the PATH"),
    ],
)
def test_how_updates_come_is_told(
    config: Path, origin: Origin, installers: Installers, setting: str, told: str
) -> None:
    (config / "handoff.json").write_text(json.dumps({"auto_update": setting}))

    assert told in environment.updates(config, origin, installers).text


def test_a_line_has_a_sign_and_the_next_step_and_can_do_without_unicode() -> None:
    finding = broken("plugin", "is gone", "install it")

    assert line(finding, "utf-8") == "✗  plugin         is gone\n                  Next: install it"
    assert line(finding, "cp1252").startswith("X  plugin")
    assert line(good("Python", "3.13"), None) == "ok Python         3.13"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([good("x", "y")], "All is well."),
        ([good("x", "y"), note("x", "y")], "Nothing is broken; 1 thing to look at (!)."),
        ([note("x", "y"), note("x", "y")], "Nothing is broken; 2 things to look at (!)."),
        ([broken("x", "y", "z")], "1 thing is broken (✗)."),
        (
            [broken("x", "y", "z"), note("x", "y"), broken("x", "y", "z")],
            "2 things are broken (✗); 1 thing to look at (!).",
        ),
    ],
)
def test_the_last_line_says_what_it_all_comes_to(found: list[Finding], said: str) -> None:
    assert verdict(found, "utf-8") == said
    assert verdict(found, "ascii") == said.replace("✗", "X")


def test_for_a_program_there_is_json() -> None:
    assert json.loads(as_json([note("log", "…"), good("x", "y")])) == {
        "well": True,
        "findings": [
            {"subject": "log", "mark": "note", "text": "…", "next_step": ""},
            {"subject": "x", "mark": "good", "text": "y", "next_step": ""},
        ],
    }

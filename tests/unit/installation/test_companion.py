"""The companion's entry in OpenCode's `tui.json` and `tui.jsonc`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handoff_sidecar.doctor.plugin import companion as finding_on
from handoff_sidecar.errors import InstallFailed
from handoff_sidecar.installation import companion

MINE = """\
{
  // mine
  "theme": "tokyonight", // the dark one
  "plugin": [
    // the first
    "./a.js", // why
    ["./b.js", {"loud": true}],
  ],
}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "opencode"


def written(config: Path, **files: str) -> None:
    config.mkdir(exist_ok=True)
    for name, text in files.items():
        (config / name.replace("_", ".")).write_text(text)


def held(config: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in config.iterdir()}


@pytest.mark.parametrize(
    ("files", "into"),
    [
        ({}, "tui.jsonc"),
        ({"tui_json": '{"theme": "nord"}\n'}, "tui.jsonc"),
        ({"tui_jsonc": MINE}, "tui.json"),
        ({"tui_json": "{}\n", "tui_jsonc": MINE}, "tui.jsonc"),
        ({"tui_json": "{}\n", "tui_jsonc": "{\n  // nothing yet\n}\n"}, "tui.jsonc"),
    ],
)
def test_it_is_named_once_and_an_uninstall_leaves_every_file_as_it_was(
    config: Path, files: dict[str, str], into: str
) -> None:
    written(config, **files)
    before = held(config)

    first, again = companion.add(config), companion.add(config)

    assert first == (config / into, "written")
    assert again == (config / into, "unchanged")
    assert companion.entries(config) == [(config / into, str(companion.companion_entry()))]
    assert {name: text for name, text in held(config).items() if name != into} == {
        name: text for name, text in before.items() if name != into
    }
    assert companion.remove(config) == [config / into]
    assert held(config) == before


def test_what_a_person_has_written_beside_it_stays_with_its_comments(config: Path) -> None:
    written(config, tui_json="{}", tui_jsonc=MINE)

    companion.add(config)

    (line,) = [line for line in (config / "tui.jsonc").read_text().splitlines() if "tui.js" in line]
    assert (config / "tui.jsonc").read_text().replace(line, '  "plugin": [') == MINE


def test_an_entry_of_another_installation_gives_way(config: Path) -> None:
    written(config, tui_json=json.dumps({"plugin": ["/gone/plugin_shim/tui.js"], "theme": "nord"}))
    missing = finding_on(config)

    assert companion.add(config) == (config / "tui.json", "updated")
    assert [entry for _, entry in companion.entries(config)] == [str(companion.companion_entry())]
    assert missing.mark == "note"
    assert "which is gone" in missing.text
    assert finding_on(config).mark == "good"


@pytest.mark.parametrize("broken", ["{", "[]", '{"plugin": "a.js"}'])
def test_a_file_that_is_broken_is_left_alone_and_named(config: Path, broken: str) -> None:
    written(config, tui_json="{}", tui_jsonc=broken)

    with pytest.raises(InstallFailed, match=r"tui\.jsonc"):
        companion.add(config)
    (warning,) = companion.put_in(config)

    assert "tui.jsonc" in warning
    assert held(config) == {"tui.json": "{}", "tui.jsonc": broken}
    assert companion.leave_out(config) == []


def test_without_it_the_doctor_says_how_to_get_it_and_that_nothing_needs_it(config: Path) -> None:
    finding = finding_on(config)

    assert finding.mark == "note"
    assert "work without it" in finding.text
    assert "handoff-sidecar install" in finding.next_step


def test_the_npm_package_counts_too(config: Path) -> None:
    written(config, tui_json='{"plugin": ["opencode-handoff-sidecar"]}')

    assert finding_on(config).mark == "good"

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff_sidecar import __version__
from handoff_sidecar.doctor import plugin
from handoff_sidecar.doctor.findings import Finding
from handoff_sidecar.installation.plugin_file import install, shim_entry


def plugin_findings(config: Path) -> list[Finding]:
    return list(plugin.plugin_file(config))


def someone_elses(config: Path) -> None:
    (config / "plugin").mkdir()
    (config / "plugin" / "handoff-sidecar.js").touch()


def gone(config: Path, what: str) -> None:
    file = install(config).path
    old = Path(sys.executable) if what == "python" else Path("/nowhere")
    text = file.read_text()
    file.write_text(
        text.replace(str(old), "/gone/python") if what == "python" else text.replace("file://", "file:///gone")
    )


CHANGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "nothing": (lambda config: config, "broken", "not installed: there is no handoff-sidecar.js in"),
    "a removed Python": (lambda config: gone(config, "python"), "broken", "starts /gone/python, which is gone"),
    "a removed package": (lambda config: gone(config, "package"), "broken", "index.js, which is gone"),
    "an older version's": (
        lambda config: install(config).path.write_text(
            install(config).path.read_text().replace(__version__, "0.0.9", 1)
        ),
        "note",
        "is from version 0.0.9",
    ),
    "another installation's": (
        lambda config: install(config).path.write_text(
            install(config).path.read_text().replace(sys.executable, "/bin/sh")
        ),
        "note",
        "another installation and starts /bin/sh",
    ),
    "an edited one": (
        lambda config: install(config).path.write_text("// Written by `handoff-sidecar install` 1; x\n"),
        "broken",
        "was changed",
    ),
    "someone else's": (
        someone_elses,
        "broken",
        "not written by",
    ),
    "the npm package": (
        lambda config: (config / "opencode.json").write_text('{"plugin": [["opencode-handoff-sidecar@0.1", {}]]}'),
        "good",
        'names the npm package "opencode-handoff-sidecar@0.1"',
    ),
}


def other_name_of_this_python(config: Path) -> Path:
    """In the same environment, as `bin/python` is beside `bin/python3`."""
    file = install(config).path
    other = Path(sys.executable).with_name("python" if Path(sys.executable).name != "python" else "python3")
    file.write_text(file.read_text().replace(json.dumps(sys.executable), json.dumps(str(other))))
    return other


def test_the_same_environments_python_may_go_by_another_name(config: Path) -> None:
    assert other_name_of_this_python(config).exists()

    (found,) = plugin_findings(config)

    assert (found.mark, found.text) == ("good", str(config / "plugin" / "handoff-sidecar.js"))


def test_the_same_python_with_another_copy_of_the_package_is_another_installation(config: Path, tmp_path: Path) -> None:
    file = install(config).path
    (tmp_path / "index.js").touch()
    file.write_text(file.read_text().replace(shim_entry().as_uri(), (tmp_path / "index.js").as_uri()))

    (found,) = plugin_findings(config)

    assert (found.mark, "another installation" in found.text) == ("note", True)


def folder_for_the_file(config: Path) -> None:
    (config / "plugin" / "handoff-sidecar.js").mkdir(parents=True)


def file_for_the_folder(config: Path) -> None:
    (config / "plugin").touch()


def link_to_nothing_for_the_folder(config: Path) -> None:
    (config / "plugin").symlink_to(config / "nowhere")


@pytest.mark.parametrize(
    ("make", "named", "text"),
    [
        (someone_elses, "handoff-sidecar.js", "was not written by handoff-sidecar"),
        (folder_for_the_file, "handoff-sidecar.js", "can't be read (Is a directory)"),
        (file_for_the_folder, "plugin", "is not a folder, so OpenCode finds no plugin there"),
        (link_to_nothing_for_the_folder, "plugin", "is not a folder, so OpenCode finds no plugin there"),
    ],
)
def test_what_is_in_the_plugins_place_is_to_be_moved_away_before_an_install(
    config: Path, make: Callable[[Path], None], named: str, text: str
) -> None:
    make(config)

    (found,) = plugin_findings(config)

    assert found.mark == "broken"
    assert f"{named} {text}" in found.text
    assert found.next_step == "move it away, then run `handoff-sidecar install`, then restart OpenCode"


@pytest.mark.parametrize("change", CHANGES)
def test_the_plugin_file_is_judged(config: Path, change: str) -> None:
    make, mark, text = CHANGES[change]
    make(config)

    (found,) = plugin_findings(config)

    assert found.mark == mark
    assert text in found.text


def test_the_same_plugin_twice_and_a_rival_are_broken(config: Path) -> None:
    install(config)
    (config / "opencode.json").write_text('{"plugin": ["opencode-handoff-sidecar", "./rival.js"]}')
    (config / "rival.js").write_text("tool: { session_handoff: tool({}) }, command: { handoff: { template: 'x' } }")

    first, rival, twice, command = plugin_findings(config)

    assert first.mark == "good"
    assert "this plugin a second time" in twice.text
    assert "registers `session_handoff`, as this plugin does" in rival.text
    assert {twice.mark, rival.mark} == {"broken"}
    assert command.mark == "note"
    assert "has a `/handoff` too" in command.text
    assert "type `handoff`" in command.next_step


def test_the_plugins_beside_it_are_named(config: Path) -> None:
    install(config)
    (config / "opencode.json").write_text('{"plugin": ["@tarquinen/opencode-dcp@latest"]}')
    (config / "plugin" / "mine.js").write_text("export default async () => ({})")

    _, others = plugin_findings(config)

    assert (others.mark, others.subject) == ("good", "other plugins")
    assert others.text.startswith("@tarquinen/opencode-dcp@latest, mine.js: none has a tool or command")


def test_a_second_installation_on_the_path_is_told(
    config: Path, home: Path, program: Callable[[Path, str], None]
) -> None:
    install(config)
    program(home / "bin" / "handoff-sidecar", "")

    assert (
        plugin_findings(config)[1].text
        == f"`handoff-sidecar` on the PATH is another installation: {home / 'bin/handoff-sidecar'}"
    )


def test_the_round_trip_is_made_with_the_command_that_opencode_starts(
    config: Path, home: Path, program: Callable[[Path, str], None]
) -> None:
    install(config)
    assert plugin.round_trip(config).text.startswith(f"{__version__} started, answered and ended in ")

    program(home / "bin" / "mine", "echo 'No module named httpx' >&2; exit 1")
    (config / "handoff.json").write_text(json.dumps({"command": [str(home / "bin" / "mine")]}))
    install(config)
    found = plugin.round_trip(config)

    assert found.mark == "broken"
    assert found.text.endswith("did not answer: No module named httpx")

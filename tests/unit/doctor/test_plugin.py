from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff_sidecar import __version__
from handoff_sidecar.doctor import plugin
from handoff_sidecar.doctor.findings import Finding
from handoff_sidecar.installation.plugin_file import install


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
    "nothing": (lambda config: config, "broken", "does not know of it"),
    "a removed Python": (lambda config: gone(config, "python"), "broken", "starts /gone/python, which is gone"),
    "a removed package": (lambda config: gone(config, "package"), "broken", "index.js, which is gone"),
    "an older version's": (
        lambda config: install(config).path.write_text(
            install(config).path.read_text().replace(__version__, "0.0.9", 1)
        ),
        "note",
        "is of version 0.0.9",
    ),
    "another installation's": (
        lambda config: install(config).path.write_text(
            install(config).path.read_text().replace(sys.executable, "/bin/sh")
        ),
        "note",
        "another installation, which starts /bin/sh",
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


@pytest.mark.parametrize("change", CHANGES)
def test_the_plugin_file_is_judged(config: Path, change: str) -> None:
    make, mark, text = CHANGES[change]
    make(config)

    (found,) = plugin_findings(config)

    assert found.mark == mark
    assert text in found.text


def test_the_same_plugin_twice_and_a_rival_are_broken(config: Path) -> None:
    install(config)
    (config / "opencode.json").write_text('{"plugin": ["opencode-handoff-sidecar", "opencode-session-handoff"]}')

    first, twice, rival = plugin_findings(config)

    assert first.mark == "good"
    assert "this plugin once more" in twice.text
    assert "same names" in rival.text
    assert {twice.mark, rival.mark} == {"broken"}


def test_a_second_installation_on_the_path_is_told(
    config: Path, home: Path, program: Callable[[Path, str], None]
) -> None:
    install(config)
    program(home / "bin" / "handoff-sidecar", "")

    assert (
        plugin_findings(config)[1].text
        == f"`handoff-sidecar` on the PATH is another one: {home / 'bin/handoff-sidecar'}"
    )


def test_the_round_trip_is_made_with_the_command_that_opencode_starts(
    config: Path, home: Path, program: Callable[[Path, str], None]
) -> None:
    install(config)
    assert plugin.round_trip(config).text.startswith(f"{__version__} answered and ended in ")

    program(home / "bin" / "mine", "echo 'No module named httpx' >&2; exit 1")
    (config / "handoff.json").write_text(json.dumps({"command": [str(home / "bin" / "mine")]}))
    install(config)
    found = plugin.round_trip(config)

    assert found.mark == "broken"
    assert found.text.endswith("did not answer: No module named httpx")

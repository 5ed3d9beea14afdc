"""The checks of what OpenCode loads and starts: the plugin file, its rivals, and the sidecar's process itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from handoff_sidecar import __version__
from handoff_sidecar.doctor.findings import Finding, broken, good, note
from handoff_sidecar.errors import InstallFailed
from handoff_sidecar.folders import APP_NAME
from handoff_sidecar.installation.companion import FILES, entries
from handoff_sidecar.installation.neighbours import neighbours
from handoff_sidecar.installation.opencode_config import named_plugins, plugin_files, text_of
from handoff_sidecar.installation.plugin_file import (
    MARKER,
    NPM_PACKAGE,
    OURS,
    PLUGIN_FILE,
    PluginFile,
    plugin_text,
    read_plugin_file,
    shim_entry,
    sidecar_command,
    warnings,
)
from handoff_sidecar.settings import load_settings
from handoff_sidecar.sidecar.manifest import PROTOCOL_VERSION

ROUND_TRIP_TIMEOUT_S = 20.0
"""A cold Python on a busy machine takes seconds."""

INSTALL = "run `handoff-sidecar install`, then restart OpenCode"
COMMAND_TAKEN = "which of the two you get depends on the order in which OpenCode loads them"
INSTEAD = {
    "handoff": "type `handoff` or `handoff <goal>` without the slash, which always reaches this plugin",
    "handoff-now": "type `handoff`, or remove the other command",
    "handoff-resume": "run `handoff-sidecar resume`, or remove the other command",
}

MOVE_AND_INSTALL = f"move it away, then {INSTALL}"


def plugin_file(config: Path) -> Iterator[Finding]:
    """What makes OpenCode load the plugin, a file or an entry in `opencode.json`; and what is in its way."""
    named = [plugin for plugin in named_plugins(config) if plugin.package == NPM_PACKAGE]
    folder = config / "plugin"
    if in_the_way := next((path for path in (config, folder) if _is_there(path) and not path.is_dir()), None):
        yield broken("plugin", f"{in_the_way} is not a folder, so OpenCode finds no plugin there", MOVE_AND_INSTALL)
        return
    try:
        written = read_plugin_file(config)
    except InstallFailed:
        yield _what_is_in_its_place(folder / PLUGIN_FILE)
        return
    if written is not None:
        yield _as_it_should_be(written, config)
    elif named:
        yield good("plugin", f'{named[0].file} names the npm package "{named[0].entry}"')
    else:
        yield broken("plugin", f"not installed: there is no {PLUGIN_FILE} in {folder}", INSTALL)
    for warning in warnings(config):
        yield broken("other plugins", warning, "then restart OpenCode")
    beside = neighbours(config, apart_from=OURS)
    for neighbour in beside:
        for name in neighbour.commands:
            yield note("other plugins", f"{neighbour.place} has a `/{name}` too: {COMMAND_TAKEN}", INSTEAD[name])
    if not beside and (others := _others(config)):
        yield good(
            "other plugins", f"{', '.join(others)}: none has a tool or command with the same name as one of ours"
        )
    yield from _second_installation()


def companion(config: Path) -> Finding:
    """Whether OpenCode's screen loads the companion, without which everything works too."""
    by_npm = [file.name for file in map(config.joinpath, FILES) if NPM_PACKAGE in text_of(file)]
    if by_npm:
        return good("companion", f"{config / by_npm[0]} names the npm package {NPM_PACKAGE}")
    there = entries(config)
    if not there:
        return note(
            "companion",
            "OpenCode's TUI doesn't load this second plugin, which adds a line beside the prompt; "
            "handoffs work without it",
            INSTALL,
        )
    if len(there) > 1:
        return note(
            "companion", f"tui.json and tui.jsonc in {config} list it {len(there)} times; once is enough", INSTALL
        )
    file, entry = there[0]
    if not Path(entry).is_file():
        return note("companion", f"{file} names {entry}, which is gone", INSTALL)
    return good("companion", str(file))


def _others(config: Path) -> list[str]:
    """The plugins that are configured beside ours, by their entries and file names."""
    named = [plugin.entry for plugin in named_plugins(config) if plugin.package not in OURS]
    return [*named, *(file.name for file in plugin_files(config) if file.name not in OURS)]


def _as_it_should_be(written: PluginFile, config: Path) -> Finding:
    if not written.shim.is_file():
        return broken("plugin", f"{written.path} loads {written.shim}, which is gone", INSTALL)
    program = written.command[0]
    if shutil.which(program) is None:
        return broken("plugin", f"{written.path} starts {program}, which is gone", INSTALL)
    own = load_settings(config=config, project=None).settings.command
    if written.shim != shim_entry() or not _starts_the_same(written.command, own or sidecar_command()):
        return note("plugin", f"{written.path} belongs to another installation and starts {program}", INSTALL)
    if written.path.read_text(encoding="utf-8") == plugin_text(written.command):
        return good("plugin", str(written.path))
    if written.version != __version__:
        return note("plugin", f"{written.path} is from version {written.version}; this is {__version__}", INSTALL)
    return note("plugin", f"{written.path} differs from what version {__version__} writes", INSTALL)


def _starts_the_same(command: list[str], expected: list[str]) -> bool:
    """Whether two commands start the same; `bin/python` and `bin/python3` of one environment do."""
    (program, *words), (wanted, *wanted_words) = command, expected
    by_other_name = (
        Path(program).parent.resolve() == Path(wanted).parent.resolve()
        and Path(program).resolve() == Path(wanted).resolve()
    )
    return words == wanted_words and (program == wanted or by_other_name)


def _what_is_in_its_place(path: Path) -> Finding:
    """A file that `install` leaves alone, or one of ours that somebody changed."""
    try:
        ours = not path.is_symlink() and path.read_text(encoding="utf-8").startswith(MARKER)
    except OSError as error:
        return broken("plugin", f"{path} can't be read ({error.strerror})", MOVE_AND_INSTALL)
    except UnicodeDecodeError:
        ours = False
    if ours:
        return broken("plugin", f"{path} was changed after it was written", INSTALL)
    return broken("plugin", f"{path} was not written by {APP_NAME}", MOVE_AND_INSTALL)


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _second_installation() -> Iterator[Finding]:
    """Another `handoff-sidecar` on the PATH than the one that runs."""
    found = shutil.which(APP_NAME)
    if found and Path(found).resolve().parent != Path(sys.executable).resolve().parent:
        own = Path(sys.executable).with_name(Path(found).name)
        if not own.exists() or Path(found).resolve() != own.resolve():
            yield note(
                "installations",
                f"`{APP_NAME}` on the PATH is another installation: {found}",
                "remove the one you don't use",
            )


def round_trip(config: Path) -> Finding:
    """Starts the sidecar just as OpenCode would, greets it, and lets it end."""
    try:
        written = read_plugin_file(config)
    except InstallFailed:
        written = None
    command = written.command if written else sidecar_command()
    hello = {"protocolVersion": PROTOCOL_VERSION, "openCode": {}, "mode": "other", "directory": ""}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "id": 2, "method": "shutdown", "params": {}},
    ]
    started = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603 — the very command that OpenCode starts
            command,
            input="".join(json.dumps(message) + "\n" for message in messages),
            capture_output=True,
            check=False,
            cwd=Path(__file__).parent,  # no project's folder
            encoding="utf-8",
            env=os.environ | {"HANDOFF_SIDECAR_LOG": "error"},
            errors="replace",
            timeout=ROUND_TRIP_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return broken("sidecar", f"`{' '.join(command)}` could not be started: {error}", INSTALL)
    version = _version(done.stdout)
    if done.returncode == 0 and version is not None:
        return good("sidecar", f"{version} started, answered and ended in {time.monotonic() - started:.1f} s")
    lines = [text for text in done.stderr.splitlines() if text.strip()]
    why = lines[-1][:300] if lines else f"exit code {done.returncode}, and nothing on stderr"
    return broken("sidecar", f"`{' '.join(command)}` did not answer: {why}", INSTALL)


def _version(said: str) -> str | None:
    """The version in the answer to `initialize`, which is the first line."""
    try:
        return str(json.loads(said.splitlines()[0])["result"]["server"]["version"])
    except (ValueError, LookupError, TypeError):
        return None

"""The companion, as OpenCode's screen knows it: an entry in `tui.json` or `tui.jsonc`, and how it gets there and away.

OpenCode (1.15.13 to 1.18.34) reads both files and adds their `plugin` lists up. So whichever is missing is written, and
where a person has both, one entry is added to theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from handoff_sidecar import jsonc
from handoff_sidecar.errors import InstallFailed, SettingsUnreadable, SettingsUnwritable
from handoff_sidecar.installation.plugin_file import shim_entry
from handoff_sidecar.settings_file import SettingsFile, read_settings_file, write_settings_file

FILES = ("tui.jsonc", "tui.json")
"""The one that OpenCode itself never writes comes first."""

_OWN_ENDS = ("plugin-shim/tui.js", "plugin_shim/tui.js")

_LIST = "plugin"


def companion_entry() -> Path:
    """The companion's file, beside the shim's.

    Raises:
        InstallFailed: the shim is missing.
    """
    return shim_entry().with_name("tui.js")


def entries(config: Path) -> list[tuple[Path, str]]:
    """Each place where the companion is named: the file, and the path in it; none from a file that is broken."""
    found = []
    for name in FILES:
        try:
            listed = _listed(_read(config / name))
        except InstallFailed:
            continue
        found += [(config / name, entry) for entry in listed if _is_ours(entry)]
    return found


def put_in(config: Path) -> list[str]:
    """Have the companion loaded, and say what was done; what fails is a warning, as everything works without it."""
    try:
        file, change = add(config)
    except InstallFailed as error:
        return [f"Warning: OpenCode's TUI won't load the companion (handoffs work without it): {error}."]
    return [f"{file}: {change}."]


def leave_out(config: Path) -> list[str]:
    """Take the companion out, and say what was done."""
    try:
        return [f"{file}: the companion was removed." for file in remove(config)]
    except InstallFailed as error:
        return [f"Warning: {error}."]


def add(config: Path) -> tuple[Path, str]:
    """Have the companion loaded; where it is named, and `written`, `updated` or `unchanged`.

    Raises:
        InstallFailed: a file is not what OpenCode reads, or can't be written; nothing was changed.
    """
    wanted = str(companion_entry())
    there = entries(config)
    if [entry for _, entry in there] == [wanted]:
        return there[0][0], "unchanged"
    file = next((config / name for name in FILES if not (config / name).exists()), config / FILES[0])
    file = there[0][0] if there else file
    for each in {file, *(path for path, _ in there)}:
        held = _read(each)
        text = held.text
        for entry in _listed(held):
            if _is_ours(entry):
                text = jsonc.without_item(text, _LIST, entry)
        _write(each, jsonc.with_item(text, _LIST, wanted) if each == file else text)
    return file, "updated" if there else "written"


def remove(config: Path) -> list[Path]:
    """Take every entry out again, and a file that held nothing else; the files that were changed.

    Raises:
        InstallFailed: one can't be written.
    """
    there = entries(config)
    for file, entry in there:
        held = _read(file)
        if held.text == jsonc.with_item(SettingsFile().text, _LIST, entry):  # as an install wrote it
            _remove(file)
        elif held.values[_LIST] == [entry]:
            _write(file, jsonc.without_member(held.text, _LIST))
        else:
            _write(file, jsonc.without_item(held.text, _LIST, entry))
    return [file for file, _ in there]


def _is_ours(entry: str) -> bool:
    return entry.replace("\\", "/").endswith(_OWN_ENDS)


def _listed(held: SettingsFile) -> Iterator[str]:
    """The entries of the list that are a name alone; one with options of its own is a person's."""
    yield from (entry for entry in held.values.get(_LIST, []) if isinstance(entry, str))


def _read(file: Path) -> SettingsFile:
    """What a file holds, which is nothing if it isn't there.

    Raises:
        InstallFailed: it can't be read, or is not what OpenCode reads.
    """
    try:
        held = read_settings_file(file)
    except SettingsUnreadable as error:
        raise InstallFailed(f"{error}: correct it, and run this again") from error
    if not isinstance(held.values.get(_LIST, []), list):
        raise InstallFailed(f"in {file}, `{_LIST}` must be a list: correct it, and run this again")
    return held


def _remove(file: Path) -> None:
    try:
        file.unlink()
    except OSError as error:
        raise InstallFailed(f"{file} could not be removed ({error.strerror}): remove it by hand") from error


def _write(file: Path, text: str) -> None:
    try:
        write_settings_file(file, text)
    except SettingsUnwritable as error:
        raise InstallFailed(f"{error}: make it writable") from error

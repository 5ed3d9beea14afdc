"""The plugins that OpenCode is configured to load: those named in its `opencode.json`, and the files in its folders.

Only reads, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handoff_sidecar import jsonc

CONFIG_FILES = ("config.json", "opencode.json", "opencode.jsonc")
PLUGIN_FOLDERS = ("plugin", "plugins")


@dataclass(frozen=True, slots=True)
class NamedPlugin:
    """An entry of a `plugin` list: an npm package with or without a version, or a path."""

    file: Path
    entry: str

    @property
    def package(self) -> str:
        """The npm package's name, or the last folder of a path."""
        name = self.entry if self.entry.startswith("@") else self.entry.rstrip("/\\").replace("\\", "/").split("/")[-1]
        at = name.find("@", 1)
        return name if at < 0 else name[:at]


def named_plugins(config: Path) -> list[NamedPlugin]:
    """The plugins that are named in the configuration files of this folder; none from a file that is broken."""
    found = []
    for name in CONFIG_FILES:
        try:
            given = read_config(config / name)
        except (OSError, ValueError, RecursionError):
            continue
        listed = given.get("plugin") if isinstance(given, dict) else None
        for entry in listed if isinstance(listed, list) else []:
            word = entry[0] if isinstance(entry, list) and entry else entry
            if isinstance(word, str):
                found.append(NamedPlugin(config / name, word))
    return found


def plugin_files(config: Path) -> Iterator[Path]:
    """The files that OpenCode loads as plugins, without being told to."""
    for folder in PLUGIN_FOLDERS:
        yield from sorted((config / folder).glob("*.[jt]s"))


def text_of(file: Path) -> str:
    """The file's text; nothing if it isn't there or can't be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read_config(file: Path) -> Any:  # noqa: ANN401  # JSON as it is
    """What the file holds.

    Raises:
        OSError: it could not be read.
        ValueError: it is not valid JSON, even without comments and trailing commas.
    """
    return jsonc.parse(file.read_text(encoding="utf-8-sig"))

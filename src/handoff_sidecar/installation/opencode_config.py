"""The plugins that OpenCode is configured to load: those named in its `opencode.json`, and the files in its folders.

Reads JSON with comments and trailing commas, as OpenCode does (jsonc-parser, 1.18.33), and changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG_FILES = ("config.json", "opencode.json", "opencode.jsonc")
PLUGIN_FOLDERS = ("plugin", "plugins")

_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_STRING_OR_TRAILING_COMMA = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])')


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
            given = read_jsonc(config / name)
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


def read_jsonc(file: Path) -> Any:  # noqa: ANN401  # JSON as it is
    """What the file holds.

    Raises:
        OSError: it could not be read.
        ValueError: it is no JSON, even without comments and trailing commas.
    """

    def string_or_nothing(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else " "

    text = file.read_text(encoding="utf-8-sig")
    text = _STRING_OR_COMMENT.sub(string_or_nothing, text)
    return json.loads(_STRING_OR_TRAILING_COMMA.sub(string_or_nothing, text))

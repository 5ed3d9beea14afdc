"""What other plugins register under a name of ours, by a look into their code.

Nothing else tells before OpenCode runs, and by then one of the two has won. What is built up at run time is not seen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from handoff_sidecar.installation.opencode_config import NamedPlugin, named_plugins, plugin_files

TOOLS = ("session_handoff", "read_session")
COMMANDS = ("handoff", "handoff-now", "handoff-resume")

SOURCES = (".js", ".mjs", ".cjs", ".ts", ".mts")
MOST_BYTES = 40_000_000
"""Of one plugin; the largest that was tried, oh-my-opencode 4.19.4, has 25 MB."""

_IN_A_NAME = re.compile(r"[\w-]")
_A_TOOL = re.compile(r"[\"'{,\s][\w-]+[\"']?\s*:\s*(?:[\w$.]*tool[\w$]*\s*\(|\{\s*(?:description|args)\b)")
_A_COMMAND = re.compile(
    r"[\"'{,\s][\w-]+[\"']?\s*:\s*\{(?=[^}]{0,400}?\b(?:template|description)\s*:)"
    r"|(?<=command)(?:\.|\[[\"'])[\w-]+(?:[\"']\])?\s*(?:\?\?|\|\|)?="
)
"""As a property of the object that a plugin registers, or assigned to OpenCode's configuration."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A plugin that is configured beside ours, with what it registers under names of ours.

    Attributes:
        place: what names it: the entry and its file, or the plugin file itself.
    """

    place: str
    tools: tuple[str, ...]
    commands: tuple[str, ...]


def neighbours(config: Path, cache: Path | None = None, *, apart_from: frozenset[str] = frozenset()) -> list[Neighbour]:
    """Those that register a tool or a command of ours.

    Args:
        config: OpenCode's configuration folder.
        cache: where OpenCode installs plugins that are named by their npm package.
        apart_from: names of packages and files that are not looked at: our own.
    """
    found = []
    for plugin in named_plugins(config):
        if plugin.package not in apart_from:
            source = _source(plugin, cache or _cache())
            found.append(_seen(f'"{plugin.entry}" ({plugin.file})', source))
    found += [_seen(str(file), file) for file in plugin_files(config) if file.name not in apart_from]
    return [each for each in found if each.tools or each.commands]


def _seen(place: str, source: Path | None) -> Neighbour:
    tools: set[str] = set()
    commands: set[str] = set()
    left = MOST_BYTES
    for file in _files(source):
        try:
            text = file.read_bytes()[:left].decode(errors="replace")
        except OSError:
            continue  # what can't be read, OpenCode can't load either
        left -= len(text)
        tools.update(name for name in TOOLS if _stands_in(text, name, _A_TOOL))
        commands.update(name for name in COMMANDS if _stands_in(text, name, _A_COMMAND))
        if left <= 0:
            break
    return Neighbour(place, tuple(sorted(tools)), tuple(sorted(commands)))


def _stands_in(text: str, name: str, form: re.Pattern[str]) -> bool:
    """Whether the name is registered; looked for as it is first, which is a hundred times as fast."""
    at = text.find(name)
    while at > 0:
        starts = (at - 2, at - 1) if form is _A_COMMAND else (at - 1,)
        end = at + len(name)
        if not _IN_A_NAME.match(text, end) and any(form.match(text, max(start, 0)) for start in starts):
            return True
        at = text.find(name, end)
    return False


def _files(source: Path | None) -> Iterator[Path]:
    if source is None:
        return
    if source.is_file():
        yield source
        return
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if name not in {"node_modules", ".git", "docs", "test", "tests"})
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(SOURCES) and ".d." not in name)


def _source(plugin: NamedPlugin, cache: Path) -> Path | None:
    """The file or folder that an entry means, or None if it isn't there."""
    entry = unquote(urlsplit(plugin.entry).path) if plugin.entry.startswith("file:") else plugin.entry
    if entry.startswith((".", "/", "~")) or Path(entry).is_absolute():
        path = plugin.file.parent / Path(entry).expanduser()
        return path if path.exists() else None
    places = [cache / "node_modules" / plugin.package, *cache.glob(f"packages/*/node_modules/{plugin.package}")]
    return next((place for place in places if place.is_dir()), None)


def _cache() -> Path:
    """Where OpenCode keeps what it installs (seen in 1.15.13 to 1.18.34)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opencode"

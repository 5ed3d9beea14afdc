"""The plugin file in OpenCode's plugin folder: what is in it, and how it gets there and away again.

One small file of our own and no edit of anyone's `opencode.json`. OpenCode 1.1.65 to 1.18.33 load every file
that lies in `plugin` or `plugins` of its config folder.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from handoff_sidecar import __version__
from handoff_sidecar.errors import InstallFailed
from handoff_sidecar.folders import make_private, write_private
from handoff_sidecar.installation.neighbours import neighbours
from handoff_sidecar.installation.opencode_config import named_plugins, plugin_files
from handoff_sidecar.settings import load_settings

PLUGIN_FILE = "handoff-sidecar.js"
MARKER = "// Written by `handoff-sidecar install`"

_TEMPLATE = """\
{marker} {version}; `handoff-sidecar uninstall` removes it.
// Loads the plugin that came with the Python package and names the Python that runs its sidecar.
const shim = {shim}
const command = {command}

const plugin = await import(shim).then((module) => module.default, (error) => ({{ error }}))

const server = async (input, options) => {{
  if (plugin.server) return plugin.server(input, {{ ...options, command }})
  const mend = `Run \\`handoff-sidecar install\\` again, or remove ${{import.meta.url}}.`
  const message = `${{shim}} could not be loaded. ${{mend}}`
  const body = {{ title: "handoff-sidecar", message, variant: "error" }}
  setTimeout(() => input.client.tui.showToast({{ body }}).catch(() => {{}}), {toast_delay_ms})
  return {{}}
}}

// OpenCode before 1.14.34 takes a function and nothing else, 2.x an object: the plugin knows which of them this is.
export default plugin.setup && typeof plugin === "object" ? {{ ...plugin, server }} : server
"""

TOAST_DELAY_MS = 3_000
"""OpenCode's own client must not be used while a plugin initialises, and a toast needs the TUI to be up."""

NPM_PACKAGE = "opencode-handoff-sidecar"
"""The shim as an npm package, for users who list their plugins in `opencode.json`."""


OURS = frozenset({NPM_PACKAGE, PLUGIN_FILE})


@dataclass(frozen=True, slots=True)
class Installed:
    """What an install did.

    Attributes:
        change: `written`, `updated` or `unchanged`.
        warnings: what the person should know, a sentence each.
    """

    path: Path
    change: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PluginFile:
    """What a plugin file of ours says.

    Attributes:
        version: of the package that wrote it.
        shim: the shim's `index.js`.
        command: what starts the sidecar.
    """

    path: Path
    version: str
    shim: Path
    command: list[str]


def read_plugin_file(config: Path) -> PluginFile | None:
    """The plugin file that is there, or None.

    Raises:
        InstallFailed: it is not a file that an install wrote, or was changed so that it can't be read.
    """
    path = config / "plugin" / PLUGIN_FILE
    text = _own_file(path)
    if text is None:
        return None
    found = re.search(r"(?m)^// \S.* (\S+); .*$(?s:.*?)^const shim = (.+)$\s+^const command = (.+)$", text)
    try:
        if found is None:
            raise ValueError("a line is missing")  # noqa: TRY301  # one sentence for all that can be wrong with it
        shim = Path(url2pathname(urlsplit(json.loads(found[2])).path))
        return PluginFile(path, found[1], shim, [str(word) for word in json.loads(found[3])])
    except (ValueError, TypeError) as error:
        raise InstallFailed(f"{path} was changed ({error}): run `handoff-sidecar install` again") from error


def shim_entry() -> Path:
    """The shim's `index.js`: inside an installed package, or beside `src` in a clone.

    Raises:
        InstallFailed: it is in neither place.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "plugin_shim", package.parent.parent / "plugin-shim"):
        if (folder / "index.js").is_file():
            return folder / "index.js"
    raise InstallFailed(f"the plugin files of {package} are missing: install the handoff-sidecar package again")


def sidecar_command() -> list[str]:
    """What the shim starts: this very Python; `-P` keeps the modules of a project's folder out of it."""
    return [sys.executable, "-P", "-m", "handoff_sidecar", "stdio"]


def plugin_text(command: list[str] | None = None) -> str:
    """The plugin file for this installation, or with the person's own command for the sidecar."""
    return _TEMPLATE.format(
        marker=MARKER,
        version=__version__,
        shim=json.dumps(shim_entry().as_uri()),
        command=json.dumps(command or sidecar_command()),
        toast_delay_ms=TOAST_DELAY_MS,
    )


def install(config: Path) -> Installed:
    """Put the plugin file into OpenCode's config folder; doing it again changes nothing.

    Raises:
        InstallFailed: a file of someone else's is in its place, or the folder can't be written to.
    """
    loaded = load_settings(config=config, project=None)
    path, text = config / "plugin" / PLUGIN_FILE, plugin_text(loaded.settings.command)
    existing = _own_file(path)
    change = "written" if existing is None else "unchanged" if existing == text else "updated"
    if existing != text:
        in_the_way = _in_the_way(path.parent)
        if in_the_way:
            raise InstallFailed(f"{in_the_way}. Nothing was installed. Move it away and run this again")
        try:
            make_private(path.parent)
            write_private(path, text)
        except OSError as error:
            raise InstallFailed(
                f"{path} could not be written ({error.strerror}): make the folder writable, or choose another "
                "config folder with OPENCODE_CONFIG_DIR, and run this again"
            ) from error
    return Installed(path, change, (*loaded.problems, *warnings(config)))


def uninstall(config: Path) -> Path | None:
    """Remove the plugin file and the folders that are empty without it; the path, or None if there was none.

    Raises:
        InstallFailed: the file in its place is someone else's, or can't be removed.
    """
    path = config / "plugin" / PLUGIN_FILE
    if _own_file(path, advice="remove it yourself if you don't want it") is None:
        return None
    try:
        path.unlink()
    except OSError as error:
        raise InstallFailed(f"{path} could not be removed ({error.strerror}): remove it by hand") from error
    for folder in (path.parent, config):
        try:
            folder.rmdir()
        except OSError:
            break  # not empty, or not ours to remove: it stays
    return path


def _in_the_way(folder: Path) -> str:
    """What is where a folder has to be, or nothing."""
    for place in (folder, *folder.parents):
        if place.is_symlink() and not place.exists():
            return f"{place} must be a folder, but is a link to {place.readlink()}, which does not exist"
        if place.exists():
            return "" if place.is_dir() else f"{place} must be a folder, but is a file"
    return ""


def _own_file(path: Path, *, advice: str = "move it away, then run this again") -> str | None:
    """The text of the plugin file that is there now, or None.

    Args:
        advice: what the person is told to do about a file of someone else's.

    Raises:
        InstallFailed: it is not a file that an install wrote.
    """
    if not path.is_symlink() and not path.exists():
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    if path.is_symlink() or not text.startswith(MARKER):
        raise InstallFailed(f"{path} was not written by handoff-sidecar and is left as it is: {advice}")
    return text


def warnings(config: Path) -> list[str]:
    """Other plugins with a tool of ours, of which only one gets the calls, and second copies of this one."""
    own, found = config / "plugin" / PLUGIN_FILE, []
    for neighbour in neighbours(config, apart_from=OURS):
        if neighbour.tools:
            names = " and ".join(f"`{name}`" for name in neighbour.tools)
            found.append(f"{neighbour.place} registers {names}, as this plugin does: remove one of the two plugins")
    found += [
        f'{plugin.file} lists "{plugin.entry}", which is this plugin a second time: remove it there, or run '
        "`handoff-sidecar uninstall`"
        for plugin in named_plugins(config)
        if plugin.package == NPM_PACKAGE and own.exists()
    ]
    found += [
        f"{file} is a second copy of this plugin: remove it"
        for file in plugin_files(config)
        if file != own and file.name == PLUGIN_FILE
    ]
    return found

"""What `handoff-sidecar install`, `uninstall` and `update` do, and what they print.

Each imports what it needs when it runs: every OpenCode starts `stdio`, which must be quick.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from handoff_sidecar.cli.progress import told_if_slow
from handoff_sidecar.errors import HandoffSidecarError, InstallFailed, SettingsUnreadable, SettingsUnwritable

if TYPE_CHECKING:
    from pathlib import Path


def install(arguments: argparse.Namespace) -> int:
    """Add the plugin to OpenCode, and set the automatic handoff if that was asked for."""
    from handoff_sidecar.installation import companion, plugin_file
    from handoff_sidecar.settings import config_folder, renew_schema

    if "auto_handoff" in arguments:
        print(_set_auto_handoff(config_folder(), arguments.auto_handoff))
    done = plugin_file.install(config_folder())
    print(f"{done.path}: {done.change}.")
    for line in companion.leave_out(config_folder()) if arguments.no_tui else companion.put_in(config_folder()):
        print(line)
    if renewed := renew_schema(config_folder()):
        print(f"{renewed}: its `$schema` now points to this installation.")
    for warning in done.warnings:
        print(f"Warning: {warning}{'' if warning.endswith('?') else '.'}")
    print("Next: restart OpenCode, then type `handoff`, `handoff <goal>` or `/handoff` in any session.")
    print("To undo: handoff-sidecar uninstall")
    return 0


def _set_auto_handoff(config: Path, percent: int | None) -> str:
    """Write the setting, or take it out (None), and say what is in effect now.

    Raises:
        HandoffSidecarError: the settings file is as it was, and nothing was installed.
    """
    from handoff_sidecar.settings import add_setting, remove_setting

    key = "auto_handoff_threshold"
    try:
        file = remove_setting(config, key) if percent is None else add_setting(config, key, percent)
    except SettingsUnreadable as error:
        raise HandoffSidecarError(
            f"{error}. Nothing was installed: correct the file or move it away, and run this again"
        ) from error
    except SettingsUnwritable as error:
        raise HandoffSidecarError(f"{error}. Nothing was installed") from error
    if percent is None:
        return f"{file}: {key} is not set: one notice at 80 % of the context, and no automatic handoff."
    return f"{file}: {key} is {percent}." if percent else f"{file}: {key} is 0: no automatic handoff, and no notice."


def uninstall(arguments: argparse.Namespace) -> int:
    """Remove the plugin, and what it has left behind, even where the plugin itself can't be removed."""
    from handoff_sidecar.installation import companion, plugin_file
    from handoff_sidecar.installation.leftovers import remove_leftovers
    from handoff_sidecar.installation.origin import find_origin
    from handoff_sidecar.settings import config_folder

    config = config_folder()
    removed, stays = None, ""
    try:
        removed = plugin_file.uninstall(config)
    except InstallFailed as error:
        stays = str(error)
    for line in companion.leave_out(config):
        print(line)
    done = remove_leftovers(config, purge=arguments.purge)
    for path in ([removed] if removed else []) + list(done.gone):
        print(f"{path}: removed.")
    for what in done.stuck:
        print(f"{what}: could not be removed. Quit OpenCode, and run this again.", file=sys.stderr)
    if stays:
        print(f"{stays}.", file=sys.stderr)
    elif removed is None:
        print(f"There was no plugin file of handoff-sidecar in {config / 'plugin'}.")
    else:
        print("Restart OpenCode to unload the tools.")
    if done.kept:
        print(
            f"Kept, because they are yours: {', '.join(str(path) for path in done.kept)} (`--purge` removes these too)."
        )
    print(f"To remove the program itself: {find_origin().removal}.")
    return 1 if done.stuck or stays else 0


def update(arguments: argparse.Namespace) -> int:
    """Install the newest version."""
    from datetime import UTC, datetime

    from handoff_sidecar.installation.origin import find_origin
    from handoff_sidecar.installation.releases import find_installers
    from handoff_sidecar.installation.update import CURRENT, NOTHING_NEWER, in_background, install, is_out, look
    from handoff_sidecar.settings import config_folder

    origin, installers, now = find_origin(), find_installers(), datetime.now(UTC)
    if arguments.in_background:
        print(in_background(arguments.in_background, origin, installers, config_folder(), now))
        return 0
    with told_if_slow("Asking the package index"):
        newest = look(origin, installers, now)
    if newest <= CURRENT:
        print(NOTHING_NEWER)
        return 0
    print(f"{is_out(newest)} Installing it ({origin.keeper}) …", flush=True)
    with told_if_slow("Installing"):
        done = install(newest, origin, installers, config_folder())
    print(done)
    return 0

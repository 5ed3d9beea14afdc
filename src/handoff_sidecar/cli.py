"""The command `handoff-sidecar`: its subcommands, and what they print.

Each subcommand imports what it needs when it runs: `stdio` is started by every OpenCode and must be quick.
"""

from __future__ import annotations

import argparse
import sys

from handoff_sidecar import __version__
from handoff_sidecar.errors import HandoffSidecarError


def main() -> int:
    """Run one subcommand; the exit status is 1, and stderr says why, where it failed."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(arguments))
    except HandoffSidecarError as error:
        print(f"handoff-sidecar: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="handoff-sidecar",
        description="Session handoff for OpenCode: a fresh session that knows where you were.",
    )
    parser.add_argument("--version", action="version", version=f"handoff-sidecar {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "install", _install, "add the plugin to OpenCode")
    _add(commands, "uninstall", _uninstall, "remove the plugin from OpenCode")
    demo = _add(commands, "demo", _demo, "watch a handoff in a real OpenCode, in a throwaway home, without an API key")
    demo.add_argument("--tui", action="store_true", help="open the TUI, so that you can type `handoff` yourself")
    _add(commands, "stdio", _stdio, "be the sidecar of an OpenCode process (the plugin starts this)")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: object, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def _install(_arguments: argparse.Namespace) -> int:
    from handoff_sidecar.install import install
    from handoff_sidecar.settings import config_folder

    done = install(config_folder())
    print(f"{done.path}: {done.change}.")
    for warning in done.warnings:
        print(f"Warning: {warning}.")
    print("Next: restart OpenCode, then type `handoff`, `handoff <goal>` or `/handoff` in any session.")
    print("To undo: handoff-sidecar uninstall")
    return 0


def _uninstall(_arguments: argparse.Namespace) -> int:
    import platformdirs

    from handoff_sidecar.install import uninstall
    from handoff_sidecar.settings import config_folder

    config = config_folder()
    removed = uninstall(config)
    if removed is None:
        print(f"There is no plugin file of handoff-sidecar in {config / 'plugin'}: nothing to remove.")
        return 0
    print(f"{removed}: removed. Restart OpenCode to be rid of the tools.")
    briefs = platformdirs.user_state_path("handoff-sidecar", appauthor=False) / "briefs"
    if briefs.is_dir():
        print(f"The briefs of your handoffs are still in {briefs}.")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from handoff_sidecar.demo.story import run_demo

    return run_demo(tui=arguments.tui)


def _stdio(_arguments: argparse.Namespace) -> int:
    from handoff_sidecar.app import run_on_stdio

    run_on_stdio()
    return 0

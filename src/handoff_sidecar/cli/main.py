"""The command `handoff-sidecar`: its subcommands and their options. What they do is in `commands` and `installing`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from handoff_sidecar import __version__
from handoff_sidecar.cli import commands, installing
from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.opencode.server import DEFAULT_USERNAME, PASSWORD, SERVE_URL, USERNAME


def main() -> int:
    """Run one subcommand; the exit status is 1, and stderr says why, where it failed."""
    try:
        try:
            known = parser()
            arguments = known.parse_args()
            if "run" in arguments:
                return int(arguments.run(arguments))
            known.print_help()
            return 0
        finally:
            sys.stdout.flush()
    except HandoffSidecarError as error:
        print(f"handoff-sidecar: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has left, as `| head` does; what is not written yet must not be tried again at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parser() -> argparse.ArgumentParser:
    """The subcommands and their options; `run` of what it parses is what is asked for."""
    made = argparse.ArgumentParser(
        prog="handoff-sidecar",
        description="Session handoff for OpenCode: a fresh session that knows where you were.",
        epilog="`handoff-sidecar COMMAND --help` lists a command's options.",
    )
    made.add_argument("-V", "--version", action="version", version=f"handoff-sidecar {__version__}")
    subparsers = made.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = subparsers.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    install = add("install", installing.install, "add the plugin to OpenCode")
    install.add_argument(
        "--auto-handoff",
        type=_percent,
        default=argparse.SUPPRESS,
        metavar="PERCENT",
        help="hand sessions off automatically when this percentage of the model's context is full, for example 80; "
        "0 turns off both this and the notice at 80 %%; `default` goes back to the notice alone",
    )
    install.add_argument(
        "--no-tui",
        action="store_true",
        help="leave out the companion, a second plugin for OpenCode's TUI: then there is no line beside the prompt, "
        "and a handoff switches all attached windows to the new session",
    )
    uninstall = add(
        "uninstall", installing.uninstall, "remove the plugin from OpenCode, and delete the logs and caches"
    )
    uninstall.add_argument("--purge", action="store_true", help="also remove your briefs and your settings")
    update = add("update", installing.update, "install the newest version of the same major version")
    update.add_argument("--in-background", choices=["install", "notify"], help=argparse.SUPPRESS)
    doctor = add("doctor", commands.doctor, "check the installation and suggest fixes")
    doctor.add_argument("--live", action="store_true", help="also hand off a session in OpenCode, in a throwaway home")
    doctor.add_argument("--json", action="store_true", help="print JSON, for a program or a bug report")
    demo = add("demo", commands.demo, "watch a handoff in a real OpenCode, without an API key")
    demo.add_argument("--tui", action="store_true", help="open the TUI, so that you can type `handoff` yourself")
    show = add("show", commands.show, "print the brief of the latest handoff, or of any session (`briefs` lists them)")
    show.add_argument("session", nargs="?", metavar="SES", help="the old session or the new one")
    show.add_argument("--raw", action="store_true", help="print the whole file, including what only programs need")
    briefs = add("briefs", commands.briefs, "list the briefs of your handoffs, newest first")
    briefs.add_argument("--all", action="store_true", help="list all of them, not only the newest 20")
    resume = add("resume", commands.resume, "finish an interrupted handoff, or make a session from any brief")
    resume.add_argument(
        "id",
        nargs="?",
        default="",
        metavar="ID",
        help="the old session's id, or the name of a brief's file (default: the newest interrupted handoff)",
    )
    _add_url(resume)
    preview = add("preview", commands.preview, "print the brief that a handoff would write now, without handing off")
    preview.add_argument("session", metavar="SES", help="the session's id")
    _add_url(preview)
    read = add("read", commands.read, "read or search a session of a running `opencode serve`")
    read.add_argument("session", metavar="SES", help="a session's id, or `all` for this project's sessions")
    read.add_argument("--query", help='what to search for: words, "exact phrases" or a /regular expression/')
    read.add_argument("--file", help="show what was done to this file")
    read.add_argument("--limit", type=_limit, help="how many messages or matches (default: 20)")
    read.add_argument("--before", metavar="MSG", help="show only what came before this message")
    read.add_argument(
        "--detail", choices=["text", "tools"], help="`tools` also shows tool calls, with inputs and outputs"
    )
    _add_url(read)
    read.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    index = add("index", commands.index, "show what the search indexes hold")
    index.add_argument("--rebuild", action="store_true", help="rebuild this project's index, from a running server")
    _add_url(index)
    add("stdio", commands.stdio, "serve an OpenCode process (started by the plugin)")
    return made


def _add_url(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--url",
        default=SERVE_URL,
        help=f"the address that `opencode serve` prints (default: {SERVE_URL}); if it asks for a password, set "
        f"{PASSWORD} in the environment (and {USERNAME}, if that is not `{DEFAULT_USERNAME}`)",
    )


def _percent(text: str) -> int | None:
    """A number with or without a percent sign, or None for `default`; the setting knows which numbers are allowed."""
    if text == "default":
        return None
    try:
        return int(text.removesuffix("%"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a percentage such as 80 nor `default`") from error


def _limit(text: str) -> int:
    from handoff_sidecar.reading.definition import MAX_LIMIT

    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if not 1 <= limit <= MAX_LIMIT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_LIMIT}")
    return limit

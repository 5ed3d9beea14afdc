"""The command `handoff-sidecar`: its subcommands and their options. What they do is in `commands`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from handoff_sidecar import __version__
from handoff_sidecar.cli import commands
from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.opencode.server import DEFAULT_USERNAME, PASSWORD, SERVE_URL, USERNAME


def main() -> int:
    """Run one subcommand; the exit status is 1, and stderr says why, where it failed."""
    try:
        try:
            arguments = parser().parse_args()
            return int(arguments.run(arguments))
        finally:
            sys.stdout.flush()
    except HandoffSidecarError as error:
        print(f"handoff-sidecar: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read has left, as `| head` does; what is not written yet must not be tried again at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parser() -> argparse.ArgumentParser:
    """The subcommands and their options; `run` of what it parses is what is asked for."""
    made = argparse.ArgumentParser(
        prog="handoff-sidecar",
        description="Session handoff for OpenCode: a fresh session that knows where you were.",
    )
    made.add_argument("--version", action="version", version=f"handoff-sidecar {__version__}")
    subparsers = made.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = subparsers.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    install = add("install", commands.install, "add the plugin to OpenCode")
    install.add_argument(
        "--auto-handoff",
        type=_percent,
        default=argparse.SUPPRESS,
        metavar="PERCENT",
        help="hand sessions off by themselves when the model's context is this full, such as 80; 0 turns this off, and "
        "the notice at 80 %% with it; `default` goes back to the notice alone",
    )
    uninstall = add("uninstall", commands.uninstall, "remove the plugin from OpenCode, the logs and the caches")
    uninstall.add_argument("--purge", action="store_true", help="the briefs of your handoffs and your settings too")
    update = add("update", commands.update, "install the newest version of the same major version")
    update.add_argument("--in-background", choices=["install", "notify"], help=argparse.SUPPRESS)
    doctor = add("doctor", commands.doctor, "look whether everything is as it should be, and say what to do if not")
    doctor.add_argument("--live", action="store_true", help="also hand a session off in OpenCode, in a throwaway home")
    doctor.add_argument("--json", action="store_true", help="print JSON, for a program or a bug report")
    demo = add("demo", commands.demo, "watch a handoff in a real OpenCode, in a throwaway home, without an API key")
    demo.add_argument("--tui", action="store_true", help="open the TUI, so that you can type `handoff` yourself")
    show = add("show", commands.show, "print the brief of a handoff: the latest, or a session's (`briefs` lists them)")
    show.add_argument("session", nargs="?", metavar="SES", help="the session that was handed off, or that was made")
    show.add_argument("--raw", action="store_true", help="the file as it is kept, with what programs need of it")
    briefs = add("briefs", commands.briefs, "list the briefs of your handoffs, newest first")
    briefs.add_argument("--all", action="store_true", help="all that are kept, not only the newest 20")
    resume = add("resume", commands.resume, "make the session of a handoff that was not finished, or of any brief")
    resume.add_argument("id", nargs="?", default="", metavar="ID", help="a session that was handed off, or a brief")
    _add_url(resume)
    chain = add("chain", commands.chain, "print the line of sessions that a session belongs to")
    chain.add_argument("session", metavar="SES")
    preview = add("preview", commands.preview, "print what a handoff of a session would say now; changes nothing")
    preview.add_argument("session", metavar="SES")
    _add_url(preview)
    read = add("read", commands.read, "read or search a session of a running `opencode serve`")
    read.add_argument("session", metavar="SES", help="a session's id, or `all` for this project's sessions")
    read.add_argument("--query", help='what to search for: words, "exact phrases" or a /regular expression/')
    read.add_argument("--file", help="what was done to this path")
    read.add_argument("--limit", type=_limit, help="how many messages or matches (default: 20)")
    read.add_argument("--before", metavar="MSG", help="up to this message")
    read.add_argument("--detail", choices=["text", "tools"], help="tools: with their inputs and outputs")
    _add_url(read)
    read.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    index = add("index", commands.index, "show what the search indexes hold")
    index.add_argument("--rebuild", action="store_true", help="make this project's anew, from a running server")
    _add_url(index)
    add("stdio", commands.stdio, "be the sidecar of an OpenCode process (the plugin starts this)")
    return made


def _add_url(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--url",
        default=SERVE_URL,
        help=f"of `opencode serve`, by default {SERVE_URL}; if it asks for a password, set {PASSWORD} in the "
        f"environment (and {USERNAME}, if that is not `{DEFAULT_USERNAME}`)",
    )


def _percent(text: str) -> int | None:
    """A number, or None for `default`; which numbers are allowed, the setting knows."""
    if text == "default":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of percent nor `default`") from error


def _limit(text: str) -> int:
    from handoff_sidecar.reading.definition import MAX_LIMIT

    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if not 1 <= limit <= MAX_LIMIT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_LIMIT}")
    return limit

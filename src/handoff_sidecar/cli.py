"""The command `handoff-sidecar`: its subcommands, and what they print.

Each subcommand imports what it needs when it runs: `stdio` is started by every OpenCode and must be quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from handoff_sidecar import __version__
from handoff_sidecar.errors import HandoffSidecarError

if TYPE_CHECKING:
    from handoff_sidecar.journal import Journal
    from handoff_sidecar.preview import Server

SERVE_URL = "http://127.0.0.1:4096"
"""Where `opencode serve` listens unless it is told otherwise."""


def main() -> int:
    """Run one subcommand; the exit status is 1, and stderr says why, where it failed."""
    try:
        try:
            arguments = _parser().parse_args()
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="handoff-sidecar",
        description="Session handoff for OpenCode: a fresh session that knows where you were.",
    )
    parser.add_argument("--version", action="version", version=f"handoff-sidecar {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    install = _add(commands, "install", _install, "add the plugin to OpenCode")
    install.add_argument(
        "--auto-handoff",
        type=int,
        metavar="PERCENT",
        help="hand sessions off by themselves when the model's context is this full, such as 80; 0 turns it off",
    )
    uninstall = _add(commands, "uninstall", _uninstall, "remove the plugin from OpenCode, the logs and the caches")
    uninstall.add_argument("--purge", action="store_true", help="the briefs of your handoffs and your settings too")
    update = _add(commands, "update", _update, "install the newest version of the same major version")
    update.add_argument("--in-background", choices=["install", "notify"], help=argparse.SUPPRESS)
    doctor = _add(commands, "doctor", _doctor, "look whether everything is as it should be, and say what to do if not")
    doctor.add_argument("--live", action="store_true", help="also hand a session off in OpenCode, in a throwaway home")
    doctor.add_argument("--json", action="store_true", help="print JSON, for a program or a bug report")
    demo = _add(commands, "demo", _demo, "watch a handoff in a real OpenCode, in a throwaway home, without an API key")
    demo.add_argument("--tui", action="store_true", help="open the TUI, so that you can type `handoff` yourself")
    show = _add(commands, "show", _show, "print the brief of a handoff: the latest, or a session's")
    show.add_argument("session", nargs="?", metavar="SES", help="the session that was handed off, or that was made")
    resume = _add(commands, "resume", _resume, "make the session of a handoff that was not finished, or of any brief")
    resume.add_argument("id", nargs="?", default="", metavar="ID", help="a session that was handed off, or a brief")
    resume.add_argument("--url", default=SERVE_URL, help=f"of `opencode serve`, by default {SERVE_URL}")
    chain = _add(commands, "chain", _chain, "print the line of sessions that a session belongs to")
    chain.add_argument("session", metavar="SES")
    preview = _add(commands, "preview", _preview, "print what a handoff of a session would say now; changes nothing")
    preview.add_argument("session", metavar="SES")
    preview.add_argument("--url", default=SERVE_URL, help=f"of `opencode serve`, by default {SERVE_URL}")
    read = _add(commands, "read", _read, "read or search a session of a running `opencode serve`")
    read.add_argument("session", metavar="SES", help="a session's id, or `all` for this project's sessions")
    read.add_argument("--query", help='what to search for: words, "exact phrases" or a /regular expression/')
    read.add_argument("--file", help="what was done to this path")
    read.add_argument("--limit", type=int, help="how many messages or matches (default: 20)")
    read.add_argument("--before", metavar="MSG", help="up to this message")
    read.add_argument("--detail", choices=["text", "tools"], help="tools: with their inputs and outputs")
    read.add_argument("--url", default=SERVE_URL, help=f"of `opencode serve`, by default {SERVE_URL}")
    read.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    _add(commands, "stdio", _stdio, "be the sidecar of an OpenCode process (the plugin starts this)")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: object, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def _install(arguments: argparse.Namespace) -> int:
    from handoff_sidecar.installation.plugin_file import install
    from handoff_sidecar.settings import add_setting, config_folder

    if arguments.auto_handoff is not None:
        file = add_setting(config_folder(), "auto_handoff_threshold", arguments.auto_handoff)
        print(f"{file}: auto_handoff_threshold is {arguments.auto_handoff}.")
    done = install(config_folder())
    print(f"{done.path}: {done.change}.")
    for warning in done.warnings:
        print(f"Warning: {warning}.")
    print("Next: restart OpenCode, then type `handoff`, `handoff <goal>` or `/handoff` in any session.")
    print("To undo: handoff-sidecar uninstall")
    return 0


def _uninstall(arguments: argparse.Namespace) -> int:
    from handoff_sidecar.installation.leftovers import remove_leftovers
    from handoff_sidecar.installation.origin import find_origin
    from handoff_sidecar.installation.plugin_file import uninstall
    from handoff_sidecar.settings import config_folder

    config = config_folder()
    plugin_file = uninstall(config)
    done = remove_leftovers(config, purge=arguments.purge)
    for path in ([plugin_file] if plugin_file else []) + list(done.gone):
        print(f"{path}: removed.")
    for what in done.stuck:
        print(f"{what}: could not be removed; end OpenCode, and run this again.", file=sys.stderr)
    if plugin_file is None:
        print(f"There was no plugin file of handoff-sidecar in {config / 'plugin'}.")
    else:
        print("Restart OpenCode to be rid of the tools.")
    if done.kept:
        print(f"Yours, and kept: {', '.join(str(path) for path in done.kept)} (`--purge` removes these too).")
    print(f"The program itself: {find_origin().removal}.")
    return 1 if done.stuck else 0


def _update(arguments: argparse.Namespace) -> int:
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from handoff_sidecar.installation.origin import find_origin
    from handoff_sidecar.installation.releases import find_installers
    from handoff_sidecar.installation.update import Updater
    from handoff_sidecar.settings import config_folder

    updater = Updater(find_origin(), find_installers(), config_folder(), datetime.now(UTC))
    if arguments.in_background:
        print(json.dumps(asdict(updater.look_in_background(arguments.in_background))))
        return 0
    found = updater.look()
    if found.is_newer:
        print(f"{found} Installing it ({updater.origin.keeper}) …")
        found = updater.install(found)
    print(found)
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from datetime import UTC, datetime
    from pathlib import Path

    from handoff_sidecar.doctor.examination import examine
    from handoff_sidecar.doctor.findings import as_json, is_well, line, verdict
    from handoff_sidecar.settings import config_folder

    findings = []
    for finding in examine(config=config_folder(), project=Path.cwd(), now=datetime.now(UTC), live=arguments.live):
        findings.append(finding)
        if not arguments.json:
            print(line(finding, sys.stdout.encoding), flush=True)
    if arguments.json:
        print(as_json(findings))
    else:
        print(verdict(findings, sys.stdout.encoding))
    return 0 if is_well(findings) else 1


def _demo(arguments: argparse.Namespace) -> int:
    from handoff_sidecar.demo.story import run_demo

    return run_demo(tui=arguments.tui)


def _show(arguments: argparse.Namespace) -> int:
    journal = _journal()
    brief = journal.brief_about(arguments.session)
    if brief is None:
        about = f"of {arguments.session} " if arguments.session else ""
        raise HandoffSidecarError(f"no brief {about}is kept in {journal.folder}")
    from handoff_sidecar.brief_file import document, read_brief

    print(document(*read_brief(brief)), end="")
    return 0


def _resume(arguments: argparse.Namespace) -> int:
    import asyncio
    from pathlib import Path

    from handoff_sidecar.outside import resume_from_outside

    work = resume_from_outside(arguments.id, _server(arguments.url), journal=_journal(), here=Path.cwd())
    resumed = asyncio.run(work)
    session = resumed.session
    print(" ".join([f'"{session.title}" is there.', *resumed.remarks, f"Open it with: opencode -s {session.id}"]))
    return 0


def _chain(arguments: argparse.Namespace) -> int:
    from handoff_sidecar.lineage import line_of, write_line

    journal = _journal()
    line = line_of(arguments.session, (entry for _, entry in journal.entries()))
    if not line:
        raise HandoffSidecarError(f"no brief in {journal.folder} speaks of {arguments.session}: it was not handed off")
    print(write_line(line, arguments.session))
    return 0


def _preview(arguments: argparse.Namespace) -> int:
    import asyncio
    from datetime import UTC, datetime

    from handoff_sidecar.opencode.client import is_session_id
    from handoff_sidecar.opencode.models import SessionID
    from handoff_sidecar.preview import preview
    from handoff_sidecar.settings import config_folder

    if not is_session_id(arguments.session):
        raise HandoffSidecarError(
            f"{arguments.session!r} is no session id: they look like ses_df89f0ceaffej9TPi2hs7g3BYo"
        )
    now = datetime.now(UTC)
    made = preview(SessionID(arguments.session), _server(arguments.url), config=config_folder(), now=now)
    print(asyncio.run(made), end="")
    return 0


def _server(url: str) -> Server:
    from handoff_sidecar.preview import Server

    username, password = (os.environ.get(f"OPENCODE_SERVER_{name}") for name in ("USERNAME", "PASSWORD"))
    return Server(url, username or "opencode", password)


def _journal() -> Journal:
    from handoff_sidecar.folders import briefs_folder
    from handoff_sidecar.journal import Journal

    return Journal(briefs_folder())


def _read(arguments: argparse.Namespace) -> int:
    import asyncio
    import json
    from pathlib import Path

    from handoff_sidecar.outside import read_from_outside
    from handoff_sidecar.settings import config_folder
    from handoff_sidecar.tools.definitions import ReadSession, check_arguments

    named = {name: getattr(arguments, name) for name in ("query", "file", "limit", "before", "detail")}
    given = {name: value for name, value in named.items() if value is not None}
    asked = check_arguments("read", ReadSession, {"session_id": arguments.session, **given})
    server = _server(arguments.url)
    answer = asyncio.run(read_from_outside(asked, server, config=config_folder(), directory=str(Path.cwd())))
    print(json.dumps(answer.as_json(), ensure_ascii=False, indent=2) if arguments.json else answer.markdown())
    return 0


def _stdio(_arguments: argparse.Namespace) -> NoReturn:
    from handoff_sidecar.app import run_on_stdio

    run_on_stdio()

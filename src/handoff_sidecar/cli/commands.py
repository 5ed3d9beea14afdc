"""What each subcommand of `handoff-sidecar` does, and what it prints; those that install something are in `installing`.

Each imports what it needs when it runs: every OpenCode starts `stdio`, which must be quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from handoff_sidecar.cli.progress import told_if_slow
from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.opencode.server import server_at

if TYPE_CHECKING:
    from handoff_sidecar.journal.journal import Journal


def doctor(arguments: argparse.Namespace) -> int:
    """Check the installation and suggest fixes."""
    from datetime import UTC, datetime
    from pathlib import Path

    from handoff_sidecar.doctor.examination import examine
    from handoff_sidecar.doctor.findings import Finding, as_json, is_well, line, verdict
    from handoff_sidecar.settings import config_folder

    findings: list[Finding] = []
    examined = examine(config=config_folder(), project=Path.cwd(), now=datetime.now(UTC), live=arguments.live)
    while True:
        with told_if_slow("Checking"):
            finding = next(examined, None)
        if finding is None:
            break
        findings.append(finding)
        if not arguments.json:
            print(line(finding, sys.stdout.encoding), flush=True)
    if arguments.json:
        print(as_json(findings))
    else:
        print(verdict(findings, sys.stdout.encoding))
    return 0 if is_well(findings) else 1


def demo(arguments: argparse.Namespace) -> int:
    """Show a handoff in a real OpenCode."""
    from handoff_sidecar.demo.story import run_demo

    if arguments.tui and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise HandoffSidecarError(
            "`demo --tui` opens OpenCode's TUI, which needs a terminal. Run it in one, or run `handoff-sidecar demo`, "
            "which only prints"
        )
    return run_demo(tui=arguments.tui)


def show(arguments: argparse.Namespace) -> int:
    """Print a brief: as a person reads it, or the file as it is kept."""
    from handoff_sidecar.cli.brief_list import write_brief
    from handoff_sidecar.journal.brief_file import read_brief

    journal = _journal()
    path = journal.brief_about(arguments.session)
    if path is None and next(journal.handoffs(), None) is None:
        raise HandoffSidecarError(_no_briefs(journal))
    if path is None:
        raise HandoffSidecarError(
            f"there is no brief of {arguments.session} in {journal.folder}. `handoff-sidecar briefs --all` lists all "
            "briefs"
        )
    print(path.read_text(encoding="utf-8") if arguments.raw else write_brief(read_brief(path)), end="")
    return 0


def briefs(arguments: argparse.Namespace) -> int:
    """List the briefs."""
    from handoff_sidecar.cli.brief_list import write_list

    journal = _journal()
    handoffs = [handoff for _, handoff in journal.handoffs()]
    print(write_list(handoffs, whole=arguments.all) if handoffs else f"So far, {_no_briefs(journal)}.")
    return 0


def _no_briefs(journal: Journal) -> str:
    return f"there are no briefs in {journal.folder}. Type `handoff` in a session of OpenCode to make one"


def resume(arguments: argparse.Namespace) -> int:
    """Make the session of a brief."""
    import asyncio
    from pathlib import Path

    from handoff_sidecar.cli.remote import resume_from_outside

    work = resume_from_outside(arguments.id, server_at(arguments.url, os.environ), journal=_journal(), here=Path.cwd())
    with told_if_slow("Making the session"):
        resumed = asyncio.run(work)
    print(resumed.output)
    return 0


def preview(arguments: argparse.Namespace) -> int:
    """Print what a handoff of a session would hand on now."""
    import asyncio
    from datetime import UTC, datetime

    from handoff_sidecar.cli.brief_list import write_brief
    from handoff_sidecar.cli.remote import preview_from_outside
    from handoff_sidecar.settings import config_folder

    now = datetime.now(UTC)
    made = preview_from_outside(
        arguments.session, server_at(arguments.url, os.environ), config=config_folder(), now=now
    )
    with told_if_slow("Reading the session"):
        handoff = asyncio.run(made)
    print(write_brief(handoff), end="")
    return 0


def _journal() -> Journal:
    from handoff_sidecar.folders import briefs_folder
    from handoff_sidecar.journal.journal import Journal

    return Journal(briefs_folder())


def read(arguments: argparse.Namespace) -> int:
    """Read or search a session, or all of a project."""
    import asyncio
    import json
    from pathlib import Path

    from handoff_sidecar.cli.remote import read_from_outside
    from handoff_sidecar.folders import cache_folder
    from handoff_sidecar.reading.definition import ReadSession
    from handoff_sidecar.settings import config_folder

    named = {name: getattr(arguments, name) for name in ("query", "file", "limit", "before", "detail")}
    given = {name: value for name, value in named.items() if value is not None}
    asked = ReadSession(session_id=arguments.session, **given)
    server = server_at(arguments.url, os.environ)
    folders = {"config": config_folder(), "cache": cache_folder()}
    with told_if_slow("Reading"):
        answer = asyncio.run(read_from_outside(asked, server, **folders, directory=str(Path.cwd())))
    print(json.dumps(answer.as_json(), ensure_ascii=False, indent=2) if arguments.json else answer.markdown())
    return 0


def index(arguments: argparse.Namespace) -> int:
    """Show what the search indexes hold, or make one anew."""
    import asyncio
    from pathlib import Path

    from handoff_sidecar.cli.index import rebuild, state_of
    from handoff_sidecar.folders import cache_folder

    if arguments.rebuild:
        print(asyncio.run(rebuild(server_at(arguments.url, os.environ), str(Path.cwd()), cache_folder())))
    else:
        print("\n".join(state_of(cache_folder())))
    return 0


def stdio(_arguments: argparse.Namespace) -> NoReturn:
    """Serve an OpenCode process as its sidecar."""
    # httpx has a command line of its own, for which it would load click and rich where they are: a third of our start.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    from handoff_sidecar.sidecar.process import run_on_stdio

    run_on_stdio()

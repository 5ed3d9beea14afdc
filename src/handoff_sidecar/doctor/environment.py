"""The checks of what is there before anything is started: Python, packages, OpenCode, settings, folders, crashes."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from packaging.version import Version

from handoff_sidecar import __version__
from handoff_sidecar.demo.binary import ENVIRONMENT_VARIABLE, version_of
from handoff_sidecar.doctor.findings import Finding, broken, good, note
from handoff_sidecar.folders import APP_NAME, cache_folder, log_folder, state_folder
from handoff_sidecar.indexing.indexes import FOLDER as INDEX_FOLDER
from handoff_sidecar.installation.opencode_config import CONFIG_FILES, read_config, text_of
from handoff_sidecar.installation.origin import Origin
from handoff_sidecar.installation.releases import Installers
from handoff_sidecar.opencode.versions import NEWEST_TRIED, OLDEST, is_supported, is_untried
from handoff_sidecar.search.index_file import why_no_index
from handoff_sidecar.settings import SETTINGS_FILE, load_settings, schema_is_stale
from handoff_sidecar.sidecar.logs import LOG_FILE, STARTED, UNMARKED_PROMPTS
from handoff_sidecar.text.tokens import Tokenizer

LEAST_FREE_BYTES = 20_000_000
"""Two hundred briefs and the logs need 4 MB."""

CRASH_AGE = timedelta(days=7)
"""An older one has been lived with."""

CORRECT_CONFIG = "correct it: OpenCode won't start with it"

_VARIABLE = re.compile(r"\{(?:env|file):")
"""OpenCode puts these in before it reads the JSON, so one may stand for a number (seen in 1.18.34)."""

OPENCODES_PACKAGE = "@opencode-ai/plugin"
LOCKS = ("package-lock.json", "bun.lock")
"""Of npm, and of Bun in older versions of OpenCode."""

_TIME = "%Y-%m-%d %H:%M:%S"
_CRASH = re.compile(r"(?m)^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ \d+ (?:ERROR|CRITICAL) (.*(?:\n(?!\d{4}-).*)*)")


def program(origin: Origin) -> Finding:
    """This program, where it came from, and the Python that runs it, which `install` names in the plugin file."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return good("program", f"{APP_NAME} {__version__} ({origin}); Python {version} ({sys.executable})")


def opencode() -> Finding:
    """The person's OpenCode: the one that is named for us, the one on the PATH, or where its own installer puts it."""
    usual = shutil.which("opencode") or shutil.which("opencode", path=Path.home() / ".opencode" / "bin")
    program = os.environ.get(ENVIRONMENT_VARIABLE) or usual
    if program is None:
        return note("OpenCode", "not found on the PATH", "install it (https://opencode.ai), if you haven't")
    version = version_of(Path(program))
    if version is None:
        return note(
            "OpenCode", f"{program} did not print its version", f"run `{program} --version` and read what it says"
        )
    if not is_supported(version):
        if version.startswith("2."):
            return broken("OpenCode", f"{version} can't load plugins for 1.x", f"use OpenCode 1.x, {OLDEST} or later")
        return broken(
            "OpenCode",
            f"{version} ({program}) is too old",
            f"run `opencode upgrade`: {OLDEST} is the oldest that works",
        )
    if is_untried(version):
        return note("OpenCode", f"{version} ({program}) is newer than {NEWEST_TRIED}, the newest that we have tried")
    return good("OpenCode", f"{version} ({program})")


def npm_install(config: Path) -> Finding:
    """OpenCode's own npm install in its configuration folder (seen in 1.15.13 to 1.18.34)."""
    if (config / "node_modules" / OPENCODES_PACKAGE).is_dir() or any(
        OPENCODES_PACKAGE in text_of(config / name) for name in LOCKS
    ):
        return good("npm install", f"OpenCode has its own packages in {config}")
    if "package-lock.json" in text_of(config / ".gitignore"):  # which OpenCode writes just before
        return good("npm install", "OpenCode tried to install its own packages and failed. Handoffs don't need them")
    return note(
        "npm install",
        f"when OpenCode first starts with a plugin, it downloads about 63 MB of its own packages into {config}. "
        "Offline, that start takes more than a minute",
        "start OpenCode once while you are online",
    )


def opencode_config(config: Path) -> Finding:
    """OpenCode's own configuration, which may be absent or empty; with a broken one it does not start (1.18.34)."""
    files = [config / name for name in CONFIG_FILES if (config / name).exists()]
    for file in files:
        try:
            if file.stat().st_size and not isinstance(read_config(file), dict):
                return broken("opencode.json", f"{file} must hold a JSON object such as {{}}", CORRECT_CONFIG)
        except OSError as error:
            return broken("opencode.json", f"{file} could not be read ({error.strerror})", CORRECT_CONFIG)
        except (ValueError, RecursionError) as error:
            if _VARIABLE.search(text_of(file)):
                return note(
                    "opencode.json", f"{file} was not checked: it isn't JSON until OpenCode fills in its variables"
                )
            return broken("opencode.json", f"{file} is not valid JSON: {error}", CORRECT_CONFIG)
    return good("opencode.json", ", ".join(str(file) for file in files) or f"none in {config}; none is needed")


def settings(config: Path, project: Path) -> Iterator[Finding]:
    """The settings files of the person and of the folder that this is run in; a line for each problem."""
    loaded = load_settings(config=config, project=project)
    for problem in loaded.problems:
        yield broken("settings", problem, "correct it")
    if schema_is_stale(config):
        yield note(
            "settings",
            f"{config / SETTINGS_FILE}: its `$schema` points to another installation",
            "run `handoff-sidecar install`",
        )
    if not loaded.problems:
        given = loaded.settings.model_dump(exclude_defaults=True)
        told = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in given.items())
        yield good("settings", told or "all at their defaults")


def tokenizer() -> Finding:
    """The vocabulary that came with the package."""
    try:
        count = Tokenizer().count("What is left to do?")
    except Exception as error:  # noqa: BLE001 — a damaged package fails in many ways
        return broken("tokenizer", str(error), f"install {APP_NAME} again")
    return good("tokenizer", f"loaded, without the internet ({count} tokens in a sentence of 5 words)")


def folders() -> Iterator[Finding]:
    """Where briefs and logs go."""
    for subject, folder in (("briefs", state_folder()), ("log", log_folder())):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                free_bytes = shutil.disk_usage(there).free
        except OSError as error:
            yield broken(subject, f"{there} is not writable ({error.strerror})", "make it writable")
            continue
        if free_bytes < LEAST_FREE_BYTES:
            yield broken(subject, f"only {free_bytes // 1_000_000} MB are free for {folder}", "make room on that disk")
        else:
            yield good(subject, str(folder))


def search_index(config: Path) -> Finding:
    """Whether this Python's SQLite can hold the index that searches use, and how large the indexes are."""
    if reason := why_no_index():
        return note(
            "search index",
            f"this Python can't keep one ({reason}); searches read the sessions themselves, "
            "and don't rank what they find",
            "install handoff-sidecar with another Python",
        )
    folder = cache_folder() / INDEX_FOLDER
    files = [file for file in folder.glob("*") if file.is_file()]
    size_mb = sum(file.stat().st_size for file in files) / 1_000_000
    holds = f"{folder} has {size_mb:,.1f} MB" if files else f"{folder} has none yet"
    is_off = not load_settings(config=config, project=None).settings.index
    return good("search index", f"{'off (`index`); ' if is_off else ''}{holds}")


def latest_crash(now: datetime) -> Finding:
    """The newest unexpected error in the log."""
    for file in sorted(log_folder().glob(f"{LOG_FILE}*")):  # the newest has no number
        crashes = _CRASH.findall(text_of(file))
        if crashes:
            time, what = crashes[-1]
            when = datetime.strptime(time, _TIME).astimezone(UTC)
            if now - when > CRASH_AGE:
                break
            lines = [text for text in what.splitlines() if text.strip()]
            told = lines[0] if len(lines) == 1 else f"{lines[0]}: {lines[-1]}"
            return note("latest crash", f"{time}: {told[:300]}", f"please report it; the whole error is in {file}")
    return good("latest crash", f"none in the last {CRASH_AGE.days} days")


def prompts_of_others() -> Finding:
    """Whether what other plugins prompt was told from the person's words when OpenCode last ran."""
    text = text_of(log_folder() / LOG_FILE)
    if text.rfind(UNMARKED_PROMPTS) > text.rfind(STARTED.rpartition("%s")[0].rpartition("%s")[2]):
        return note(
            "prompts",
            "this OpenCode can't tell other plugins' prompts from yours. A session that was handed off is locked "
            "against changes until you write in it; in this OpenCode, another plugin's prompt unlocks it too",
            "please report which version of OpenCode that is",
        )
    return good("prompts", "other plugins' prompts are told apart from your messages")


def updates(config: Path, origin: Origin, installers: Installers) -> Finding:
    """How a newer version comes here."""
    how = load_settings(config=config, project=None).settings.auto_update
    if not origin.follows_index:
        return good("updates", f"by hand: {origin.by_hand}")
    if how == "off":
        return good("updates", f"off (`auto_update`); by hand: {origin.by_hand}")
    if installers.uv is None and (origin.keeper == "uv tool" or not installers.pip):
        why = "uv is not" if origin.keeper == "uv tool" else f"neither uv nor pip {Version('26')} or later is"
        return note("updates", f"can't be looked for: {why} on the PATH", f"update by hand: {origin.by_hand}")
    installs = how == "install" and origin.updates_itself
    marks = sorted(cache_folder().glob("looked-for-updates-*"))
    looked = f", last on {marks[-1].name[-10:]}" if marks else ""
    does = "installs newer versions" if installs else f"tells you of newer versions; to update: {origin.by_hand}"
    return good("updates", f"looks once a day{looked}; {does}")

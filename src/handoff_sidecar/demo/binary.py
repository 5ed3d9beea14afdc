"""Finds an OpenCode to run, or brings one with npm.

Owns the choice of the program and its copy in the user's cache folder. Knows nothing of how it is then run.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from packaging.version import InvalidVersion, Version

from handoff_sidecar.demo.npm import ABOUT_MB, fetch
from handoff_sidecar.errors import OpenCodeNotFound
from handoff_sidecar.folders import cache_folder, make_private
from handoff_sidecar.opencode.versions import NEWEST_TRIED, is_supported

ENVIRONMENT_VARIABLE = "HANDOFF_SIDECAR_OPENCODE"
PINNED_VERSION = str(NEWEST_TRIED)
VERSION_TIMEOUT_S = 30.0  # under a second on an idle machine
AVX2_FEATURE_WINDOWS = 40  # PF_AVX2_INSTRUCTIONS_AVAILABLE
BY_HAND = f"Install OpenCode yourself (https://opencode.ai), or name its program in {ENVIRONMENT_VARIABLE}."


@dataclass(frozen=True, slots=True)
class OpenCodeBinary:
    """An OpenCode program that is there, and its version."""

    path: Path
    version: str


def _quiet(_: str) -> None:
    pass


def find_opencode(version: str | None = None, say: Callable[[str], None] = _quiet) -> OpenCodeBinary:
    """An OpenCode that can be run: the named one, the installed one, or one from npm.

    The program that HANDOFF_SIDECAR_OPENCODE names comes first, whatever its version; then `opencode` on the PATH
    if its version is supported; then PINNED_VERSION from the cache or from npm. With `version`, only exactly that
    version will do, wherever it comes from.

    Args:
        version: the exact version that is wanted.
        say: is told, once, that something is being fetched, which takes a while.

    Raises:
        OpenCodeNotFound: there is none, and none could be fetched; the message says what to do.
    """
    if named := os.environ.get(ENVIRONMENT_VARIABLE):
        path = Path(shutil.which(named) or named).resolve()
        found = version_of(path)
        if found is None:
            raise OpenCodeNotFound(
                f"{ENVIRONMENT_VARIABLE} names {named}, which doesn't answer `--version` as OpenCode does. "
                "Correct the variable, or unset it."
            )
        if version in {None, found}:
            return OpenCodeBinary(path, found)
    if version is None and (installed := shutil.which("opencode")):
        found = version_of(Path(installed))
        if found is not None and is_supported(found):
            return OpenCodeBinary(Path(installed), found)
    return _cached_or_fetched(version or PINNED_VERSION, say)


def version_of(program: Path) -> str | None:
    """The version that the program prints, or None if it isn't an OpenCode that runs."""
    try:
        done = subprocess.run(  # noqa: S603 — the person's own program, and no shell
            [str(program), "--version"],
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=VERSION_TIMEOUT_S,
        )
        return str(Version(done.stdout.strip()))
    except (OSError, subprocess.SubprocessError, InvalidVersion):
        return None


def npm_package(system: str, machine: str, *, avx2: bool, musl: bool) -> str:
    """The npm package that holds OpenCode for a platform (those that `opencode-ai` 1.18.33 lists as optional).

    Args:
        system: as `sys.platform` says it.
        machine: as `platform.machine()` says it.
        avx2: whether the processor has AVX2, without which an x64 program must be the `-baseline` one.
        musl: whether the C library is musl.

    Raises:
        OpenCodeNotFound: OpenCode isn't made for this platform.
    """
    systems = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
    machines = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    if system not in systems or machine.lower() not in machines:
        raise OpenCodeNotFound(f"There is no OpenCode package for {system} on {machine}. {BY_HAND}")
    words = ["opencode", systems[system], machines[machine.lower()]]
    if words[2] == "x64" and not avx2:
        words.append("baseline")
    if system == "linux" and musl:
        words.append("musl")
    return "-".join(words)


def _package_for_this_machine() -> str:
    # platform.libc_ver() finds glibc by asking the C library itself; musl has no answer for it.
    musl = sys.platform == "linux" and platform.libc_ver()[0] != "glibc"
    return npm_package(sys.platform, platform.machine(), avx2=_has_avx2(), musl=musl)


def _has_avx2() -> bool:
    if sys.platform == "win32":
        return bool(ctypes.windll.kernel32.IsProcessorFeaturePresent(AVX2_FEATURE_WINDOWS))
    with suppress(OSError, subprocess.SubprocessError):
        if sys.platform == "darwin":
            words = ["/usr/sbin/sysctl", "-n", "hw.optional.avx2_0"]
            return subprocess.run(words, capture_output=True, check=True).stdout.strip() == b"1"  # noqa: S603 — fixed
        return "avx2" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return False  # unknown: the baseline program runs everywhere


def _cached_or_fetched(version: str, say: Callable[[str], None]) -> OpenCodeBinary:
    package = _package_for_this_machine()
    name = "opencode.exe" if sys.platform == "win32" else "opencode"
    cache = cache_folder() / "opencode"
    folder = cache / version / package
    program = folder / name
    if not program.exists():
        try:
            make_private(cache)
            # On the same disk as its place, so that the last step is one rename: the second of two finds the first's.
            with tempfile.TemporaryDirectory(prefix=".fetching-", dir=cache) as temporary:
                say(f"Fetching OpenCode {version} (about {ABOUT_MB} MB) into {folder} …")
                ready = Path(temporary) / "ready"
                ready.mkdir()
                _unpack(fetch(f"{package}@{version}", Path(temporary), otherwise=BY_HAND), ready / name)
                _put_in_place(ready, folder, program)
        except OSError as error:
            raise OpenCodeNotFound(
                f"OpenCode {version} could not be stored in {folder}: {error}. Make room there, or: {BY_HAND}"
            ) from error
    return OpenCodeBinary(program, version)


def _unpack(archive: Path, program: Path) -> None:
    # Only the one file is read, under a name of ours: nothing in the archive can choose where to be written.
    try:
        with tarfile.open(archive) as package:
            source = package.extractfile(f"package/bin/{program.name}")
            with source or nullcontext(BytesIO()) as content, program.open("wb") as target:
                shutil.copyfileobj(content, target)
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise OpenCodeNotFound(f"The package {archive.name} doesn't hold an OpenCode program. {BY_HAND}") from error
    program.chmod(0o755)


def _put_in_place(ready: Path, folder: Path, program: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    try:
        ready.rename(folder)
    except OSError:
        if not program.exists():
            raise

"""The one folder in which fidelity's projects are: always of the same name, as paths count in tokens.

It is the benchmark's own: made here, and removed at the end with all that is in it. No project of a person's is
written to.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from benchmarks.errors import BadInput

NAME = "handoff-sidecar-fidelity"


@contextmanager
def project_folder(parent: Path | None = None) -> Iterator[Path]:
    """The folder, for as long as the block runs.

    Args:
        parent: where it is made; else the system's folder for temporary files.

    Raises:
        BadInput: it is there already, and may be somebody's.
    """
    check_free(parent)
    folder = _folder(parent)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def check_free(parent: Path | None = None) -> None:
    """Whether the folder can be made; asked before the parts that are measured first, too.

    Raises:
        BadInput: it is there already.
    """
    folder = _folder(parent)
    if folder.exists() or folder.is_symlink():
        raise BadInput(
            f"{folder} is there already: another `fidelity` is running, or one was killed. If none is, remove it"
        )


def _folder(parent: Path | None) -> Path:
    return (parent or Path(tempfile.gettempdir())).resolve() / NAME


def fill(folder: Path, files: Sequence[str]) -> None:
    """Let the folder hold these files, empty ones, and nothing else.

    Raises:
        BadInput: one is not below the folder.
    """
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    for file in files:
        if not is_within(file):
            raise BadInput(f"{file!r} is no path within a project")
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def is_within(file: str) -> bool:
    """Whether it is a relative path that leads to a place below where it starts."""
    path = PurePosixPath(file.replace("\\", "/"))
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and ":" not in path.parts[0]

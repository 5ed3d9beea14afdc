"""The file that settings are in: how it is read and changed, and what is said of one that can't be.

It may have comments and trailing commas, as OpenCode's own files may. Does not know which settings there are.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handoff_sidecar import jsonc
from handoff_sidecar.errors import SettingsUnreadable, SettingsUnwritable
from handoff_sidecar.folders import make_private, write_private

MAX_FILE_BYTES = 64 * 1024
"""A hundred times what all settings together take."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file as it was read; one that isn't there holds nothing."""

    text: str = "{}\n"
    values: dict[str, Any] = field(default_factory=dict)


def read_settings_file(file: Path) -> SettingsFile:
    """What the file holds, key by key.

    Raises:
        SettingsUnreadable: it is not a file, can't be read, is longer than MAX_FILE_BYTES, or holds no JSON object.
    """
    try:
        text = _text_of(file)
        values = jsonc.parse(text)
    except FileNotFoundError:
        return SettingsFile()
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsUnreadable(f"{file} {_why_unreadable(error)}") from error
    if not isinstance(values, dict):
        raise SettingsUnreadable(f"{file} must hold a JSON object such as {{}}")
    return SettingsFile(text, values)


def write_settings_file(file: Path, text: str) -> None:
    """Put the text in the file's place.

    Raises:
        SettingsUnwritable: it could not be written.
    """
    try:
        make_private(file.parent)
        write_private(file.resolve(), text)  # people keep such files as links into a repository of their own
    except OSError as error:
        raise SettingsUnwritable(f"{file} could not be written: {error.strerror}") from error


def _why_unreadable(error: Exception) -> str:
    if isinstance(error, IsADirectoryError):
        return "is a folder, not a file"
    if isinstance(error, json.JSONDecodeError):
        return f"is not valid JSON ({error.msg}: line {error.lineno} column {error.colno})"
    if isinstance(error, RecursionError):
        return "is not valid JSON (its brackets are nested too deeply)"
    if isinstance(error, UnicodeDecodeError):
        return f"could not be read (byte {error.start + 1} is not UTF-8)"
    return f"could not be read ({(isinstance(error, OSError) and error.strerror) or error})"


def _text_of(file: Path) -> str:
    """The file's text, never waiting and never reading more than a settings file can be.

    A project may hold anything in this place: a pipe that nobody writes to, a link to an endless device.

    Raises:
        OSError: it can't be opened.
        ValueError: it is not a regular file, is too large, or is not UTF-8.
    """
    with open(file, "rb", opener=_without_waiting) as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise ValueError("it is not a regular file")
        text = source.read(MAX_FILE_BYTES + 1)
    if len(text) > MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_FILE_BYTES:,} bytes")
    return text.decode("utf-8-sig")  # some editors on Windows begin a file with a byte order mark


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no pipes in folders

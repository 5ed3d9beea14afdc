"""The file that settings are in: how it is read, and what is said of one that can't be.

Does not know which settings there are.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from handoff_sidecar.errors import SettingsUnreadable


def read_settings_file(file: Path, max_bytes: int) -> dict[str, Any]:
    """What the file holds, key by key; nothing if it isn't there.

    Raises:
        SettingsUnreadable: it is no file, can't be read, is longer than `max_bytes`, or holds no JSON object.
    """
    try:
        text = _text_of(file, max_bytes)
        given = json.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsUnreadable(f"{file} {_why_unreadable(error)}; its settings do not count") from error
    if not isinstance(given, dict):
        raise SettingsUnreadable(f"{file} must hold a JSON object such as {{}}; its settings do not count")
    return given


def _why_unreadable(error: Exception) -> str:
    if isinstance(error, IsADirectoryError):
        return "is a folder and no file"
    if isinstance(error, json.JSONDecodeError):
        return _why_no_json(error)
    if isinstance(error, RecursionError):
        return "is not valid JSON (too many brackets within each other)"
    if isinstance(error, UnicodeDecodeError):
        return f"could not be read (byte {error.start + 1} is not UTF-8)"
    return f"could not be read ({(isinstance(error, OSError) and error.strerror) or error})"


def _why_no_json(error: json.JSONDecodeError) -> str:
    if error.doc.startswith(("//", "/*"), error.pos):
        return f"has a comment in line {error.lineno}, which this file can't have"  # unlike OpenCode's own
    return f"is not valid JSON ({error.msg}: line {error.lineno} column {error.colno})"


def _text_of(file: Path, max_bytes: int) -> str:
    """The file's text, never waiting and never reading more than a settings file can be.

    A project may hold anything in this place: a pipe that nobody writes to, a link to an endless device.

    Raises:
        OSError: it can't be opened.
        ValueError: it is no regular file, is too large, or is not UTF-8.
    """
    with open(file, "rb", opener=_without_waiting) as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise ValueError("it is no regular file")
        text = source.read(max_bytes + 1)
    if len(text) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes:,} bytes")
    return text.decode("utf-8-sig")  # some editors on Windows begin a file with a byte order mark


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no pipes in folders

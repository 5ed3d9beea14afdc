"""The settings that a person can make, where they are read from, and what is said about bad ones.

`handoff.json` in OpenCode's own config folder, then `.opencode/handoff.json` of the project, key by key. A bad
value never stops anything: it is named, and the default counts. `python -m handoff_sidecar.settings` prints the JSON
schema that editors check the file with.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_sidecar.errors import SettingsUnreadable, SettingsUnwritable
from handoff_sidecar.folders import make_private, write_private

SETTINGS_FILE = "handoff.json"
SCHEMA_FILE = Path(__file__).with_name("handoff.schema.json")

TriggerWord = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^\S.*$")]

MAX_FILE_BYTES = 64 * 1024
"""A hundred times what all settings together take."""


MAX_KEY_CHARACTERS = 40
"""Of an unknown key, in the sentence about it."""


class Settings(BaseModel):
    """Every setting with its default; the descriptions are the ones in the README."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    open: Literal["switch", "picker", "none"] = Field(
        default="switch",
        description="After a handoff: show the new session, open the session picker, or leave the screen alone",
    )
    delivery: Literal["send", "draft", "context"] = Field(
        default="send",
        description=(
            "A new session's prompt: send it, so that the agent starts at once; draft it in the input box, for you to "
            "edit and send (in the TUI, with `open` at `switch`); or only place it, so that you speak first"
        ),
    )
    auto_handoff_threshold: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Percent of the model's context at which a session is handed off by itself, or a little before "
        "OpenCode compacts if that is earlier. Unset: a notice at 80 and no more. `0`: neither",
    )
    warn_before: int = Field(
        default=10,
        ge=0,
        le=100,
        description="A notice comes this many percentage points before an automatic handoff; `0` for none",
    )
    trigger_words: list[TriggerWord] = Field(
        default=[],
        max_length=20,
        description="Further words, in any language, that work like `handoff` at the start of a message. "
        "A change counts from the next start of OpenCode",
    )
    prompt_token_budget: int = Field(
        default=600, ge=250, le=8_000, description="The most tokens that a handoff's prompt may have"
    )
    read_token_budget: int = Field(
        default=4_000,
        ge=500,
        le=50_000,
        description="The most tokens that an answer of read_session may have",
    )
    redact_secrets: bool = Field(
        default=True,
        description="Replace keys, tokens and passwords of known forms in prompts and in answers of read_session",
    )
    allow_other_projects: bool = Field(
        default=False, description="Let read_session read sessions of other projects by their id"
    )
    auto_update: Literal["install", "notify", "off"] = Field(
        default="install",
        description=(
            "Once a day: install a newer version where `uv tool` or `pipx` keeps this one (and only tell of it "
            "elsewhere), only tell of it, or don't look"
        ),
    )
    command: list[str] | None = Field(
        default=None,
        min_length=1,
        description="What `handoff-sidecar install` names as the command that starts the sidecar, in place of its own",
    )

    USER_ONLY: ClassVar[frozenset[str]] = frozenset(
        {"allow_other_projects", "auto_update", "command", "redact_secrets", "trigger_words"}
    )
    """What a hostile project could abuse: these count only from the user's own file."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and a sentence for each thing that was wrong with them."""

    settings: Settings
    problems: tuple[str, ...] = ()


def config_folder(environment: dict[str, str] | None = None) -> Path:
    """OpenCode's config folder: `$OPENCODE_CONFIG_DIR`, else `$XDG_CONFIG_HOME/opencode`, else `~/.config/opencode`.

    OpenCode keeps to this on every platform.
    """
    env = dict(os.environ) if environment is None else environment
    if env.get("OPENCODE_CONFIG_DIR"):
        return Path(env["OPENCODE_CONFIG_DIR"])
    base = Path(env["XDG_CONFIG_HOME"]) if env.get("XDG_CONFIG_HOME") else Path.home() / ".config"
    return base / "opencode"


def load_settings(*, config: Path, project: Path | None) -> LoadedSettings:
    """The settings of a project: its own file over the user's over the defaults."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    users = config / SETTINGS_FILE
    files = [users] + ([project / ".opencode" / SETTINGS_FILE] if project else [])
    for file in files:
        try:
            given = _read(file)
        except SettingsUnreadable as error:
            problems.append(str(error))
            continue
        for key, value in given.items():
            if key == "$schema":
                continue
            if key not in Settings.model_fields:
                # Quoted: a project's key may hold what a terminal takes for a command.
                named = json.dumps(key[:MAX_KEY_CHARACTERS])[1:-1]
                problems.append(f"{file}: there is no setting `{named}`; there are: {', '.join(Settings.model_fields)}")
                continue
            if key in Settings.USER_ONLY and file != users:
                problems.append(f"{file}: `{key}` does not count in a project's file: it counts only in {users}")
                continue
            problem = _problem_with(key, value)
            if problem:
                problems.append(f"{file}: {problem}; what counts is {values.get(key, _default(key))!r}")
            else:
                values[key] = value
    return LoadedSettings(Settings.model_validate(values), tuple(problems))


def add_setting(config: Path, key: str, value: object) -> Path:
    """Write one setting into the user's file, which keeps everything else that it holds; the file.

    Raises:
        SettingsUnreadable: the file there is no JSON object, and is left as it is.
        SettingsUnwritable: it could not be written, or the value is not allowed.
    """
    file = config / SETTINGS_FILE
    problem = _problem_with(key, value)
    if problem:
        raise SettingsUnwritable(problem)
    given = {"$schema": SCHEMA_FILE.as_uri(), **_read(file), key: value}
    try:
        make_private(file.parent)
        target = file.resolve()  # people keep such files as links into a repository of their own
        write_private(target, json.dumps(given, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise SettingsUnwritable(f"{file} could not be written: {error.strerror}") from error
    return file


def schema() -> dict[str, Any]:
    """The JSON Schema of a settings file, as SCHEMA_FILE holds it."""
    made = Settings.model_json_schema()
    properties = {"$schema": {"type": "string"}, **made["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of handoff-sidecar",
        "type": "object",
        "properties": {
            key: {name: value for name, value in field.items() if name != "title"} for key, field in properties.items()
        },
        "additionalProperties": False,
    }


def _read(file: Path) -> dict[str, Any]:
    try:
        text = _text_of(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsUnreadable(f"{file} could not be read ({error}); its settings do not count") from error
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsUnreadable(f"{file} is not valid JSON ({error}); its settings do not count") from error
    if not isinstance(given, dict):
        raise SettingsUnreadable(f"{file} must hold a JSON object such as {{}}; its settings do not count")
    return given


def _text_of(file: Path) -> str:
    """The file's text, never waiting and never reading more than a settings file can be.

    A project may hold anything in this place: a pipe that nobody writes to, a link to an endless device.

    Raises:
        OSError: it can't be opened.
        ValueError: it is no regular file, is too large, or is not UTF-8.
    """
    with open(file, "rb", opener=_without_waiting) as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise ValueError("it is no regular file")
        text = source.read(MAX_FILE_BYTES + 1)
    if len(text) > MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_FILE_BYTES:,} bytes")
    return text.decode()


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no pipes in folders


def _problem_with(key: str, value: object) -> str | None:
    try:
        Settings.model_validate({key: value}, strict=True)
    except ValidationError as error:
        allowed = error.errors(include_url=False)[0]["msg"]
        return f"`{key}` can't be {json.dumps(value)[:80]}: {allowed[0].lower()}{allowed[1:]}"
    return None


def _default(key: str) -> object:
    return Settings.model_fields[key].default


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")

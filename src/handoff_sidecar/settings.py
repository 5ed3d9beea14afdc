"""The settings that a person can make, where they are read from, and what is said about bad ones.

`handoff.json` in OpenCode's own config folder, then `.opencode/handoff.json` of the project, key by key. A bad
value never stops anything: it is named, and the default counts. `python -m handoff_sidecar.settings` prints the JSON
schema that editors check the file with.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_sidecar.errors import SettingsUnreadable, SettingsUnwritable
from handoff_sidecar.folders import make_private, write_private
from handoff_sidecar.settings_file import read_settings_file

SETTINGS_FILE = "handoff.json"
SCHEMA_FILE = Path(__file__).with_name("handoff.schema.json")

TriggerWord = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^\S.*$")]

MAX_FILE_BYTES = 64 * 1024
"""A hundred times what all settings together take."""

MAX_VALUE_CHARACTERS = 80
MAX_KEY_CHARACTERS = 40
"""Of what is quoted, in the sentence about it."""


class Settings(BaseModel):
    """Every setting with its default; docs/settings.md describes them at length."""

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
    index: bool = Field(
        default=True,
        description="Keep an index of each project's sessions in the cache folder, so that they are searched quickly. "
        "`false`: nothing is kept, and searches read the sessions anew",
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
        {"allow_other_projects", "auto_update", "command", "index", "redact_secrets", "trigger_words"}
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
            given = read_settings_file(file, MAX_FILE_BYTES)
        except SettingsUnreadable as error:
            problems.append(str(error))
            continue
        for key, value in given.items():
            if key == "$schema":
                continue
            if key not in Settings.model_fields:
                problems.append(f"{file}: {_unknown(key)}")
                continue
            if key in Settings.USER_ONLY and file != users:
                problems.append(f"{file}: `{key}` does not count in a project's file: it counts only in {users}")
                continue
            problem = _problem_with(key, value)
            if problem:
                problems.append(f"{file}: {problem}; {_what_counts(values.get(key, _default(key)))}")
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
    given = {"$schema": SCHEMA_FILE.as_uri(), **read_settings_file(file, MAX_FILE_BYTES), key: value}
    try:
        make_private(file.parent)
        target = file.resolve()  # people keep such files as links into a repository of their own
        write_private(target, json.dumps(given, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise SettingsUnwritable(f"{file} could not be written: {error.strerror}") from error
    return file


def remove_setting(config: Path, key: str) -> Path:
    """Take one setting out of the user's file, so that its default counts; the file, which keeps everything else.

    Raises:
        SettingsUnreadable: the file there is no JSON object, and is left as it is.
        SettingsUnwritable: it could not be written.
    """
    file = config / SETTINGS_FILE
    given = read_settings_file(file, MAX_FILE_BYTES)
    if key in given:
        del given[key]
        try:
            write_private(file.resolve(), json.dumps(given, indent=2, ensure_ascii=False) + "\n")
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


def _problem_with(key: str, value: object) -> str | None:
    try:
        Settings.model_validate({key: value}, strict=True)
    except ValidationError as error:
        told = error.errors(include_url=False)[0]["msg"].partition(" after validation")[0]
        allowed = re.sub(r"^\w+ should ", "it must ", told)
        return f"`{key}` can't be {_shown(value)}: {allowed[0].lower()}{allowed[1:]}"
    return None


def _unknown(key: str) -> str:
    # Quoted: a project's key may hold what a terminal takes for a command.
    named = json.dumps(key[:MAX_KEY_CHARACTERS])[1:-1]
    alike = difflib.get_close_matches(named, Settings.model_fields, n=1)
    hint = f"did you mean `{alike[0]}`?" if alike else f"there are: {', '.join(Settings.model_fields)}"
    return f"there is no setting `{named}`; {hint}"


def _what_counts(value: object) -> str:
    return "it stays unset" if value is None else f"{_shown(value)} counts"


def _shown(value: object) -> str:
    return json.dumps(value)[:MAX_VALUE_CHARACTERS]


def _default(key: str) -> object:
    return Settings.model_fields[key].default


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")

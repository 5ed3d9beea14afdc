"""The settings that a person can make, where they are read from, and what is said about bad ones.

`handoff.json` in OpenCode's own config folder, then `.opencode/handoff.json` of the project, key by key. A bad
value never stops anything: a sentence names it, and the default is used. `python -m handoff_sidecar.settings` prints
the JSON schema that editors check the file with.
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

from handoff_sidecar import jsonc
from handoff_sidecar.errors import SettingsUnreadable, SettingsUnwritable
from handoff_sidecar.settings_file import read_settings_file, write_settings_file

SETTINGS_FILE = "handoff.json"
SCHEMA_FILE = Path(__file__).with_name("handoff.schema.json")

NO_BLANK_FIRST = r"^\S.*$"

TriggerWord = Annotated[str, Field(min_length=1, max_length=40, pattern=NO_BLANK_FIRST)]

_OUR_SCHEMA = re.compile(rf"file:.*/handoff_sidecar/{re.escape(SCHEMA_FILE.name)}")
"""What `$schema` names after an install, whichever Python's package it was."""

MAX_VALUE_CHARACTERS = 80
MAX_KEY_CHARACTERS = 40
"""How much of a bad value or key a sentence quotes."""


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
            "What happens to the new session's prompt. `send`: it is sent, so that the agent starts at once. "
            "`draft`: it is put into the input box for you to edit and send (in the TUI, with `open` at `switch`). "
            "`context`: it is stored, and you write first"
        ),
    )
    auto_handoff_threshold: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="The percentage of the model's context at which a session is handed off automatically, or a "
        "little before OpenCode compacts if that is earlier. If it is not set, there is one notice at 80. With `0`, "
        "there is neither",
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
        description="More words, in any language, that work like `handoff` at the start of a message. "
        "A change takes effect when OpenCode next starts",
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
        description=(
            "Replace keys, tokens and passwords in well-known formats, in prompts and in answers of read_session"
        ),
    )
    index: bool = Field(
        default=True,
        description="Keep an index of each project's sessions in the cache folder, so that they are searched quickly. "
        "`false`: nothing is kept, and searches read the sessions anew",
    )
    allow_other_projects: bool = Field(
        default=False, description="Let read_session read sessions of other projects by their ids"
    )
    auto_update: Literal["install", "notify", "off"] = Field(
        default="install",
        description=(
            "Look for a newer version once a day. `install`: install it if `uv tool` or `pipx` manages this one; if "
            "not, only tell you. `notify`: only tell you. `off`: don't look"
        ),
    )
    command: list[str] | None = Field(
        default=None,
        min_length=1,
        description="The command that starts the sidecar. `handoff-sidecar install` writes it into the plugin file in "
        "place of the usual one",
    )

    USER_ONLY: ClassVar[frozenset[str]] = frozenset(
        {"allow_other_projects", "auto_update", "command", "index", "redact_secrets", "trigger_words"}
    )
    """What a hostile project could abuse: only the user's own file can set these."""


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
        if os.path.lexists(unread := file.with_suffix(".jsonc")):
            problems.append(
                f"{unread} is not read: put its settings into {file.name}, which may have comments and trailing commas"
            )
        try:
            given = read_settings_file(file).values
        except SettingsUnreadable as error:
            problems.append(f"{error}; its settings are ignored")
            continue
        for key, value in given.items():
            if key == "$schema":
                continue
            if key not in Settings.model_fields:
                problems.append(f"{file}: {_unknown(key)}")
                continue
            if key in Settings.USER_ONLY and file != users:
                problems.append(f"{file}: a project can't set `{key}`; set it in {users}")
                continue
            problem = _problem_with(key, value)
            if problem:
                problems.append(f"{file}: {problem}; {_what_is_used(values.get(key, _default(key)))}")
            else:
                values[key] = value
    return LoadedSettings(Settings.model_validate(values), tuple(problems))


def add_setting(config: Path, key: str, value: object) -> Path:
    """Write one setting into the user's file, which keeps everything else that it holds; the file.

    Raises:
        SettingsUnreadable: what the file holds is not a JSON object, and is left as it is.
        SettingsUnwritable: it could not be written, or the value is not allowed.
    """
    file = config / SETTINGS_FILE
    problem = _problem_with(key, value)
    if problem:
        raise SettingsUnwritable(problem)
    held = read_settings_file(file)
    text = jsonc.with_member(held.text, key, value)
    if "$schema" not in held.values:
        text = jsonc.with_member(text, "$schema", SCHEMA_FILE.as_uri())
    write_settings_file(file, text)
    return file


def remove_setting(config: Path, key: str) -> Path:
    """Take one setting out of the user's file, so that its default is used; the file, which keeps everything else.

    Raises:
        SettingsUnreadable: what the file holds is not a JSON object, and is left as it is.
        SettingsUnwritable: it could not be written.
    """
    file = config / SETTINGS_FILE
    held = read_settings_file(file)
    if key in held.values:
        write_settings_file(file, jsonc.without_member(held.text, key))
    return file


def schema_is_stale(config: Path) -> bool:
    """Whether the user's file names the schema of an installation that is not this one."""
    try:
        named = read_settings_file(config / SETTINGS_FILE).values.get("$schema")
    except SettingsUnreadable:
        return False
    return isinstance(named, str) and named != SCHEMA_FILE.as_uri() and bool(_OUR_SCHEMA.fullmatch(named))


def renew_schema(config: Path) -> Path | None:
    """Let a `$schema` of ours in the user's file name this installation's; the file if it was changed.

    Raises:
        SettingsUnwritable: it could not be written.
    """
    file = config / SETTINGS_FILE
    if not schema_is_stale(config):
        return None
    write_settings_file(file, jsonc.with_member(read_settings_file(file).text, "$schema", SCHEMA_FILE.as_uri()))
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
        first = error.errors(include_url=False)[0]
        whose = "it" if len(first["loc"]) == 1 else "each item"
        told = first["msg"].partition(" after validation")[0]
        told = told.replace(f"match pattern '{NO_BLANK_FIRST}'", "not begin with a blank")
        allowed = re.sub(r"^\w+ should ", f"{whose} must ", told)
        return f"`{key}` can't be {_shown(value)}: {allowed[0].lower()}{allowed[1:]}"
    return None


def _unknown(key: str) -> str:
    # Quoted: a project's key may hold what a terminal takes for a command.
    named = json.dumps(key[:MAX_KEY_CHARACTERS])[1:-1]
    alike = difflib.get_close_matches(named, Settings.model_fields, n=1)
    hint = f"did you mean `{alike[0]}`?" if alike else f"the settings are {', '.join(Settings.model_fields)}"
    return f"there is no setting `{named}`; {hint}"


def _what_is_used(value: object) -> str:
    return "it stays unset" if value is None else f"{_shown(value)} is used"


def _shown(value: object) -> str:
    whole = json.dumps(value)  # escaped: a project's value may hold what a terminal takes for a command
    return whole if len(whole) <= MAX_VALUE_CHARACTERS else f"{whole[:MAX_VALUE_CHARACTERS]}…"


def _default(key: str) -> object:
    return Settings.model_fields[key].default


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")

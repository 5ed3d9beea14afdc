"""A throwaway home for OpenCode with the reader's own provider and key, and with nothing else of theirs.

Reads the reader's configuration and never writes to it: their plugins, MCP servers, agents and sessions stay out, and
what is copied is removed at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import BadInput
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.folders import make_private, write_private
from handoff_sidecar.installation.opencode_config import CONFIG_FILES, read_config
from handoff_sidecar.installation.plugin_file import install
from handoff_sidecar.settings import SETTINGS_FILE, config_folder

PROVIDER_KEYS = ("provider", "disabled_providers")
"""What of the reader's `opencode.json` says how a model is reached."""

PERMISSIONS = {"edit": "allow", "bash": "deny", "webfetch": "deny", "external_directory": "deny"}
"""Nobody is there to be asked, and a model must not leave the throwaway project."""

PROJECT_FILES = {
    "README.md": "# Dashboard\n",
    "package.json": '{"name": "dashboard", "type": "module"}\n',
    "src/api/routes.ts": 'export const routes = ["/login", "/refresh"]\n',
    "src/auth/session.ts": "export const refresh = async (token: string) => token\n",
}

NO_MODEL_BUT_THE_READERS = "http://127.0.0.1:9/v1"
"""The sandbox's own provider is not enabled, so nobody calls this."""

_FILE_VARIABLE = re.compile(r"\{file:([^}]+)\}")


@dataclass(frozen=True, slots=True)
class ModelName:
    """`provider/model`, as OpenCode writes it; a model's own name may have slashes too."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


def model_name(text: str) -> ModelName:
    """The model that is meant.

    Raises:
        BadInput: it is not `provider/model`.
    """
    provider, slash, model = text.partition("/")
    if not (provider and slash and model):
        raise BadInput(f"{text!r} is not a model. Write provider/model, as `opencode models` lists them")
    return ModelName(provider, model)


def make_home(root: Path, binary: Path, model: ModelName, environment: Mapping[str, str]) -> Sandbox:
    """A sandbox with the plugin, whose one provider is the reader's.

    Raises:
        BadInput: the reader's configuration can't be read, or their sign-in can't be lent.
    """
    config = _provider_config(config_folder(dict(environment)))
    config |= {
        "model": str(model),
        "small_model": str(model),
        "enabled_providers": [model.provider],
        "permission": PERMISSIONS,
    }
    key = _key_of(model.provider, _data_folder(environment) / "auth.json")
    sandbox = Sandbox.create(root, binary, NO_MODEL_BUT_THE_READERS, config=config)
    (sandbox.config_folder / "opencode.json").chmod(0o600)
    if key is not None:
        folder = sandbox.home / ".local" / "share" / "opencode"
        make_private(folder)
        write_private(folder / "auth.json", json.dumps({model.provider: key}))
    sandbox.write_project(PROJECT_FILES)
    (sandbox.config_folder / SETTINGS_FILE).write_text('{"auto_update": "off"}\n', encoding="utf-8")
    install(sandbox.config_folder)
    return sandbox


def server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """A real model may be newer than OpenCode, so its list is fetched, unless the reader forbids it or has a list."""
    fetched = {"OPENCODE_DISABLE_MODELS_FETCH": "0"}
    return fetched | {name: environment[name] for name in (*fetched, "OPENCODE_MODELS_PATH") if name in environment}


def _provider_config(folder: Path) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in CONFIG_FILES:
        file = folder / name
        if not file.exists():
            continue
        try:
            given = read_config(file)
        except (OSError, ValueError, RecursionError) as error:
            raise BadInput(f"{file} could not be read ({error}). Correct it, and run this again") from error
        if isinstance(given, dict):
            merged |= {key: _with_absolute_files(given[key], folder) for key in PROVIDER_KEYS if key in given}
    return merged


def _with_absolute_files(value: Any, folder: Path) -> Any:  # noqa: ANN401  # JSON as it is
    """`{file:./key}` is relative to the file it stands in, and `~` to the home."""
    if isinstance(value, str):
        return _FILE_VARIABLE.sub(lambda found: f"{{file:{(folder / Path(found[1]).expanduser()).resolve()}}}", value)
    if isinstance(value, dict):
        return {key: _with_absolute_files(each, folder) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_absolute_files(each, folder) for each in value]
    return value


def _data_folder(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "opencode"


def _key_of(provider: str, file: Path) -> dict[str, Any] | None:
    """What `opencode auth login` has stored for the provider, or None.

    Raises:
        BadInput: it is a sign-in whose token is renewed: the copy's renewal would sign the reader out.
    """
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} could not be read: run `opencode auth login` again") from error
    entry = stored.get(provider) if isinstance(stored, dict) else None
    if not isinstance(entry, dict):
        return None
    if entry.get("type") != "api":
        raise BadInput(
            f"you are signed in to {provider} without an API key. Renewing that sign-in here would end yours: set the "
            "provider's API key in the environment or in opencode.json, or take a provider that has one"
        )
    return entry

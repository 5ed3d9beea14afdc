"""A throwaway OpenCode: a home and a project of its own, and a model that is scripted.

Owns the folders, the configuration and the environment of such an OpenCode, and the ways to start it. Knows
nothing of handoffs or of what the plugin file says.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from handoff_sidecar.demo.binary import PINNED_VERSION, OpenCodeBinary
from handoff_sidecar.demo.processes import SandboxFailed, StartCommand, listening_server, run_to_end
from handoff_sidecar.demo.scripted_model import MODEL_ID, PROVIDER_ID

RUN_TIMEOUT_S = 120.0  # `opencode run` takes 2-4 s on two idle cores; busy machines have taken 25 s
QUICK_TIMEOUT_S = 60.0

# A caller's settings of these would change what is shown or tested; nothing else of the environment is hidden.
FOREIGN_VARIABLES = ("OPENCODE", "XDG_", "HANDOFF_SIDECAR_")

# Seen in 1.15.13 to 1.18.33: OpenCode installs `@opencode-ai/plugin` with npm (63 MB) in every configuration folder
# that has none, so that plugin files can import it, and a start with a plugin file waits for that: 4 s with npm at
# hand, 72 s when offline. It is content with a lock file that names the package and any `node_modules`.
NPM_LOCK = {"packages": {"": {"dependencies": {"@opencode-ai/plugin": "*"}}}}


@dataclass(frozen=True, slots=True)
class ContextLimits:
    """The scripted model's limits in tokens, which decide when OpenCode compacts."""

    context: int = 200_000
    output: int = 8_000
    input: int | None = None


@dataclass(frozen=True, slots=True)
class Sandbox:
    """An OpenCode whose home is `root/home`; make one with `create`."""

    root: Path
    binary: Path

    @classmethod
    def create(
        cls,
        root: Path,
        binary: Path,
        model_url: str,
        *,
        limits: ContextLimits = ContextLimits(),
        config: Mapping[str, Any] | None = None,
    ) -> Self:
        """A sandbox whose folders and `opencode.json` are written.

        There is nothing to warm up: without OpenCode's npm install a first start is as fast as a later one.

        Args:
            root: a folder of the sandbox's own; it is made if it isn't there.
            binary: the OpenCode program.
            model_url: the `baseURL` of an OpenAI-compatible API (`ScriptedModel.base_url`).
            limits: the model's token limits.
            config: merged into `opencode.json`, dictionaries into dictionaries: further models, agents, settings.
        """
        sandbox = cls(root.resolve(), binary.resolve())
        sandbox.project.mkdir(parents=True, exist_ok=True)
        (sandbox.root / "tmp").mkdir(exist_ok=True)
        sandbox.config_folder.mkdir(parents=True, exist_ok=True)
        skip_npm_install(sandbox.config_folder)
        _write_json(sandbox.config_folder / "opencode.json", _merged(_base_config(model_url, limits), config or {}))
        return sandbox

    @classmethod
    def quick(
        cls,
        root: Path,
        binary: OpenCodeBinary,
        model_url: str,
        *,
        limits: ContextLimits = ContextLimits(),
        config: Mapping[str, Any] | None = None,
    ) -> Self:
        """A sandbox whose OpenCode takes no snapshots (unless `config` says so) and knows only the scripted models.

        Each step takes half as long without snapshots. For PINNED_VERSION alone: the TUI of 1.15.13 doesn't show an
        answer that comes so fast, and gets a sandbox as `create` makes it.
        """
        if binary.version != PINNED_VERSION:
            return cls.create(root, binary.path, model_url, limits=limits, config=config)
        config = {"snapshot": False, **(config or {})}
        sandbox = cls.create(root, binary.path, model_url, limits=limits, config=config)
        sandbox.know_no_other_models()
        return sandbox

    @property
    def home(self) -> Path:
        """HOME of everything that runs here."""
        return self.root / "home"

    @property
    def project(self) -> Path:
        """The folder that OpenCode is started in; in the home, as a person's is, so that the TUI shows `~/project`."""
        return self.home / "project"

    @property
    def config_folder(self) -> Path:
        """OpenCode's configuration folder in this home."""
        return self.home / ".config" / "opencode"

    def know_no_other_models(self) -> None:
        """Keep OpenCode from reading its list of every provider's models: a second of work, and ours is configured."""
        folder = self.home / ".cache" / "opencode"
        folder.mkdir(parents=True, exist_ok=True)
        _write_json(folder / "models.json", {})

    def plugin_file(self, name: str, text: str) -> Path:
        """Write a plugin that OpenCode loads at its next start, and say where it is."""
        path = self.config_folder / "plugin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_project(self, files: Mapping[str, str]) -> None:
        """Write files (path in the project → text) and commit them all to the project's git repository."""
        for name, text in files.items():
            path = self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if not (self.project / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Files of the demonstration")

    def git(self, *words: str) -> str:
        """Run git in the project, as a made-up person, and give back what it printed."""
        person = ("-c", "user.name=Demo", "-c", "user.email=demo@example.com", "-c", "commit.gpgsign=false")
        command = StartCommand(("git", *person, *words), self.environment(), self.project)
        return self._checked(command, QUICK_TIMEOUT_S)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The caller's environment, with this home and without the caller's OpenCode settings."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
        # A proxy for the internet must not be asked for the model on loopback.
        direct = ",".join(filter(None, (env.get("NO_PROXY", env.get("no_proxy", "")), "127.0.0.1,localhost")))
        env |= {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "TMPDIR": str(self.root / "tmp"),  # OpenCode leaves some MB there at each start
            "PWD": str(self.project),  # `opencode run` takes its directory from here, not from the process
            "NO_PROXY": direct,
            "no_proxy": direct,
            "GIT_CONFIG_NOSYSTEM": "1",
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
        }
        return env | dict(extra or {})

    def command(self, *words: str, extra: Mapping[str, str] | None = None) -> StartCommand:
        """What starts `opencode WORDS` here."""
        return StartCommand((str(self.binary), *words), self.environment(extra), self.project)

    def run(
        self, words: Sequence[str], timeout_s: float = RUN_TIMEOUT_S, extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`opencode run WORDS`, to its end; the exit code is the caller's to judge.

        Raises:
            SandboxFailed: it took longer than `timeout_s` and was ended.
        """
        return run_to_end(self.command("run", *words, extra=extra), timeout_s)

    def import_session(self, exported: Mapping[str, Any]) -> None:
        """Load a session, as `opencode export` prints it; one whose ids are known already is left as it is."""
        path = self.root / "import.json"
        _write_json(path, exported)
        self._checked(self.command("import", str(path)), RUN_TIMEOUT_S)
        path.unlink()

    @contextmanager
    def serve(self, password: str | None = None, extra: Mapping[str, str] | None = None) -> Iterator[str]:
        """`opencode serve` for as long as the block runs; gives its base URL, `http://127.0.0.1:PORT`.

        Raises:
            SandboxFailed: the server ended, or didn't say where it listens.
        """
        secret = {} if password is None else {"OPENCODE_SERVER_PASSWORD": password}
        command = self.command("serve", "--port", str(_free_port()), extra={**secret, **(extra or {})})
        with listening_server(command) as base_url:
            yield base_url

    @staticmethod
    def _checked(command: StartCommand, timeout_s: float) -> str:
        """What it printed."""
        finished = run_to_end(command, timeout_s)
        if finished.returncode != 0:
            raise SandboxFailed(
                f"`{' '.join(command.argv)}` ended with {finished.returncode}: {finished.stderr.strip()[-2000:]}"
            )
        return finished.stdout


def skip_npm_install(config_folder: Path) -> None:
    """Make OpenCode believe that its npm install in this configuration folder has been done."""
    (config_folder / "node_modules").mkdir(exist_ok=True)
    _write_json(config_folder / "package-lock.json", NPM_LOCK)


def _free_port() -> int:
    # Not `--port 0`: OpenCode then takes 4096 if it can (seen in 1.18.33), where the person's own is looked for.
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _base_config(model_url: str, limits: ContextLimits) -> dict[str, Any]:
    limit = {"context": limits.context, "output": limits.output}
    if limits.input is not None:
        limit["input"] = limits.input
    name = f"{PROVIDER_ID}/{MODEL_ID}"
    return {
        "$schema": "https://opencode.ai/config.json",
        "model": name,
        "small_model": name,
        "enabled_providers": [PROVIDER_ID],  # a key in the caller's environment would enable another one
        "autoupdate": False,
        "share": "disabled",
        "provider": {
            PROVIDER_ID: {
                "name": "Scripted",
                "npm": "@ai-sdk/openai-compatible",  # bundled with OpenCode
                "options": {"baseURL": model_url, "apiKey": "none"},
                "models": {MODEL_ID: {"name": "Scripted model", "limit": limit, "tool_call": True}},
            }
        },
    }


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")

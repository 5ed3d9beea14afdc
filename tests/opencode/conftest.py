"""One real OpenCode server for all tests that can share it, with the plugin installed as a person would.

The binary is the pinned one from npm (or the one that HANDOFF_SIDECAR_OPENCODE names); the model is scripted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opencode.server import PROMPT, Play

from handoff_sidecar.demo.binary import PINNED_VERSION, OpenCodeBinary, find_opencode
from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import (
    MODEL_ID,
    PROVIDER_ID,
    ChatRequest,
    Failure,
    Reply,
    ScriptedModel,
    playbook,
)
from handoff_sidecar.demo.server import TURN_TIMEOUT_S, Server, serving
from handoff_sidecar.installation.plugin_file import install

PATCHING_MODEL = "gpt-5"
"""OpenCode gives `apply_patch`, in place of `edit` and `write`, to models of this name (seen in 1.18.33)."""

MODELS = {
    "provider": {
        PROVIDER_ID: {
            "models": {
                MODEL_ID: {"reasoning": True, "variants": {"high": {"reasoningEffort": "high"}}},
                PATCHING_MODEL: {"name": "Patching model", "limit": {"context": 200_000, "output": 8_000}},
            }
        }
    }
}


@pytest.fixture(scope="session")
def opencode() -> OpenCodeBinary:
    return find_opencode(PINNED_VERSION)


@pytest.fixture(scope="session")
def shared_model() -> Iterator[ScriptedModel]:
    with ScriptedModel(lambda _: Reply("Done.")) as model:
        yield model


@pytest.fixture
def model(shared_model: ScriptedModel) -> ScriptedModel:
    """The model, without what earlier tests asked of it or let it say."""
    shared_model.requests.clear()
    shared_model.script = playbook({})
    return shared_model


@pytest.fixture
def play(model: ScriptedModel) -> Play:
    """Lets the model answer a turn whose newest user message holds `text` with these replies."""
    turns: dict[str, tuple[Reply, ...]] = {}
    model.script = playbook(turns)

    def add(text: str, *replies: Reply) -> None:
        turns[text] = replies

    return add


@pytest.fixture
def hold(model: ScriptedModel, play: Play) -> Iterator[Callable[[str], threading.Event]]:
    """Lets the model answer a message only when the event is set."""
    _ = play
    held: list[tuple[str, threading.Event]] = []
    answer = model.script

    def patient(request: ChatRequest) -> Reply | Failure:
        for text, event in held:
            asked = request.last_text("user")
            if request.tools and text in asked and PROMPT not in asked:
                event.wait(TURN_TIMEOUT_S)
        return answer(request)

    def until_set(text: str) -> threading.Event:
        event = threading.Event()
        held.append((text, event))
        return event

    model.script = patient
    yield until_set
    for _text, event in held:
        event.set()


@pytest.fixture(scope="session")
def make_sandbox(
    tmp_path_factory: pytest.TempPathFactory, opencode: OpenCodeBinary, shared_model: ScriptedModel
) -> Callable[..., Sandbox]:
    """A sandbox of a test's own, with the plugin installed; a quick one."""

    def make(
        name: str, binary: OpenCodeBinary = opencode, *, config: dict[str, Any] | None = None, **options: Any
    ) -> Sandbox:
        root = tmp_path_factory.mktemp(name)
        sandbox = Sandbox.quick(root, binary, shared_model.base_url, config=config, **options)
        sandbox.write_project({"README.md": "# A project\n", "src/auth.ts": "export const login = 1\n"})
        install(sandbox.config_folder)
        return sandbox

    return make


@pytest.fixture(scope="session")
def server(make_sandbox: Callable[..., Sandbox]) -> Iterator[Server]:
    with serving(make_sandbox("shared", config=MODELS)) as server:
        yield server


@pytest.fixture(scope="session")
def server_with_snapshots(make_sandbox: Callable[..., Sandbox]) -> Iterator[Server]:
    """For what OpenCode alone can tell: which files changed without a tool that says so."""
    with serving(make_sandbox("snapshots", config={**MODELS, "snapshot": True})) as server:
        yield server

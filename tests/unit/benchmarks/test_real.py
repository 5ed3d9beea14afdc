"""A run with a real model, without the model: what is lent to it, what it would cost, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.errors import BadInput
from benchmarks.real import asked_for
from benchmarks.real_home import ModelName, make_home, model_name, server_environment
from benchmarks.real_report import estimate, estimate_text
from benchmarks.real_sessions import HANDOFFS
from benchmarks.real_trials import Model
from handoff_sidecar.text.tokens import Tokenizer

MINE = ModelName("mine", "m")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a reader with a configuration and a key."""
    config, data = tmp_path / "config", tmp_path / "data" / "opencode"
    config.mkdir()
    data.mkdir(parents=True)
    provider = {"options": {"apiKey": "{file:./key}", "headers": ["{env:X}"]}}
    (config / "opencode.json").write_text(
        json.dumps({"provider": {"mine": provider}, "mcp": {"x": {}}, "plugin": ["y"]})
    )
    (data / "auth.json").write_text(json.dumps({"mine": {"type": "api", "key": "k"}, "other": {"type": "oauth"}}))
    return {"OPENCODE_CONFIG_DIR": str(config), "XDG_DATA_HOME": str(tmp_path / "data")}


def test_only_the_provider_and_its_key_are_lent_for_their_owners_eyes_alone(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    sandbox = make_home(tmp_path / "home", Path("/bin/true"), MINE, environment)

    file = sandbox.config_folder / "opencode.json"
    lent = json.loads(file.read_text())
    assert lent["provider"]["mine"]["options"] == {"apiKey": f"{{file:{tmp_path}/config/key}}", "headers": ["{env:X}"]}
    assert (lent["model"], lent["enabled_providers"], lent["permission"]["bash"]) == ("mine/m", ["mine"], "deny")
    assert not {"mcp", "plugin"} & lent.keys()
    key = sandbox.home / ".local/share/opencode/auth.json"
    assert json.loads(key.read_text()) == {"mine": {"type": "api", "key": "k"}}
    assert [path.stat().st_mode & 0o777 for path in (file, key)] == [0o600, 0o600]


def test_a_sign_in_that_is_renewed_is_not_lent(tmp_path: Path, environment: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="signed in to other without an API key"):
        make_home(tmp_path / "home", Path("/bin/true"), ModelName("other", "m"), environment)


def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "config" / "opencode.json").write_text("{")

    with pytest.raises(BadInput, match=r"opencode\.json could not be read .* Correct it"):
        make_home(tmp_path / "home", Path("/bin/true"), MINE, environment)


def test_the_list_of_models_is_fetched_unless_the_reader_forbids_it() -> None:
    name = "OPENCODE_DISABLE_MODELS_FETCH"

    assert server_environment({}) == {name: "0"}
    assert server_environment({name: "1"}) == {name: "1"}
    assert server_environment({"OPENCODE_MODELS_PATH": "/mine.json"})["OPENCODE_MODELS_PATH"] == "/mine.json"


def test_a_models_name_may_have_slashes_and_needs_a_provider() -> None:
    assert model_name("openrouter/a/b") == ModelName("openrouter", "a/b")
    for text in ("", "m", "p/", "/m"):
        with pytest.raises(BadInput, match="Write provider/model"):
            model_name(text)


def test_the_cost_is_told_with_the_models_prices_or_that_nobody_knows_them() -> None:
    about, most = estimate(HANDOFFS, Tokenizer())
    fewer, _ = estimate(HANDOFFS[:5], Tokenizer())

    dollars = (about.input_tokens * 3 + about.output_tokens * 15) / 1e6
    assert f"{about.output_tokens:,} out: ${dollars:.2f} (" in estimate_text(
        Model(MINE, {"input": 3, "output": 15}), HANDOFFS, about, most
    )
    assert "OpenCode knows no price of this model" in estimate_text(Model(MINE, {}), HANDOFFS, about, most)
    assert fewer.requests < about.requests < most.requests


def test_each_five_handoffs_hold_every_kind_once() -> None:
    for start in range(0, len(HANDOFFS), 5):
        assert len({typed.kind for typed in HANDOFFS[start : start + 5]}) == 5
    assert len({typed.text for typed in HANDOFFS}) == 20


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--model"),
        (["--model", "m"], "'m' is not a model"),
        (["--model", "p/m", "--handoffs", "21"], "--handoffs 21: from 1 to 20 is allowed"),
    ],
)
def test_what_cannot_be_asked_for_is_named(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        asked_for(words)

    assert said in capsys.readouterr().err

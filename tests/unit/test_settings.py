from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from handoff_sidecar.errors import SettingsUnreadable, SettingsUnwritable
from handoff_sidecar.settings import (
    SCHEMA_FILE,
    LoadedSettings,
    Settings,
    add_setting,
    config_folder,
    load_settings,
    remove_setting,
    renew_schema,
    schema,
    schema_is_stale,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path / "config"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / ".opencode").mkdir(parents=True)
    return tmp_path / "project"


def test_without_files_the_defaults_count(config: Path, project: Path) -> None:
    assert load_settings(config=config, project=project) == load_settings(config=config, project=None)
    assert load_settings(config=config, project=None).settings == Settings()


def test_the_projects_file_goes_over_the_users(config: Path, project: Path) -> None:
    (config / "handoff.json").write_text('{"open": "picker", "read_token_budget": 1000}')
    (project / ".opencode" / "handoff.json").write_text('{"open": "none"}')

    loaded = load_settings(config=config, project=project)

    assert loaded.settings == Settings(open="none", read_token_budget=1000)
    assert loaded.problems == ()


def test_a_bad_value_names_key_value_and_what_is_allowed_and_the_users_counts(config: Path, project: Path) -> None:
    (config / "handoff.json").write_text('{"open": "picker"}')
    (project / ".opencode" / "handoff.json").write_text('{"open": "sideways", "prompt_token_budget": "many"}')

    loaded = load_settings(config=config, project=project)

    assert loaded.settings == Settings(open="picker")
    first, second = loaded.problems
    assert '`open` can\'t be "sideways"' in first
    assert "'switch', 'picker' or 'none'" in first
    assert first.endswith('; "picker" is used')
    assert '`prompt_token_budget` can\'t be "many"' in second
    assert second.endswith("it must be a valid integer; 600 is used")


def test_what_a_hostile_project_could_abuse_counts_only_from_the_users_file(config: Path, project: Path) -> None:
    mine = {"auto_update": "off", "command": ["mine"], "redact_secrets": False, "allow_other_projects": False}
    (config / "handoff.json").write_text(json.dumps(mine))
    theirs = {"auto_update": "install", "command": ["evil"], "redact_secrets": True, "allow_other_projects": True}
    (project / ".opencode" / "handoff.json").write_text(json.dumps({**theirs, "open": "none"}))

    loaded = load_settings(config=config, project=project)

    assert loaded.settings == Settings(**mine, open="none")
    assert loaded.problems == tuple(
        f"{project / '.opencode' / 'handoff.json'}: a project can't set `{key}`; set it in {config / 'handoff.json'}"
        for key in theirs
    )


def test_an_unknown_key_is_named_with_those_there_are(config: Path) -> None:
    (config / "handoff.json").write_text('{"opne": "picker", "$schema": "x"}')

    (problem,) = load_settings(config=config, project=None).problems

    assert problem == f"{config / 'handoff.json'}: there is no setting `opne`; did you mean `open`?"


def test_an_unknown_key_like_no_other_is_named_with_those_there_are(config: Path) -> None:
    (config / "handoff.json").write_text('{"xyz": 1}')

    (problem,) = load_settings(config=config, project=None).problems

    assert f"no setting `xyz`; the settings are {', '.join(Settings.model_fields)}" in problem


def test_a_value_is_told_of_as_json_and_none_as_unset(config: Path) -> None:
    (config / "handoff.json").write_text('{"command": [], "redact_secrets": "yes"}')

    command, redact = load_settings(config=config, project=None).problems

    assert command.endswith("`command` can't be []: it must have at least 1 item; it stays unset")
    assert redact.endswith("; true is used")


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "\x00", "[" * 100_000])
def test_a_file_that_is_no_json_object_is_named_and_does_not_count(config: Path, text: str) -> None:
    (config / "handoff.json").write_text(text)

    loaded = load_settings(config=config, project=None)

    assert loaded.settings == Settings()
    assert str(config / "handoff.json") in loaded.problems[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{ // mine\n /* mine */ "open": }', "is not valid JSON (Expecting value: line 2 column 21)"),
        ('{"open": }', "is not valid JSON (Expecting value: line 1 column 10)"),
        ('{"open": "https://x', "is not valid JSON (Unterminated string starting at: line 1 column 10)"),
        ("[" * 60_000, "is not valid JSON (its brackets are nested too deeply)"),
    ],
)
def test_what_is_wrong_with_the_json_is_said_in_plain_words(config: Path, content: str, said: str) -> None:
    (config / "handoff.json").write_text(content)

    (problem,) = load_settings(config=config, project=None).problems

    assert problem == f"{config / 'handoff.json'} {said}; its settings are ignored"


def test_comments_and_trailing_commas_are_allowed_as_in_opencodes_own_files(config: Path) -> None:
    (config / "handoff.json").write_text('{\n  // mine, see https://x\n  "open": "none", /* "open": "picker" */\n}\n')

    assert load_settings(config=config, project=None) == LoadedSettings(Settings(open="none"))


def test_a_handoff_jsonc_is_told_of(config: Path, project: Path) -> None:
    (config / "handoff.json").write_text('{"open": "none"}')
    (project / ".opencode" / "handoff.jsonc").write_text('{"open": "picker"}')

    loaded = load_settings(config=config, project=project)

    assert loaded.settings == Settings(open="none")
    (problem,) = loaded.problems
    assert problem.startswith(f"{project}/.opencode/handoff.jsonc is not read: put its settings into handoff.json")


def test_a_folder_and_bytes_that_are_no_text_are_said_in_plain_words(config: Path, project: Path) -> None:
    (config / "handoff.json").mkdir()
    (project / ".opencode" / "handoff.json").write_bytes(b"{\xff}")

    folder, no_text = load_settings(config=config, project=project).problems

    assert folder == f"{config / 'handoff.json'} is a folder, not a file; its settings are ignored"
    assert "could not be read (byte 2 is not UTF-8); its settings are ignored" in no_text


def test_a_file_with_a_byte_order_mark_is_read(config: Path) -> None:
    (config / "handoff.json").write_text('{"open": "none"}', encoding="utf-8-sig")

    assert load_settings(config=config, project=None).settings == Settings(open="none")


def test_what_a_projects_file_says_gives_a_terminal_no_orders_and_fills_no_screen(config: Path, project: Path) -> None:
    key = "\x1b]52;c;Y3VybA==\x07\u202e" + "x" * 10_000
    (project / ".opencode" / "handoff.json").write_text(json.dumps({key: 1, "open": "\x1b[2J" + "y" * 10_000}))

    loaded = load_settings(config=config, project=project)

    assert len(loaded.problems) == 2
    for problem in loaded.problems:
        assert problem.isprintable()
        assert len(problem) < 600


def test_a_projects_settings_folder_may_be_a_link_and_is_only_read(config: Path, project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "handoff.json").write_text('root:x:0:0:"the secret"')
    (project / ".opencode").rmdir()
    (project / ".opencode").symlink_to(elsewhere)

    loaded = load_settings(config=config, project=project)

    assert loaded.settings == Settings()
    assert "secret" not in loaded.problems[0]
    assert [file.name for file in elsewhere.iterdir()] == ["handoff.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_plain_file_is_neither_waited_for_nor_read_without_end(config: Path, project: Path) -> None:
    os.mkfifo(config / "handoff.json")
    (project / ".opencode" / "handoff.json").symlink_to("/dev/zero")

    loaded = load_settings(config=config, project=project)

    assert loaded.settings == Settings()
    assert ["not a regular file" in problem for problem in loaded.problems] == [True, True]


def test_a_file_that_is_far_too_large_is_not_read(config: Path) -> None:
    (config / "handoff.json").write_text(" " * 100_000 + "{}")

    assert "larger than 65,536 bytes" in load_settings(config=config, project=None).problems[0]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(list(Settings.model_fields)) | st.text(max_size=5),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    )
)
def test_no_settings_file_stops_anything(config: Path, values: dict[str, object]) -> None:
    (config / "handoff.json").write_text(json.dumps(values))

    assert isinstance(load_settings(config=config, project=None).settings, Settings)


def test_the_config_folder_is_where_opencode_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))

    assert config_folder({"OPENCODE_CONFIG_DIR": "/a", "XDG_CONFIG_HOME": "/b"}) == Path("/a")
    assert config_folder({"XDG_CONFIG_HOME": "/b"}) == Path("/b/opencode")
    assert config_folder({}) == Path("/home/ada/.config/opencode")


def test_the_words_of_a_person_are_theirs_and_no_projects(config: Path, project: Path) -> None:
    (config / "handoff.json").write_text('{"trigger_words": ["übergabe"]}')
    (project / ".opencode" / "handoff.json").write_text('{"trigger_words": ["fix"]}')

    loaded = load_settings(config=config, project=project)

    assert loaded.settings.trigger_words == ["übergabe"]
    (problem,) = loaded.problems
    assert "a project can't set `trigger_words`" in problem


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"auto_handoff_threshold": 101}', "less than or equal to 100"),
        ('{"auto_handoff_threshold": -1}', "greater than or equal to 0"),
        ('{"auto_handoff_threshold": "80%"}', "valid integer"),
        ('{"auto_handoff_threshold": 80.5}', "valid integer"),
        ('{"warn_before": true}', "valid integer"),
        ('{"trigger_words": "übergabe"}', "valid list"),
        ('{"trigger_words": [" "]}', "each item must not begin with a blank"),
    ],
)
def test_a_bad_value_of_the_automatic_handoff_is_named_and_nothing_is_automatic(
    config: Path, text: str, named: str
) -> None:
    (config / "handoff.json").write_text(text)

    loaded = load_settings(config=config, project=None)

    assert loaded.settings == Settings()
    assert named in loaded.problems[0]


def test_the_schema_file_is_fresh_and_knows_every_setting() -> None:
    held = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))

    assert held == schema(), "run `make tools`"
    assert set(held["properties"]) == {"$schema", *Settings.model_fields}


def test_a_setting_is_added_and_the_rest_of_the_file_stays(config: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.json"
    kept.write_text('{"open": "picker", "mine": 1}')
    (config / "handoff.json").symlink_to(kept)

    add_setting(config, "auto_handoff_threshold", 80)
    add_setting(config, "auto_handoff_threshold", 70)

    assert json.loads(kept.read_text()) == {
        "$schema": SCHEMA_FILE.as_uri(),
        "open": "picker",
        "mine": 1,
        "auto_handoff_threshold": 70,
    }


def test_a_setting_is_not_added_to_what_is_no_settings_file_or_beyond_what_is_allowed(config: Path) -> None:
    (config / "handoff.json").write_text("{")

    with pytest.raises(SettingsUnreadable):
        add_setting(config, "auto_handoff_threshold", 80)
    with pytest.raises(SettingsUnwritable, match="less than or equal to 100"):
        add_setting(config, "auto_handoff_threshold", 800)
    assert (config / "handoff.json").read_text() == "{"


def test_comments_stay_when_a_setting_is_added_or_removed(config: Path) -> None:
    file = config / "handoff.json"
    file.write_text('{\n  // how I like it\n  "open": "none", // quiet\n}\n')

    add_setting(config, "auto_handoff_threshold", 80)

    assert file.read_text() == (
        f'{{\n  "$schema": "{SCHEMA_FILE.as_uri()}",\n  "auto_handoff_threshold": 80,\n'
        '  // how I like it\n  "open": "none", // quiet\n}\n'
    )
    remove_setting(config, "auto_handoff_threshold")
    remove_setting(config, "$schema")
    assert file.read_text() == '{\n  // how I like it\n  "open": "none", // quiet\n}\n'


def test_a_schema_of_another_installation_is_renewed_and_one_of_the_persons_own_stays(config: Path) -> None:
    file = config / "handoff.json"
    assert renew_schema(config) is None
    assert not file.exists()

    file.write_text('{"$schema": "file:///old/handoff_sidecar/handoff.schema.json", "open": "none"} // mine')
    assert schema_is_stale(config)
    assert renew_schema(config) == file
    assert file.read_text() == f'{{"$schema": "{SCHEMA_FILE.as_uri()}", "open": "none"}} // mine'
    assert renew_schema(config) is None

    file.write_text('{"$schema": "./mine.json"}')
    assert renew_schema(config) is None

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from handoff_sidecar import __version__
from handoff_sidecar.errors import InstallFailed
from handoff_sidecar.installation.plugin_file import (
    MARKER,
    PluginFile,
    install,
    plugin_text,
    read_plugin_file,
    shim_entry,
    sidecar_command,
    uninstall,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "with space" / "opencode"


def test_the_plugin_file_names_this_python_and_the_shim_that_came_with_it(config: Path) -> None:
    installed = install(config)

    text = installed.path.read_text()
    assert installed.change == "written"
    assert installed.path == config / "plugin" / "handoff-sidecar.js"
    assert shim_entry().as_uri() in text
    assert f'"{sys.executable}", "-P", "-m", "handoff_sidecar", "stdio"' in text


def test_a_command_of_the_persons_own_starts_the_sidecar(config: Path) -> None:
    config.mkdir(parents=True)
    (config / "handoff.json").write_text('{"command": ["nix", "run", "handoff", "stdio"]}')

    written = install(config)

    assert 'const command = ["nix", "run", "handoff", "stdio"]' in written.path.read_text()
    assert written.warnings == ()
    (config / "handoff.json").write_text('{"command": []}')
    assert install(config).change == "updated"
    assert "`command` can't be []" in install(config).warnings[0]


def test_what_was_written_can_be_read_again(config: Path) -> None:
    path = install(config).path

    assert read_plugin_file(config) == PluginFile(path, __version__, shim_entry(), sidecar_command())
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_plugin_file(config) == PluginFile(path, __version__, shim_entry(), sidecar_command())
    assert read_plugin_file(config.parent) is None


@pytest.mark.parametrize(
    ("bun", "missing", "form"),
    [
        (None, "", "object"),
        ("1.3.14", "", "object"),
        ("1.3.9", "", "function"),
        (None, "/nowhere", "function"),
    ],
)
def test_the_plugin_file_has_one_export_in_the_form_that_its_opencode_takes(
    config: Path, bun: str | None, missing: str, form: str
) -> None:
    path = install(config).path.rename(config / "plugin.mjs")
    path.write_text(path.read_text().replace(shim_entry().as_uri(), f"{shim_entry().as_uri()}{missing}"))
    pretend = f"Object.defineProperty(process, 'versions', {{value: {{...process.versions, bun: {json.dumps(bun)}}}}});"
    show = f"import({path.as_uri()!r}).then(m => console.log(JSON.stringify([Object.keys(m), typeof m.default])))"
    done = subprocess.run(["node", "-e", (pretend if bun else "") + show], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == [["default"], form]


def test_installing_again_changes_nothing_and_a_newer_version_replaces_its_file(config: Path) -> None:
    path = install(config).path

    assert install(config).change == "unchanged"
    path.write_text(f"{MARKER} 0.0.1\n")
    assert install(config).change == "updated"
    assert path.read_text() == plugin_text()
    assert [file.name for file in path.parent.iterdir()] == ["handoff-sidecar.js"]


def test_a_file_of_someone_elses_is_left_alone(config: Path) -> None:
    path = config / "plugin" / "handoff-sidecar.js"
    path.parent.mkdir(parents=True)
    path.write_text("export default () => ({})")

    for change in (install, uninstall):
        with pytest.raises(InstallFailed, match="not written by handoff-sidecar"):
            change(config)
    assert path.read_text() == "export default () => ({})"


def test_a_link_is_not_followed(config: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.js"
    target.write_text(f"{MARKER} 0.0.1\n")
    (config / "plugin").mkdir(parents=True)
    (config / "plugin" / "handoff-sidecar.js").symlink_to(target)

    with pytest.raises(InstallFailed):
        install(config)
    assert target.read_text() == f"{MARKER} 0.0.1\n"


def test_uninstalling_leaves_nothing_behind(config: Path) -> None:
    install(config)

    assert uninstall(config) == config / "plugin" / "handoff-sidecar.js"
    assert not config.exists()
    assert uninstall(config) is None


def test_uninstalling_leaves_what_is_not_ours(config: Path) -> None:
    install(config)
    (config / "plugin" / "other.js").write_text("")
    (config / "opencode.json").write_text("{}")

    uninstall(config)

    assert sorted(path.name for path in config.rglob("*")) == ["opencode.json", "other.js", "plugin"]


def test_a_plugin_with_the_same_tools_is_warned_of(config: Path) -> None:
    config.mkdir(parents=True)
    (config / "opencode.jsonc").write_text('{ // mine\n "plugin": ["./rival@1.1.6"], }')
    (config / "rival@1.1.6").mkdir()
    (config / "rival@1.1.6" / "index.js").write_text("tool: { session_handoff: tool({ args: {} }) }")
    (config / "plugins").mkdir()
    (config / "plugins" / "mine.ts").write_text("tool: { 'read_session': { description } }")

    first, second = install(config).warnings

    assert first.startswith('"./rival@1.1.6" (')
    assert first.endswith(") registers `session_handoff`, as this plugin does: remove one of the two plugins")
    assert "mine.ts registers `read_session`, as this plugin does" in second


def test_other_plugins_are_no_reason_for_a_warning(config: Path) -> None:
    config.mkdir(parents=True)
    (config / "opencode.json").write_text('{"plugin": ["opencode-handoff-sidecar-theme", "x"]}')

    assert install(config).warnings == ()


def test_a_plugin_that_is_only_mentioned_in_a_comment_is_no_reason_either(config: Path) -> None:
    config.mkdir(parents=True)
    (config / "opencode.jsonc").write_text(
        '{ "plugin": [ // "opencode-session-handoff",\n /* "opencode-handoff" */ "https://x//y" ], }'
    )

    assert install(config).warnings == ()


@pytest.mark.parametrize("text", ["{", "", "null", '{"plugin": 5}', '{"plugin": [5, [], null]}', "[" * 99_999])
def test_a_broken_opencode_json_does_not_keep_us_from_installing(config: Path, text: str) -> None:
    config.mkdir(parents=True)
    (config / "opencode.json").write_text(text)

    assert install(config).change == "written"
    assert (config / "opencode.json").read_text() == text


def test_the_same_plugin_in_opencode_json_is_warned_of(config: Path) -> None:
    config.mkdir(parents=True)
    (config / "opencode.json").write_text('{"plugin": [["opencode-handoff-sidecar@0.1.0", {}]]}')

    (warning,) = install(config).warnings

    assert "this plugin a second time" in warning


def test_a_plugin_folder_that_is_a_link_is_written_through_and_stays(config: Path, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    config.mkdir(parents=True)
    (config / "plugin").symlink_to(dotfiles, target_is_directory=True)

    install(config)
    assert [path.name for path in dotfiles.iterdir()] == ["handoff-sidecar.js"]
    uninstall(config)

    assert list(dotfiles.iterdir()) == []
    assert (config / "plugin").is_symlink()


def test_a_plugin_folder_that_links_to_nothing_is_named(config: Path) -> None:
    config.mkdir(parents=True)
    (config / "plugin").symlink_to(config / "gone")

    with pytest.raises(InstallFailed, match=r"but is a link to .*gone, which does not exist.*Move it away"):
        install(config)


def test_a_file_where_the_plugin_folder_has_to_be_is_named(config: Path) -> None:
    config.mkdir(parents=True)
    (config / "plugin").write_text("mine")

    with pytest.raises(
        InstallFailed, match=r"plugin must be a folder, but is a file. Nothing was installed. Move it away and run this"
    ):
        install(config)
    assert (config / "plugin").read_text() == "mine"


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "Permission denied")]
)
def test_a_full_disk_or_a_read_only_folder_leaves_the_old_file_whole(
    config: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    path = install(config).path
    old = path.read_text().replace(__version__, "0.0.1")
    path.write_text(old)

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(InstallFailed, match=str(error.strerror)):
        install(config)
    assert path.read_text() == old
    assert [file.name for file in path.parent.iterdir()] == ["handoff-sidecar.js"]


def test_a_file_where_the_config_folder_has_to_be_is_named(config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text("in the way")

    with pytest.raises(InstallFailed, match="opencode must be a folder, but is a file"):
        install(config)

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.version import Version

from handoff_sidecar import __version__
from handoff_sidecar.errors import UpdateFailed
from handoff_sidecar.installation import update as module
from handoff_sidecar.installation.origin import Keeper, Origin
from handoff_sidecar.installation.plugin_file import install
from handoff_sidecar.installation.releases import Installers

NEWER = Version("0.9.1")
BOTH = Installers("/bin/uv", pip=True)


class Installer:
    """Stands for what runs the installers: keeps the words, and may fail."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.bounds: list[str] = []
        self.error = ""

    def __call__(self, words: list[str], _origin: Origin, env: dict[str, str] | None = None) -> None:
        self.ran.append(words)
        self.bounds += [Path(path).read_text() for path in (env or {}).values()]
        if self.error:
            raise UpdateFailed(self.error, found=True)


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> Installer:
    made = Installer()
    monkeypatch.setattr(module, "_run", made)
    return made


@pytest.fixture
def newest(monkeypatch: pytest.MonkeyPatch) -> list[Version | UpdateFailed]:
    """What the index answers."""
    answers: list[Version | UpdateFailed] = [NEWER]

    def answer(*_: object) -> Version:
        if isinstance(answers[0], UpdateFailed):
            raise answers[0]
        return answers[0]

    monkeypatch.setattr(module, "newest_release", answer)
    return answers


def background(keeper: Keeper, config: Path, how: str = "install") -> str:
    return module.in_background(how, Origin(keeper), BOTH, config, datetime.now(UTC))


@pytest.mark.parametrize(
    ("keeper", "installers", "words"),
    [
        ("uv tool", BOTH, ["/bin/uv", "pip", "install", "--quiet", "--python", sys.executable]),
        ("pip", Installers("/bin/uv", pip=False), ["/bin/uv", "pip", "install", "--quiet", "--python", sys.executable]),
        ("pip", BOTH, [sys.executable, "-P", "-m", "pip", "install", "--quiet"]),
    ],
)
def test_exactly_the_release_that_was_found_is_installed(
    tmp_path: Path, installer: Installer, keeper: Keeper, installers: Installers, words: list[str]
) -> None:
    done = module.install(NEWER, Origin(keeper), installers, tmp_path)

    assert installer.ran == [[*words, "handoff-sidecar==0.9.1"]]
    assert done == "handoff-sidecar 0.9.1 is installed and runs when OpenCode next starts."


def test_pipx_upgrades_to_exactly_that_release_too(tmp_path: Path, installer: Installer) -> None:
    module.install(NEWER, Origin("pipx"), BOTH, tmp_path)

    assert installer.ran == [["pipx", "upgrade", "--quiet", "handoff-sidecar"]]
    assert installer.bounds == ["handoff-sidecar==0.9.1\n"] * 2


def test_the_plugin_file_is_renewed_by_the_new_version_if_there_is_one(tmp_path: Path, installer: Installer) -> None:
    install(tmp_path)

    module.install(NEWER, Origin("uv tool"), BOTH, tmp_path)

    assert installer.ran[1] == [sys.executable, "-P", "-m", "handoff_sidecar", "install"]


@pytest.mark.usefixtures("newest")
@pytest.mark.parametrize(
    ("keeper", "how", "done"),
    [
        ("uv tool", "install", "installed"),
        ("pipx", "install", "installed"),
        ("pip", "install", "told"),
        ("uv tool", "notify", "told"),
    ],
)
def test_only_an_environment_of_our_own_is_changed_in_the_background(
    tmp_path: Path, installer: Installer, keeper: Keeper, how: str, done: str
) -> None:
    told = background(keeper, tmp_path, how)

    assert bool(installer.ran) == (done == "installed")
    installed, out = "0.9.1 is installed and runs when", f"0.9.1 is out; this is {__version__}. To update: `"
    assert (installed if done == "installed" else out) in told


def test_nothing_is_said_when_there_is_nothing_new_or_no_way_to_know(
    tmp_path: Path, installer: Installer, newest: list[Version | UpdateFailed]
) -> None:
    newest[0] = Version(__version__)
    assert background("uv tool", tmp_path) == ""
    newest[0] = UpdateFailed("offline")
    assert background("uv tool", tmp_path) == ""
    assert background("uvx", tmp_path) == ""
    assert installer.ran == []


@pytest.mark.usefixtures("newest")
def test_a_newer_release_that_can_not_be_installed_is_told(tmp_path: Path, installer: Installer) -> None:
    installer.error = "uv failed: no space left on device. To update: `uv tool upgrade handoff-sidecar`"

    assert background("uv tool", tmp_path) == installer.error


@pytest.mark.skipif(sys.platform == "win32", reason="a line of shell stands for the installer")
def test_a_failed_installer_is_named_with_its_last_words_and_the_way_by_hand(tmp_path: Path) -> None:
    failing = tmp_path / "uv"
    failing.write_text("#!/bin/sh\necho 'error: No space left on device' >&2\nexit 2\n")
    failing.chmod(0o755)

    with pytest.raises(UpdateFailed, match=r"No space left on device\. To update: `uv tool upgrade") as caught:
        module._install(Origin("uv tool"), Installers(str(failing), pip=False), NEWER)  # noqa: SLF001
    assert caught.value.found


def test_an_installation_from_an_address_says_how_to_update_it() -> None:
    with pytest.raises(
        UpdateFailed, match=r"can't update this installation \(pip, from /x\)\. To update: install it again"
    ):
        module.look(Origin("pip", "/x"), BOTH, datetime.now(UTC))

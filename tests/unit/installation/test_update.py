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
from handoff_sidecar.installation.update import Report, Updater

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


def updater(keeper: Keeper, config: Path, installers: Installers = BOTH, source: str | None = None) -> Updater:
    return Updater(Origin(keeper, source), installers, config, datetime.now(UTC))


@pytest.mark.usefixtures("newest")
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
    made = updater(keeper, tmp_path, installers)

    done = made.install(made.look())

    assert installer.ran == [[*words, "handoff-sidecar==0.9.1"]]
    assert str(done) == "handoff-sidecar 0.9.1 is installed and runs from OpenCode's next start."


@pytest.mark.usefixtures("newest")
def test_pipx_upgrades_to_exactly_that_release_too(tmp_path: Path, installer: Installer) -> None:
    made = updater("pipx", tmp_path)

    made.install(made.look())

    assert installer.ran == [["pipx", "upgrade", "--quiet", "handoff-sidecar"]]
    assert installer.bounds == ["handoff-sidecar==0.9.1\n"] * 2


@pytest.mark.usefixtures("newest")
def test_the_plugin_file_is_renewed_by_the_new_version_if_there_is_one(tmp_path: Path, installer: Installer) -> None:
    install(tmp_path)
    made = updater("uv tool", tmp_path)

    made.install(made.look())

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
    report = updater(keeper, tmp_path).look_in_background(how)

    assert bool(installer.ran) == (done == "installed")
    installed, out = "0.9.1 is installed and runs from", f"0.9.1 is out; this is {__version__}. Update: `"
    assert (installed if done == "installed" else out) in report.message


def test_nothing_is_said_when_there_is_nothing_new_or_no_way_to_know(
    tmp_path: Path, installer: Installer, newest: list[Version | UpdateFailed]
) -> None:
    newest[0] = Version(__version__)
    assert updater("uv tool", tmp_path).look_in_background("install").message == ""
    newest[0] = UpdateFailed("offline")
    assert updater("uv tool", tmp_path).look_in_background("install") == Report("offline")
    assert updater("uvx", tmp_path).look_in_background("install").message == ""
    assert installer.ran == []


@pytest.mark.usefixtures("newest")
def test_a_newer_release_that_can_not_be_installed_is_told(tmp_path: Path, installer: Installer) -> None:
    installer.error = "uv failed: no space left on device. By hand: `uv tool upgrade handoff-sidecar`"

    assert updater("uv tool", tmp_path).look_in_background("install").message == installer.error


@pytest.mark.skipif(sys.platform == "win32", reason="a line of shell stands for the installer")
def test_a_failed_installer_is_named_with_its_last_words_and_the_way_by_hand(tmp_path: Path) -> None:
    failing = tmp_path / "uv"
    failing.write_text("#!/bin/sh\necho 'error: No space left on device' >&2\nexit 2\n")
    failing.chmod(0o755)

    with pytest.raises(UpdateFailed, match=r"No space left on device\. By hand: `uv tool upgrade") as caught:
        module._install(Origin("uv tool"), Installers(str(failing), pip=False), NEWER)  # noqa: SLF001
    assert caught.value.found


@pytest.mark.usefixtures("installer")
def test_an_installation_from_an_address_says_how_to_update_it(tmp_path: Path) -> None:
    with pytest.raises(UpdateFailed, match=r"\(pip, from /x\) is not updated from the package index: install it again"):
        updater("pip", tmp_path, source="/x").look()


def test_the_news_are_the_first_entry_of_the_new_versions_changelog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.setattr(module, "__file__", str(tmp_path / "a" / "update.py"))
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## 0.9.1\n\n- Sings, and\n  dances.\n- More.\n\n## 0.9.0\n\n- Old.\n")

    assert module._news(NEWER) == "Sings, and dances."  # noqa: SLF001
    assert module._news(Version("0.9.0")) == "Old."  # noqa: SLF001
    assert module._news(Version("0.9.2")) == ""  # noqa: SLF001

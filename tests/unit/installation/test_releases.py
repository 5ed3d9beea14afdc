"""Which release is taken: asked of a real index on loopback by the real uv and pip."""

from __future__ import annotations

import os
import socket
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from registries import PackageIndex, wheel_of_version

from handoff_sidecar.errors import UpdateFailed
from handoff_sidecar.installation import releases
from handoff_sidecar.installation.origin import Origin
from handoff_sidecar.installation.releases import Installers, newest_release

UV = str(Path(sys.executable).with_name("uv.exe" if sys.platform == "win32" else "uv"))
ASKED = {"uv": Installers(UV, pip=False), "pip": Installers(None, pip=True)}

Release = Callable[..., None]


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PackageIndex]:
    """The one index that uv and pip are configured to use."""
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)
    made = PackageIndex("handoff-sidecar")
    with made.running() as url:
        configure(monkeypatch, url)
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
        monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip-cache"))
        yield made


def configure(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", url)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def release(index: PackageIndex, tmp_path: Path) -> Release:
    """Puts releases into the index, each with its age in hours."""
    base = tmp_path / "handoff_sidecar-0-py3-none-any.whl"
    with zipfile.ZipFile(base, "w") as wheel:
        info = "handoff_sidecar-0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: handoff-sidecar\nVersion: 0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")

    def put(**ages_hours: float) -> None:
        for name, hours in ages_hours.items():
            version = name.removeprefix("v").replace("_", ".")
            index.ages[wheel_of_version(base, version, tmp_path / "wheels")] = timedelta(hours=hours)

    return put


def newest(current: str, by: str, wanted: str = "") -> str:
    origin = Origin("uv tool" if by == "uv" else "pip", wanted=SpecifierSet(wanted))
    return str(newest_release(Version(current), origin, ASKED[by], datetime.now(UTC)))


@pytest.mark.parametrize("by", ["uv", "pip"])
def test_the_newest_release_of_the_major_version_that_is_three_days_old(release: Release, by: str) -> None:
    release(v0_1_0=900, v0_2_0=100, v0_2_1=73, v0_2_2=71, v0_3_0rc1=200, v1_0_0=500)

    assert newest("0.1.0", by) == "0.2.1"
    assert newest("0.2.1", by) == "0.2.1"


@pytest.mark.parametrize("by", ["uv", "pip"])
def test_who_is_on_a_pre_release_gets_the_next(release: Release, by: str) -> None:
    release(v0_3_0rc1=900, v0_3_0rc2=100, v1_0_0rc1=100)

    assert newest("0.3.0rc1", by) == "0.3.0rc2"


@pytest.mark.parametrize("by", ["uv", "pip"])
def test_pre_releases_alone_are_nothing_new_for_all_others(release: Release, by: str) -> None:
    release(v0_2_0=900, v0_3_0rc1=100)

    assert newest("0.2.0", by) == "0.2.0"


@pytest.mark.parametrize("by", ["uv", "pip"])
def test_older_releases_alone_are_no_answer(release: Release, by: str) -> None:
    release(v0_1_0=900)

    with pytest.raises(UpdateFailed, match="could not be reached, or has no release for handoff-sidecar") as caught:
        newest("0.2.0", by)
    assert not caught.value.found


def test_the_version_that_a_person_asked_for_stays(release: Release) -> None:
    release(v0_1_0=900, v0_1_5=900, v0_2_0=100)

    assert newest("0.1.0", "uv", wanted="==0.1.0") == "0.1.0"
    assert newest("0.1.0", "uv", wanted="<0.2") == "0.1.5"


@pytest.mark.parametrize("by", ["uv", "pip"])
def test_being_offline_is_said_without_a_traceback(
    index: PackageIndex, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    configure(monkeypatch, f"http://127.0.0.1:{port}/simple/")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")

    with pytest.raises(UpdateFailed, match="could not be reached") as caught:
        newest("0.1.0", by)

    assert "Traceback" not in str(caught.value)
    assert index.asked == []


@pytest.mark.usefixtures("index")
def test_a_proxy_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "ASK_TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configure(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}/simple/")

        with pytest.raises(UpdateFailed, match=r"did not answer within 0\.5 s"):
            newest("0.1.0", "uv")


def test_without_an_installer_that_knows_a_releases_age_nothing_is_asked() -> None:
    with pytest.raises(UpdateFailed, match=r"uv or pip 26\.0 or newer .* `pip install --upgrade"):
        newest_release(Version("0.1.0"), Origin("pip"), Installers(None, pip=False), datetime.now(UTC))

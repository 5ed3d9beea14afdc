from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from handoff_sidecar.installation.origin import Origin, find_origin


@pytest.fixture(autouse=True)
def direct_url(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What `direct_url.json` holds; nothing after an install from an index (PEP 610)."""
    texts: list[str | None] = [None]

    class Distribution:
        def read_text(self, _name: str) -> str | None:
            return texts[0]

    monkeypatch.setattr(metadata, "distribution", lambda _: Distribution())
    return texts


RECEIPT = '[tool]\nrequirements = [{ name = "other" }, { name = "handoff-sidecar", specifier = ">=0.1,<0.2" }]\n'


def pipx(**package: object) -> str:
    return json.dumps({"main_package": {"package": "handoff-sidecar", **package}})


@pytest.mark.parametrize(
    ("files", "keeper", "wanted"),
    [
        ({"uv-receipt.toml": RECEIPT}, "uv tool", ">=0.1,<0.2"),
        ({"uv-receipt.toml": '[tool]\nrequirements = [{ name = "handoff-sidecar" }]\n'}, "uv tool", ""),
        ({"uv-receipt.toml": "no toml"}, "uv tool", ""),
        ({"pipx_metadata.json": pipx(package_or_url="handoff-sidecar==0.1.0")}, "pipx", "==0.1.0"),
        ({"pipx_metadata.json": pipx(package_or_url="handoff-sidecar")}, "pipx", ""),
        ({"pipx_metadata.json": pipx(pinned=True, package_version="0.1.2")}, "pipx", "==0.1.2"),
        ({"pipx_metadata.json": "[]"}, "pipx", ""),
        ({"CACHEDIR.TAG": ""}, "uvx", ""),
        ({}, "pip", ""),
    ],
)
def test_the_keeper_is_known_by_what_it_leaves(tmp_path: Path, files: dict[str, str], keeper: str, wanted: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    origin = find_origin(tmp_path)

    assert (origin.keeper, origin.wanted) == (keeper, SpecifierSet(wanted))
    assert origin.follows_index == (keeper != "uvx")
    assert origin.updates_itself == (keeper in {"uv tool", "pipx"})


@pytest.mark.parametrize(
    ("url", "source"),
    [("file:///home/ada/handoff-sidecar", "/home/ada/handoff-sidecar"), ("https://x.example/r.git",) * 2],
)
def test_what_was_installed_from_an_address_does_not_follow_the_index(
    tmp_path: Path, direct_url: list[str | None], url: str, source: str
) -> None:
    direct_url[0] = json.dumps({"url": url, "vcs_info": {"vcs": "git"}})
    (tmp_path / "uv-receipt.toml").write_text(RECEIPT)

    origin = find_origin(tmp_path)

    assert not origin.follows_index
    assert not origin.updates_itself
    assert str(origin) == f"uv tool, from {source}"


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin("uv tool"), "`uv tool upgrade handoff-sidecar`"),
        (Origin("pipx", "/x"), "`pipx upgrade handoff-sidecar`"),
        (Origin("pip"), "`pip install --upgrade handoff-sidecar`"),
        (Origin("pip", "/x"), "install it again from /x"),
        (Origin("uvx"), "update the npm package opencode-handoff-sidecar, whose plugin starts this program"),
    ],
)
def test_every_origin_has_a_way_by_hand(origin: Origin, words: str) -> None:
    assert origin.by_hand == words

"""How this package came onto the machine: which program keeps it, and whether it follows the package index.

Reads what the installers left behind (PEP 610's `direct_url.json`, uv's receipt, pipx's metadata). Changes nothing.
"""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from handoff_sidecar.folders import APP_NAME

Keeper = Literal["uv tool", "pipx", "uvx", "pip"]

UV_RECEIPT = "uv-receipt.toml"
PIPX_METADATA = "pipx_metadata.json"
CACHE_TAG = "CACHEDIR.TAG"
"""Marks a folder as a cache (bford.info/cachedir); each of the environments that uvx makes has one (uv 0.13)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where this installation came from.

    Attributes:
        keeper: the program that made the environment; `pip` stands for any virtual environment.
        source: the address or folder that it was installed from, or None if that was the package index.
        wanted: the versions that the person asked for, such as `==0.1.0`.
    """

    keeper: Keeper
    source: str | None = None
    wanted: SpecifierSet = field(default_factory=SpecifierSet)

    @property
    def follows_index(self) -> bool:
        """Whether a newer release in the package index is a newer one of this installation."""
        return self.source is None and self.keeper != "uvx"

    @property
    def updates_itself(self) -> bool:
        """Whether the environment is ours alone, so that nobody is surprised by a newer version in it."""
        return self.follows_index and self.keeper in {"uv tool", "pipx"}

    @property
    def by_hand(self) -> str:
        """How a person brings it up to date without us."""
        if self.keeper in {"uv tool", "pipx"}:
            return f"`{self.keeper} upgrade {APP_NAME}`"
        if self.keeper == "uvx":
            return "update the npm package opencode-handoff-sidecar, whose plugin starts this program"
        return f"`pip install --upgrade {APP_NAME}`" if self.source is None else f"install it again from {self.source}"

    @property
    def removal(self) -> str:
        """How a person removes the package."""
        if self.keeper == "uvx":
            return "`uv cache clean handoff-sidecar`"
        return f"`{self.keeper} uninstall {APP_NAME}`"

    def __str__(self) -> str:
        return f"{self.keeper}, from {self.source or 'the package index'}"


def find_origin(prefix: Path | None = None) -> Origin:
    """The origin of the package in the environment at `prefix`, by default the one that runs."""
    prefix = prefix or Path(sys.prefix)
    source = _source()
    receipt = _read(prefix / UV_RECEIPT, tomllib.loads)
    if receipt is not None:
        return Origin("uv tool", source, _wanted_of_uv(receipt))
    pipx = _read(prefix / PIPX_METADATA, json.loads)
    if pipx is not None:
        return Origin("pipx", source, _wanted_of_pipx(pipx))
    return Origin("uvx" if (prefix / CACHE_TAG).exists() else "pip", source)


def _source() -> str | None:
    try:
        text = metadata.distribution(APP_NAME).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return str(Path(__file__).resolve().parent)  # run from a folder that nothing was installed from
    if text is None:
        return None
    url = str(json.loads(text)["url"])
    return url.removeprefix("file://") if url.startswith("file:///") else url


def _read(path: Path, parse: Any) -> dict[str, Any] | None:  # noqa: ANN401  # two parsers of one shape
    try:
        found = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}  # it is there, and so is what made it
    return found if isinstance(found, dict) else {}


def _wanted_of_uv(receipt: dict[str, Any]) -> SpecifierSet:
    try:
        named = [entry for entry in receipt["tool"]["requirements"] if entry["name"] == APP_NAME]
        return SpecifierSet(named[0].get("specifier", ""))
    except (KeyError, TypeError, IndexError, InvalidSpecifier):
        return SpecifierSet()


def _wanted_of_pipx(described: dict[str, Any]) -> SpecifierSet:
    try:
        package = described["main_package"]
        if package.get("pinned"):
            return SpecifierSet(f"=={package['package_version']}")
        return Requirement(package["package_or_url"]).specifier
    except (KeyError, TypeError, InvalidRequirement, InvalidSpecifier):
        return SpecifierSet()

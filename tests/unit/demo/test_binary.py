import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

from handoff_sidecar.demo import binary
from handoff_sidecar.demo import npm as npm_module
from handoff_sidecar.demo.binary import PINNED_VERSION, find_opencode, npm_package
from handoff_sidecar.errors import OpenCodeNotFound


def script(path: Path, text: str) -> Path:
    if sys.platform == "win32":
        pytest.skip("a line of shell stands for a program here")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(binary.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(binary, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(binary, "_package_for_this_machine", lambda: "opencode-linux-x64")
    return folder


@pytest.fixture
def npm(tools: Path, tmp_path: Path) -> Path:
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as package:
        content = f"#!/bin/sh\necho {PINNED_VERSION}\n".encode()
        member = tarfile.TarInfo("package/bin/opencode")
        member.size = len(content)
        package.addfile(member, io.BytesIO(content))
    calls = tmp_path / "calls"
    copied = f'echo "$@" >> {calls}; /bin/cp {tmp_path}/package.tgz opencode-linux-x64.tgz\n'
    script(tools / "npm", copied)
    return calls


@pytest.mark.parametrize(
    ("system", "machine", "avx2", "musl", "package"),
    [
        ("linux", "x86_64", True, False, "opencode-linux-x64"),
        ("linux", "x86_64", False, False, "opencode-linux-x64-baseline"),
        ("linux", "x86_64", False, True, "opencode-linux-x64-baseline-musl"),
        ("linux", "aarch64", False, True, "opencode-linux-arm64-musl"),
        ("darwin", "arm64", False, False, "opencode-darwin-arm64"),
        ("win32", "AMD64", True, False, "opencode-windows-x64"),
    ],
)
def test_every_platform_has_its_package(system: str, machine: str, avx2: bool, musl: bool, package: str) -> None:  # noqa: FBT001
    assert npm_package(system, machine, avx2=avx2, musl=musl) == package


def test_a_platform_without_a_package_is_named_in_the_error() -> None:
    with pytest.raises(OpenCodeNotFound, match="freebsd14 on riscv64"):
        npm_package("freebsd14", "riscv64", avx2=False, musl=False)


def test_the_program_that_the_variable_names_comes_first_whatever_its_version(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tools / "opencode", f"echo {PINNED_VERSION}\n")
    named = script(tools / "mine", "echo 1.2.27\n")
    monkeypatch.setenv(binary.ENVIRONMENT_VARIABLE, str(named))
    assert find_opencode() == binary.OpenCodeBinary(named, "1.2.27")


def test_a_variable_that_names_something_else_is_an_error(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(binary.ENVIRONMENT_VARIABLE, str(script(tools / "mine", "echo hello\n")))
    with pytest.raises(OpenCodeNotFound, match="Correct the variable"):
        find_opencode()


def test_a_supported_opencode_on_the_path_is_taken(tools: Path) -> None:
    installed = script(tools / "opencode", "echo 1.15.13\n")
    assert find_opencode() == binary.OpenCodeBinary(installed, "1.15.13")


@pytest.mark.parametrize("version", ["1.15.12", "2.0.0", "nonsense"])
@pytest.mark.usefixtures("npm")
def test_an_unsupported_one_on_the_path_is_passed_over_for_the_pinned_one(tools: Path, version: str) -> None:
    script(tools / "opencode", f"echo {version}\n")
    found = find_opencode()
    assert found.version == PINNED_VERSION
    assert binary.version_of(found.path) == PINNED_VERSION


def test_what_was_fetched_once_is_not_fetched_again(npm: Path) -> None:
    said: list[str] = []
    assert find_opencode(say=said.append) == find_opencode(say=said.append)
    assert len(said) == 1
    assert npm.read_text().count(f"opencode-linux-x64@{PINNED_VERSION}") == 1


@pytest.mark.usefixtures("npm")
def test_nothing_but_the_program_stays_in_the_cache(tmp_path: Path) -> None:
    found = find_opencode()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [found.path]


def test_a_program_that_another_process_put_there_meanwhile_is_used(tmp_path: Path) -> None:
    ready, folder = tmp_path / "ready", tmp_path / "version" / "package"
    for place in (ready, folder):
        place.mkdir(parents=True)
        (place / "opencode").write_text(place.name)
    binary._put_in_place(ready, folder, folder / "opencode")  # noqa: SLF001
    assert (folder / "opencode").read_text() == "package"


@pytest.mark.usefixtures("tools")
def test_without_npm_the_error_says_how_to_get_on() -> None:
    with pytest.raises(OpenCodeNotFound, match=r"Install Node\.js.*HANDOFF_SIDECAR_OPENCODE"):
        find_opencode()


@pytest.mark.parametrize(
    ("code", "sentence"), [("ENOTFOUND", "Check that this machine is online"), ("ETARGET", "npm doesn't have")]
)
def test_npms_own_error_is_told(tools: Path, code: str, sentence: str) -> None:
    said = json.dumps({"error": {"code": code, "summary": "it went wrong."}})
    script(tools / "npm", f"echo '{said}'; exit 1\n")
    with pytest.raises(OpenCodeNotFound, match=sentence) as caught:
        find_opencode()
    assert "it went wrong" in str(caught.value)


def test_a_terminal_shows_how_much_is_there(tools: Path, npm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    npm.touch()
    fetched = (tools / "npm").read_text().removeprefix("#!/bin/sh\n")
    # As npm does, into the cache that it is told of; its name is the last but one word.
    script(
        tools / "npm",
        f'for word; do cache=$last; last=$word; done; /bin/mkdir -p "$cache"\n'
        f'/usr/bin/head -c 31000000 /dev/zero > "$cache/tmp"; /bin/sleep 0.5\n{fetched}',
    )

    find_opencode()

    assert f"{npm_module.CLEAR_LINE}[###############               ] 31 of about 60 MB" in terminal.getvalue()
    assert terminal.getvalue().endswith(npm_module.CLEAR_LINE)


def test_a_package_without_a_program_is_refused_and_leaves_nothing(tools: Path, tmp_path: Path) -> None:
    script(tools / "npm", "echo nothing > opencode.tgz\n")
    with pytest.raises(OpenCodeNotFound, match="doesn't hold an OpenCode program"):
        find_opencode()
    assert list((tmp_path / "cache" / "opencode").iterdir()) == []

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from handoff_sidecar.handoff.gathering.worktree import git_state

PERSON = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *PERSON, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "a.txt").write_text("a\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=A")
    return folder


def make_dirty(folder: Path) -> None:
    (folder / "a.txt").write_text("b\n")
    os.utime(folder / "a.txt", (1, 1))


async def test_branch_commit_and_changes_are_told(repository: Path) -> None:
    make_dirty(repository)

    state = await git_state(str(repository))

    assert re.fullmatch("main, [0-9a-f]{7}, 1 file changed", state)


async def test_a_clone_knows_its_remotes_default_branch(repository: Path, tmp_path: Path) -> None:
    git(repository, "branch", "--move", "dev/next")
    git(tmp_path, "clone", "--quiet", str(repository), "clone")

    assert await git_state(str(tmp_path / "clone")) == ""
    assert await git_state(str(repository)) != ""


async def test_outside_a_repository_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert await git_state(str(tmp_path)) == ""
    assert await git_state(str(tmp_path / "gone")) == ""


@pytest.mark.parametrize("name", ["evil", "e=v.il", 'q"uote'])
@pytest.mark.parametrize("kind", ["clean", "process"])
async def test_a_program_that_the_repository_names_is_not_run(
    repository: Path, tmp_path: Path, name: str, kind: str
) -> None:
    ran = tmp_path / "ran"
    (repository / ".git" / "info" / "attributes").write_text(f"* filter={name}\n")
    for setting, value in ((kind, f"touch '{ran}'; cat"), ("required", "true")):
        git(repository, "config", f"filter.{name}.{setting}", value)
    git(repository, "config", "core.fsmonitor", f"touch '{ran}'")
    make_dirty(repository)

    state = await git_state(str(repository))

    assert state.startswith("main, ")
    assert not ran.exists()


async def test_a_program_that_an_included_file_names_is_not_run(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (repository / ".git" / "info" / "attributes").write_text("* filter=evil\n")
    (repository / ".git" / "more").write_text(f"[filter \"evil\"]\n\tclean = touch '{ran}'; cat\n")
    git(repository, "config", "include.path", "more")
    make_dirty(repository)

    assert await git_state(str(repository)) != ""
    assert not ran.exists()


async def test_a_program_that_a_repository_kept_elsewhere_names_is_not_run(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    git(repository, "config", "filter.evil.clean", f"touch '{ran}'; cat")
    (repository / ".gitattributes").write_text("* filter=evil\n")
    git_folder = repository / ".git"
    common = git_folder / "common"
    common.mkdir()
    for name in ("config", "objects", "refs", "info"):
        (git_folder / name).rename(common / name)
    (git_folder / "refs").mkdir()
    (git_folder / "commondir").write_text("common\n")
    make_dirty(repository)

    assert await git_state(str(repository)) != ""
    assert not ran.exists()


async def test_a_persons_own_filter_is_left_as_it_is(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (repository / ".gitattributes").write_text("* filter=mine\n")
    git(repository, "config", "--global", "filter.mine.clean", f"touch '{ran}'; cat")
    make_dirty(repository)

    await git_state(str(repository))

    assert ran.exists()


async def test_a_branch_whose_name_is_no_text_is_told_all_the_same(repository: Path) -> None:
    (repository / ".git" / "HEAD").write_bytes(b"ref: refs/heads/caf\xe9\n")

    state = await git_state(str(repository))

    assert state.startswith("caf?, ")

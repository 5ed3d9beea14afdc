"""The state of a git worktree: parsed from `git status`, described in a few words.

Does not run git.
"""

from __future__ import annotations

from dataclasses import dataclass

from handoff_sidecar.text.plain_text import one_line

STATUS_COMMAND = ("status", "--porcelain=v2", "--branch", "--untracked-files=all", "--ignore-submodules=dirty")
"""The only output format that is guaranteed to stay stable and has branch, commit and changes at once.

Submodules are skipped, because their own configuration may name programs to run.
"""

DEFAULT_BRANCH_COMMAND = ("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
"""Prints the remote's default branch, as the clone remembers it. Fails if there is none."""

SHORT_COMMIT_CHARACTERS = 7
BRANCH_MAX_CHARACTERS = 80

_CHANGED = ("1 ", "2 ", "u ", "? ")
_USUAL_DEFAULTS = frozenset({"main", "master"})


@dataclass(frozen=True, slots=True)
class GitState:
    """A worktree.

    Attributes:
        branch: None when no branch is checked out.
        commit: short; None before the first one.
        changed: files that a commit of everything would touch.
        default_branch: the remote's; None if that is not known.
    """

    branch: str | None
    commit: str | None
    changed: int
    default_branch: str | None = None


def parse_state(printed: str, default_branch: str = "") -> GitState:
    """The state that `git status` with the options above printed, and the command after it."""
    lines = printed.splitlines()
    said = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch.") and line.count(" ") > 1)
    branch, commit = said.get("branch.head"), said.get("branch.oid", "")
    return GitState(
        branch=None if branch == "(detached)" else branch,
        commit=commit[:SHORT_COMMIT_CHARACTERS] if commit[:1].isalnum() else None,
        changed=sum(line.startswith(_CHANGED) for line in lines),
        default_branch=default_branch.strip().removeprefix("origin/") or None,
    )


def describe(git: GitState | None) -> str:
    """Branch, commit and changes; empty for an unchanged default branch, or without a repository."""
    if git is None:
        return ""
    is_default = git.branch == git.default_branch if git.default_branch else git.branch in _USUAL_DEFAULTS
    if is_default and not git.changed:
        return ""
    branch = one_line(git.branch, BRANCH_MAX_CHARACTERS) if git.branch else "no branch"
    changes = f"{git.changed} {'file' if git.changed == 1 else 'files'} changed" if git.changed else "nothing changed"
    return f"{branch}, {git.commit or 'no commit yet'}, {changes}"

"""The state of a git worktree in a few words, from what git printed. Does not run git."""

from __future__ import annotations

from handoff_sidecar.text.counts import count
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


def in_words(printed: str, default_branch: str = "") -> str:
    """Branch, commit and changes, as the two commands above printed them; empty for an unchanged default branch."""
    lines = printed.splitlines()
    said = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch.") and line.count(" ") > 1)
    branch, commit = said.get("branch.head", ""), said.get("branch.oid", "")
    changed = sum(line.startswith(_CHANGED) for line in lines)
    default = default_branch.strip().removeprefix("origin/")
    if not changed and (branch == default if default else branch in _USUAL_DEFAULTS):
        return ""
    named = one_line(branch, BRANCH_MAX_CHARACTERS) if branch not in {"", "(detached)"} else "no branch"
    short = commit[:SHORT_COMMIT_CHARACTERS] if commit[:1].isalnum() else "no commit yet"
    return f"{named}, {short}, {count(changed, 'file')} changed" if changed else f"{named}, {short}, nothing changed"

"""In the real OpenCode: what `make demo` and the README show."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from opencode.terminal import Terminal, TerminalTimeoutError

from handoff_sidecar.demo.binary import ENVIRONMENT_VARIABLE, OpenCodeBinary
from handoff_sidecar.demo.script import BEGUN

SCREEN_TIMEOUT_S = 60.0
README = Path(__file__).parents[2] / "README.md"


def demo(opencode: OpenCodeBinary, folder: Path) -> str:
    """What it prints; it leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, "-m", "handoff_sidecar", "demo"],
        env={**os.environ, ENVIRONMENT_VARIABLE: str(opencode.path), "TMPDIR": str(folder), "COLUMNS": "110"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("handoff-*")) == [], "the demo left something behind"
    return done.stdout


def test_the_demo_shows_in_30_lines_what_a_handoff_changes(opencode: OpenCodeBinary, tmp_path: Path) -> None:
    shown = demo(opencode, tmp_path)

    print(shown)
    assert shown.startswith(f"OpenCode {opencode.version} (")
    assert 25 <= len(shown.rstrip().splitlines()) <= 32
    old, new = re.findall(r"([\d,]+) of 200,000 tokens · (?:build|same)", shown)
    assert int(old.replace(",", "")) > 150_000
    assert int(new.replace(",", "")) < 20_000
    for words in (
        "200 messages · ",
        "1 message · ",
        "same agent, model, permissions · made in ",
        '- "Never change the session format',
        "src/auth/logout.ts (not found)",
        "port 2587",
        "write cookies.ts → refused: ",
        "/handoff-resume → 1 session, its goal in its prompt",
        "`make demo-tui`",
    ):
        assert words in shown
    marks = set(
        re.findall(r"  (you|OpenCode|git|the agent|the agent, checked|the agent: NOT FOUND)$", shown, re.MULTILINE)
    )
    assert len(marks) == 6
    prompt = [line.rsplit("  ", 1)[0].strip() for line in re.findall(r"│ (.+)", without_ids(shown))]
    for line in example_in_the_readme():
        assert any(line == each or (each[-1] == "…" and line.startswith(each[:-1])) for each in prompt), line


@pytest.mark.tui
@pytest.mark.timeout(180)
def test_in_the_tui_the_goal_that_is_typed_counts_and_at_its_end_the_demo_says_how_to_go_on(
    opencode: OpenCodeBinary, tmp_path: Path
) -> None:
    with demo_tui(opencode, tmp_path) as terminal:
        wait_for_words(terminal, BEGUN)
        say(terminal, "handoff is broken, why?")
        terminal.wait_for("I am a scripted model", SCREEN_TIMEOUT_S)
        say(terminal, "handoff")
        wait_for_words(terminal, "What shall I do next?")
        say(terminal, "handoff to plan: review the auth flow")
        screen = wait_for_words(terminal, 'I start on "review the auth flow"')
        assert "Plan · Scripted model" in screen
        assert "I am a scripted model" not in screen
        say(terminal, "make it nicer")
        terminal.wait_for("I am a scripted model", SCREEN_TIMEOUT_S)
        terminal.press("ctrl+c")
        screen = wait_for_words(terminal, "To hand off in your own OpenCode:")

    assert screen.index("opencode -s ses_") < screen.index("This was a throwaway home")
    assert list(tmp_path.glob("handoff-*")) == [], "the demo left something behind"


@pytest.mark.faults
@pytest.mark.timeout(180)
def test_a_demo_that_is_ended_from_outside_leaves_nothing_behind(opencode: OpenCodeBinary, tmp_path: Path) -> None:
    with demo_tui(opencode, tmp_path) as terminal:
        wait_for_words(terminal, BEGUN)
        os.kill(terminal.pid, signal.SIGTERM)
        with pytest.raises(TerminalTimeoutError, match="the program ended"):
            terminal.wait_for("what is never said", SCREEN_TIMEOUT_S)

    assert list(tmp_path.glob("handoff-*")) == []


def demo_tui(opencode: OpenCodeBinary, folder: Path) -> Terminal:
    env = {**os.environ, ENVIRONMENT_VARIABLE: str(opencode.path), "TMPDIR": str(folder)}
    return Terminal([sys.executable, "-m", "handoff_sidecar", "demo", "--tui"], env=env, cwd=folder)


def say(terminal: Terminal, text: str) -> None:
    terminal.type(text)
    terminal.wait_for(text, SCREEN_TIMEOUT_S)
    terminal.press("enter")


def wait_for_words(terminal: Terminal, words: str) -> str:
    return terminal.wait_for(lambda screen: words in " ".join(screen.split()), SCREEN_TIMEOUT_S)


def example_in_the_readme() -> list[str]:
    """The lines of the prompt that the README shows, as the demo prints them: without its heading, stars and link."""
    found = re.search(r"(?s)```\n## Session Handoff\n(.*?)\n---\nPrevious: ", README.read_text(encoding="utf-8"))
    assert found is not None
    lines = [line for line in without_ids(found[1]).replace("**", "").splitlines() if line]
    assert len(lines) > 5
    return lines


def without_ids(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{7}\b", "COMMIT", text)

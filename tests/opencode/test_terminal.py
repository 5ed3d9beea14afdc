import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from opencode.terminal import Terminal, TerminalTimeoutError

from handoff_sidecar.demo.server import until

WAIT_S = 20


@contextmanager
def python(code: str, tmp_path: Path) -> Iterator[Terminal]:
    with Terminal([sys.executable, "-c", code], env=os.environ, cwd=tmp_path, size=(40, 5)) as terminal:
        yield terminal


def show(text: str, tmp_path: Path) -> Terminal:
    with python(f"import tty; tty.setraw(0); print({text!r}, end='', flush=True); input()", tmp_path) as terminal:
        terminal.wait_for("END", WAIT_S)
    return terminal


def test_typed_text_and_keys_reach_the_program(tmp_path: Path) -> None:
    with python("print('name?'); print('hello', input())", tmp_path) as terminal:
        terminal.wait_for("name?", WAIT_S)
        terminal.type("Ada")
        terminal.press("enter")
        terminal.wait_for("hello Ada", WAIT_S)


def test_the_pty_is_the_programs_controlling_terminal(tmp_path: Path) -> None:
    code = "import time; print('ready', open('/dev/tty').isatty(), flush=True); time.sleep(60)"
    with python(code, tmp_path) as terminal:
        terminal.wait_for("ready True", WAIT_S)
        terminal.press("ctrl+c")
        terminal.wait_for("KeyboardInterrupt", WAIT_S)


def test_sequences_that_draw_nothing_leave_no_trace(tmp_path: Path) -> None:
    noise = "\x1bP+q4d73\x1b\\\x1b_Gi=1;AAAA\x1b\\\x1b]66;w=1; \x1b\\\x1b[>4;1m\x1b[?2026$p\x1b[>0q"
    terminal = show(f"a{noise}bEND", tmp_path)
    assert terminal.screen().splitlines()[0] == "abEND"
    assert len(terminal.questions()) == 6


def test_the_cursor_is_saved_and_restored(tmp_path: Path) -> None:
    assert show("ab\x1b[s\x1b[3;1Hc\x1b[uEND", tmp_path).screen().splitlines()[:3] == ["abEND", "", "c"]


def test_a_program_that_asks_for_the_cursor_is_answered(tmp_path: Path) -> None:
    code = (
        "import os, sys, tty; tty.setraw(0); os.write(1, b'ab\\x1b[6n'); answer = os.read(0, 20);"
        "os.write(1, repr(answer).encode())"
    )
    with python(code, tmp_path) as terminal:
        terminal.wait_for("[1;3R", WAIT_S)


def test_a_sequence_and_a_character_cut_in_two_by_a_read_are_whole(tmp_path: Path) -> None:
    code = (
        "import os, tty; tty.setraw(0); wait = lambda: os.read(0, 1);"
        "os.write(1, b'1\\x1b[3'); wait(); os.write(1, b'1mred\\xe2\\x94'); wait(); os.write(1, b'\\x83END'); wait()"
    )
    with python(code, tmp_path) as terminal:
        terminal.wait_for("1", WAIT_S)
        terminal.press("enter")
        terminal.wait_for("red", WAIT_S)
        terminal.press("enter")
        terminal.wait_for("┃END", WAIT_S)


def test_a_broken_sequence_does_not_swallow_what_follows(tmp_path: Path) -> None:
    assert "1mEND" in show("\x1b[3\r\n1mEND", tmp_path).screen()


def test_half_a_frame_is_not_seen(tmp_path: Path) -> None:
    # The answer to where the cursor is comes when the first half has been read: only then is the rest written.
    code = (
        "import os, tty; tty.setraw(0); os.write(1, b'\\x1b[?2026hfirst\\x1b[6n'); os.read(0, 20);"
        "os.write(1, b'half\\x1b[?2026l'); os.read(0, 1)"
    )
    with python(code, tmp_path) as terminal:
        assert "firsthalf" in terminal.wait_for("first", WAIT_S)


def test_a_picture_shows_the_screen_in_its_colours(tmp_path: Path) -> None:
    picture = show("\x1b[1;38;2;1;2;3;48;2;4;5;6m<a>\x1b[0mEND", tmp_path).picture("A & B")

    texts = [element.text or "" for element in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert {"A & B", "<a>", "END"} <= {text.replace("\xa0", " ").strip() for text in texts}
    assert "fill: #010203;font-weight: bold" in picture
    assert 'fill="#040506"' in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "").replace("https://www.textualize.io", "")


def test_waiting_in_vain_shows_the_screen(tmp_path: Path) -> None:
    with python("print('something else'); input()", tmp_path) as terminal:
        terminal.wait_for("something", WAIT_S)
        with pytest.raises(TerminalTimeoutError, match=r"(?s)'wanted'.*not within 0\.1 s.*something else"):
            terminal.wait_for("wanted", 0.1)


def test_waiting_for_a_program_that_has_ended_does_not_last(tmp_path: Path) -> None:
    with python("print('bye')", tmp_path) as terminal, pytest.raises(TerminalTimeoutError, match="the program ended"):
        terminal.wait_for("wanted", WAIT_S)


def test_closing_ends_a_program_that_ignores_it_and_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencode.terminal.END_TIMEOUT_S", 0.1)
    code = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen(['/bin/sleep', '60']); print('child', child.pid, '!', flush=True); child.wait()"
    )
    with python(code, tmp_path) as terminal:
        child = int(terminal.wait_for("!", WAIT_S).split()[1])
    until(lambda: True if has_ended(child) else None)
    terminal.close()


def has_ended(process_id: int) -> bool:
    """Whether the kernel is done with it: a process that was killed is still there for a moment (Linux)."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True

"""In the real OpenCode: a session with many pasted screenshots, whose pictures never leave OpenCode."""

from __future__ import annotations

import base64
import random
import struct
import zlib
from pathlib import Path
from typing import Any

from opencode.server import PROMPT, TYPED, Play, calls, sidecars
from opencode.test_read import read_whole

from handoff_sidecar.demo.scripted_model import Reply
from handoff_sidecar.demo.server import Server, until

SCREENSHOTS = 12
WIDTH, HEIGHT = 1_000, 450
RULE = "Never touch the migrations folder."


def screenshot() -> str:
    """A `data:` URL of 1.8 MB, as OpenCode's TUI makes one of what is pasted: a PNG (others are refused) of noise."""
    noise = random.Random(4)
    rows = b"".join(b"\0" + noise.randbytes(WIDTH * 3) for _ in range(HEIGHT))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 0)),
        (b"IEND", b""),
    ]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def peak_bytes(server: Server) -> int:
    """The most memory that the sidecar has had (Linux)."""
    (pid,) = until(lambda: sidecars(server.sandbox) or None)
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def test_a_session_full_of_screenshots_is_handed_off_whole_and_searched(server: Server, play: Play) -> None:
    file, url = server.sandbox.project / "src/button.ts", screenshot()
    play("Paint the button.", calls("write", filePath=str(file), content="plum\n"), Reply("It is plum now."))
    play(TYPED, calls("session_handoff", summary="S.", constraints=[RULE]), Reply("Handed over."))
    play(PROMPT, Reply("I see."))
    old = server.new_session(title="Screenshots")
    server.say(old, f"Paint the button. {RULE}")
    for number in range(SCREENSHOTS):
        shot = {"type": "file", "mime": "image/png", "filename": f"shot {number}.png", "url": url}
        said = {"type": "text", "text": "the umbrella" if number == 0 else "the button"}
        server.post(f"/session/{old}/message", {"parts": [said, shot], "noReply": True})

    before = peak_bytes(server)

    server.say(old, "handoff")

    call = server.tool_call(old, "session_handoff")
    assert "newest" not in call["output"], "it fell back to a few messages"
    new = call["metadata"]["sessionID"]
    prompt = server.messages(new)[0]["parts"][0]["text"]
    assert "**Files:** src/button.ts" in prompt
    assert f'- "{RULE}"' in prompt
    ways: list[dict[str, Any]] = [{"query": "umbrella"}, {"file": "src/button.ts"}, {"limit": 4}]
    searched, looked_up, read = (read_whole(server, play, session_id=old, **how) for how in ways)
    assert "shown for 'umbrella'" in searched
    assert searched.count("the umbrella") == 1
    assert "- write 'src/button.ts': completed" in looked_up
    assert "shot 11.png (image/png, 1,351 kB)" in read
    assert peak_bytes(server) - before < SCREENSHOTS * len(url), "a page of messages came with its pictures"

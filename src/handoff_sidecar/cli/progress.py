"""What a person sees while something takes longer than they would wait without a word. Does not know what it is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

PATIENCE_S = 2.0
TICK_S = 1.0
CLEAR_LINE = "\r\033[K"


@contextmanager
def told_if_slow(what: str, *, patience_s: float = PATIENCE_S, stream: TextIO | None = None) -> Iterator[None]:
    """After two seconds, say on a terminal what is being done and for how long, until it is done.

    Programs and log files get nothing.

    Args:
        what: `Reading the session`.
        patience_s: how long nothing is said.
        stream: where to say it, by default stderr.
    """
    out = stream or sys.stderr
    if not out.isatty():
        yield
        return
    done = threading.Event()
    talker = threading.Thread(target=_tell, args=(what, patience_s, out, done), name="progress", daemon=True)
    talker.start()
    try:
        yield
    finally:
        done.set()
        talker.join()


def _tell(what: str, patience_s: float, out: TextIO, done: threading.Event) -> None:
    started = time.monotonic()
    if done.wait(patience_s):
        return
    while True:
        print(f"{CLEAR_LINE}{what} … {time.monotonic() - started:.0f} s", end="", file=out, flush=True)
        if done.wait(TICK_S):
            break
    print(CLEAR_LINE, end="", file=out, flush=True)

"""How the process gives freed memory back. Knows nothing of what it is used for."""

from __future__ import annotations

import ctypes
import logging
import sys

log = logging.getLogger(__name__)

TRIM_THRESHOLD_BYTES = 65_536
_M_TRIM_THRESHOLD, _M_ARENA_MAX = -1, -8
"""From glibc's malloc.h."""


def give_back_what_is_freed() -> None:
    """Keep little of what was freed, on glibc; elsewhere nothing is done.

    An answer of OpenCode's is read, parsed and dropped in several threads, each of which has a heap of its own there.
    After 1,000 more calls the process held 11 % more than after the first twenty, and like this 4 % (`benchmarks`).
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError) as error:  # another C library
        log.debug("nothing is known of this C library's heap: %s", error)
        return
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)

"""What the shim keeps to: how long it waits and for what, what it starts the sidecar with, which tools a lock is about.

Each wait is in milliseconds, under its name in `tools.json`. They are here, and not in the shim, because both sides
have to agree on who gives up first.
"""

from __future__ import annotations

from handoff_sidecar.reading.definition import READ_SESSION

WAIT_MS = {
    # A person waits for these.
    "toolCall": 60_000,  # a handoff takes well under a second; what takes this long will not end by itself
    "command": 30_000,
    "message": 5_000,  # with the message already sent
    "trigger": 2_000,  # for the person's own words, where their settings are newer than what was left of them
    # A turn waits for these: an answer takes a few milliseconds, 100 where OpenCode has to be asked first.
    "step": 1_000,
    "lookUp": 300,  # whether a session was left: OpenCode answers in 1 to 5 ms
    "compaction": 3_000,  # a small part of what a compaction takes
    # The longest that a handoff waits for another call of its step: OpenCode's own limit for a command.
    "callsOfAStep": 120_000,
    # In the background: OpenCode answers only when the directory is ready, which has taken 10 s on a busy machine.
    "open": 60_000,
    # How long the peer may take to end a call that was cancelled before it counts as stuck.
    "cancelGrace": 2_000,
    # A cold Python on a busy machine takes seconds; where the package is downloaded first, 15 MB over a slow line.
    "initialize": 10_000,
    "fetch": 120_000,
    # After a start that failed; the time doubles each time, and this is the longest.
    "longestRest": 300_000,
    # `dispose` holds up OpenCode's exit for this long at most.
    "end": 900,
    # A toast, a log line, the version must not hold anything up. And a toast needs the TUI to be up.
    "courtesy": 2_000,
    "notice": 3_000,
    "window": 300,  # for a companion to move its window, which takes 30 ms
    # The sidecar is started when OpenCode has told of nothing for so long, and at the latest after this.
    "quiet": 3_000,
    "longestDelay": 30_000,
}

SMALL_SESSION_TOKENS = 8_000
"""Nothing is done about a session below this, in any model that can code: no sidecar has to be there for it."""

SIDECARS_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""For glibc, to keep little of what was freed. An answer of OpenCode's is read, parsed and dropped in several threads,
each of which has a heap of its own. After 1,000 more calls the process held 11 % more than after the first twenty, and
like this 4 % (`benchmarks`)."""

TOOLS_THAT_LOOK = (
    *("read", "grep", "glob", "list", "lsp", "todoread", "webfetch", "websearch", "codesearch"),
    READ_SESSION.name,
    "invalid",
)
"""They run in a session that was left, and a subagent may end its work with them. Any other may change something.

`invalid` is what OpenCode makes of a call that it can't read.
"""

TOOLS_THAT_DELEGATE = ("task", "batch")
"""They hand their work to others, which are locked by themselves: no handoff waits for them."""

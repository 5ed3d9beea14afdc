"""What the shim says when it has to speak for itself: mostly, that the sidecar can't be had.

`{words}` are the shim's to fill in. Everything else that people and models read comes from where it is decided.
"""

from __future__ import annotations

from handoff_sidecar.opencode.versions import OLDEST

REINSTALL = "Run `handoff-sidecar install` again, then restart OpenCode."
_ONCE_MORE = "Try once more. If that fails too, run `handoff-sidecar install` again, then restart OpenCode."

FAILURES = {
    kind: {"cause": cause, "next": then}
    for kind, cause, then in (
        (
            "missing",
            "the Python package is not installed (not found on the PATH: {looked})",
            "Run `uv tool install handoff-sidecar` (or `pipx install handoff-sidecar`), then restart OpenCode.",
        ),
        ("notFound", "the sidecar's program could not be started ({program}: {code})", REINSTALL),
        ("ended", "the sidecar stopped while it was starting{ending}", _ONCE_MORE),
        ("silent", "the sidecar did not answer within {seconds} s of its start{ending}", _ONCE_MORE),
        ("refused", "{cause}", _ONCE_MORE),
        ("told", "{cause}", ""),
        (
            "resting",
            (
                "the sidecar failed to start {starts} times in a row and won't be started for {seconds} s; "
                "the last time, {last}"
            ),
            "Run `handoff-sidecar doctor`, which says what is wrong.",
        ),
        ("died", "the sidecar stopped in the middle of the call{ending}", "The next call starts the sidecar again."),
        ("late", "the sidecar did not answer within {seconds} s", ""),
        ("stuck", "the sidecar did not answer within {seconds} s, and did not stop when it was cancelled", ""),
        ("cancelled", "the call was cancelled", ""),
        (
            "tooLarge",
            "a message of {bytes} bytes is over the limit of {limitBytes} bytes",
            "Try again with shorter arguments.",
        ),
    )
}
"""The one table of why a call has no answer: a clause without a full stop, and what to do next."""

_GO_ON = "The work in this session can go on."

SENTENCES = {
    "failed": "{name} failed: {cause}.",
    "cancelled": "{name} was cancelled.",
    "triggerFailed": "The handoff can't be done now: {cause}. Your message was sent as you typed it.",
    "startFailed": "Handoffs can't be made: {cause}.",
    "unloadable": f"Handoffs can't be made: the plugin's files could not be loaded ({{error}}). {REINSTALL}",
    "nothingMade": "Nothing was made and this session is unchanged.",
    "goOn": _GO_ON,
    "maybeMade": (
        f"{_GO_ON} A new session may have been made: "
        "check the session list for one titled `Handoff: …` before you try again."
    ),
    "newestBrief": "If the handoff's brief was saved, it is the newest file in {briefs}.",
    "worksElsewhere": (
        "This session's work goes on in `{sessionID}`. Nothing was done, because two agents must not work in one "
        "folder. Tell the user so, and that they can go on here by writing a new message. Then stop."
    ),
    "toolOfAnother": (
        "Another plugin also registers a tool `{name}`, and agents see that plugin's description. Remove one of the "
        "two plugins (`handoff-sidecar doctor` names the other), then restart OpenCode."
    ),
    "commandOfAnother": (
        "`/{name}` belongs to another plugin here, or is a command of your own. "
        "Remove that one and restart OpenCode; "
        "or type `handoff` or `handoff <goal>` without the slash, which always works."
    ),
    "otherLine": (
        "handoff-sidecar: this version is for OpenCode 1.x and does nothing in 2.x. Run `handoff-sidecar update`."
    ),
    "exit": {"code": "exit code {code}", "signal": "signal {signal}", "line": "its last line: {line}"},
}


def too_old(version: str | None) -> str:
    """What a person is told in an OpenCode that lacks what a handoff needs."""
    name = "This OpenCode" if version is None else f"OpenCode {version}"
    return (
        f"{name} is too old for handoff-sidecar, which needs {OLDEST} or later and does nothing in older versions. "
        "Run `opencode upgrade`, then restart OpenCode."
    )

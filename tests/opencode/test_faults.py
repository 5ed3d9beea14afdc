"""In the real OpenCode: the sidecar and OpenCode's answers go wrong at each step of a handoff.

Whatever happens, the turn goes on with a clear sentence, there is one whole session or none at all, the brief is on
disk and named, the next call works, and one sidecar is left. `make faults` runs the whole table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import pytest
from opencode.faults import Faulty, faulty
from opencode.server import TYPED, Play, calls, sidecars
from saboteur import ANSWERS, Sabotage

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply
from handoff_sidecar.demo.server import until

SUMMARY = "The login works."
GOES_ON = "I go on here."

STEPS = {
    "call": ("call", 1),
    "session": (r"GET /session/ses_\w+", 1),
    "messages": (r"GET /session/ses_\w+/message", 1),
    "todos": (r"GET /session/ses_\w+/todo", 1),
    "create": ("POST /session", 1),
    "prompt": (r"POST /session/ses_\w+/prompt_async", 1),
    "told": (r"message\.part\.updated", 1),
    "read-back": (r"GET /session/ses_\w+/message", 2),
    "mark": (r"PATCH /session/ses_\w+", 1),
    "select": ("POST /tui/select-session", 1),
    "result": ("result", 1),
}
NOTIFIED = {"call", "told", "result"}
REQUESTS = [step for step in STEPS if step not in NOTIFIED]
HARMLESS = ["garbage", "print", "unknown-id", "twice", "huge"]
DEADLY = ["kill", "kill-after", "stop", "stop-after", "half"]
OF_OPENCODE = [*ANSWERS, "hold", "lost"]

ABORTED_ALWAYS = [("create", "lost"), ("prompt", "lost"), ("mark", "hold")]

ENDED_WITHIN_S = 0.2
"""From the frame that says so to the sidecar's answer: what a person feels as at once."""

WRITES_NO_BRIEF = {"call", "session", "messages", "todos"}

TABLE = [
    *(
        (step, fault)
        for step, fault in product(STEPS, [*DEADLY, *HARMLESS])
        if step not in NOTIFIED or "after" not in fault
    ),
    *product(REQUESTS, OF_OPENCODE),
    ("told", "hold"),
]
ALWAYS = [
    ("session", "500"),
    ("messages", "wrong-types"),
    ("todos", "hold"),
    ("create", "lost"),
    ("create", "missing-fields"),
    ("prompt", "kill-after"),
    ("prompt", "404"),
    ("told", "hold"),
    ("read-back", "half"),
    ("mark", "kill"),
    ("select", "huge"),
    ("result", "twice"),
]
"""Each step at least once, and what came closest to two sessions or half a one; `make faults` has the rest."""

CASES = [
    pytest.param(step, fault, id=f"{step}-{fault}", marks=() if (step, fault) in ALWAYS else pytest.mark.faults)
    for step, fault in TABLE
]


@pytest.fixture(scope="module")
def breakable(make_sandbox: Callable[..., Sandbox]) -> Iterator[Faulty]:
    with faulty(make_sandbox("faults")) as server:
        yield server


@pytest.mark.parametrize(("step", "fault"), CASES)
def test_a_handoff_is_whole_or_nothing_was_made_and_the_next_one_works(
    breakable: Faulty, play: Play, step: str, fault: str
) -> None:
    play(TYPED, calls("session_handoff", summary=SUMMARY), Reply(GOES_ON))
    server, title = breakable.server, f"{fault} at {step}"
    old = server.new_session(title=title)
    frame, nth = STEPS[step]
    words = fault.removesuffix("-after")
    sabotage = Sabotage(words, frame, nth=nth, after=words != fault, in_call=True, untold=step == "read-back")

    breakable.go_wrong(sabotage)
    server.say(old, "handoff go on")

    assert breakable.went_wrong_at
    assert server.messages(old)[-1]["parts"][-2]["text"] == GOES_ON
    breakable.wait_until_nothing_is_half_made(title)
    made, call = breakable.handed_off(title), server.tool_call(old, "session_handoff")
    assert len(made) <= 1
    if call["status"] == "completed":
        assert [session["id"] for session in made] == [call["metadata"]["sessionID"]]
        assert fault not in DEADLY
    else:
        assert fault not in HARMLESS
        check_sentence(call["error"])
        briefs = breakable.briefs(old)
        assert bool(briefs) == (step not in WRITES_NO_BRIEF)
        for brief in briefs:
            assert SUMMARY in brief.read_text()
            assert str(brief.parent) in call["error"]

    if fault in DEADLY:
        next_one = server.new_session(title=f"after {title}")
        server.say(next_one, "handoff go on")
        assert server.tool_call(next_one, "session_handoff")["status"] == "completed"
        until(lambda: breakable.marks() == [] or None)  # what was interrupted is in order and was told
    until(lambda: True if len(sidecars(server.sandbox)) == 1 else None)


def test_a_message_that_is_no_trigger_costs_no_call_to_the_sidecar(breakable: Faulty, play: Play) -> None:
    play(TYPED, calls("session_handoff", summary=SUMMARY), Reply(GOES_ON))
    server = breakable.server
    session = server.new_session()

    def called(message: str) -> bool:
        before = len(breakable.frames())
        server.say(session, message)
        return any(name == "message/received" for _, _, _, name in breakable.frames()[before:])

    assert not called("please explain the handoff in auth.ts")
    assert called("handoff")


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        pytest.param(step, fault, marks=() if (step, fault) in ABORTED_ALWAYS else pytest.mark.faults)
        for step, fault in [
            *((step, "hold") for step in REQUESTS),
            ("create", "lost"),
            ("prompt", "lost"),
        ]
    ],
)
def test_an_abort_ends_a_handoff_at_each_step_within_200_ms_and_leaves_nothing_half_made(
    breakable: Faulty, play: Play, step: str, fault: str
) -> None:
    play(TYPED, calls("session_handoff", summary=SUMMARY), Reply(GOES_ON))
    server, title = breakable.server, f"abort, {fault} at {step}"
    old = server.new_session(title=title)
    frame, nth = STEPS[step]
    seen = len(breakable.frames())

    breakable.go_wrong(Sabotage(fault, frame, nth=nth, in_call=True, untold=step == "read-back"))
    server.post(f"/session/{old}/prompt_async", {"parts": [{"type": "text", "text": "handoff go on"}]})
    until(lambda: breakable.has_gone_wrong or None)
    server.post(f"/session/{old}/abort", {})

    def answered() -> float | None:
        at = {(what, name): at for at, _, what, name in breakable.frames()[seen:]}
        ended = at.get(("out", "result"))
        return ended - at["in", "$/cancelRequest"] if ended else None

    assert until(answered) < ENDED_WITHIN_S
    # Beside these two the prompt is sent: by the time of the abort the new session may be known to be whole.
    possible = {0, 1} if step in {"mark", "select"} else {0}
    until(lambda: len(breakable.handed_off(title)) in possible or None)
    breakable.wait_until_nothing_is_half_made(title)
    assert breakable.marks() == [], "it would be offered"


def check_sentence(sentence: str) -> None:
    """Says what failed and what comes next, and nothing that only a programmer reads."""
    assert sentence.startswith(("session_handoff", "This session could not be read"))
    for foreign in ("Traceback", "undefined", "[object", "Errno", "httpx", "None"):
        assert foreign not in sentence
    assert any(
        what_next in sentence
        for what_next in ("call session_handoff again", "Try again", "The next call starts", "before you try again")
    ), sentence

"""In the real OpenCode: what a session that was left may do is the same for each process that looks at it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from opencode import neighbour
from opencode.left import ELSEWHERE, has_ended, results, typed
from opencode.server import PROMPT, Play, calls

from handoff_sidecar.demo.sandbox import Sandbox
from handoff_sidecar.demo.scripted_model import Reply
from handoff_sidecar.demo.server import serving, until

pytestmark = pytest.mark.timeout(180)


def test_a_process_that_was_not_there_or_hears_nothing_of_the_handoff_refuses_all_the_same(
    make_sandbox: Callable[..., Sandbox], play: Play
) -> None:
    """As after a restart, in the first seconds too; and as beside another OpenCode on the same database."""
    sandbox = make_sandbox("restarted")
    neighbour.move_in(sandbox)
    changed = sandbox.project / "changed.txt"
    write = calls("write", filePath=str(changed), content="x\n")
    play(PROMPT, Reply("I went on."))
    with serving(sandbox) as one:
        before = typed(one, play)
        with serving(sandbox) as other:
            for old in (before, typed(one, play)):
                for text, part in (("A plain prompt.", {}), ("A synthetic one.", {"synthetic": True})):
                    play(text, write, Reply(f"{text} Not done."))
                    neighbour.prompts(other, old, text, **part)
                    until(partial(has_ended, other, old, f"{text} Not done."))
                refused = results(other, old, "write")
                assert len(refused) == 2
                assert all(ELSEWHERE in result for result in refused)
    assert not changed.exists()

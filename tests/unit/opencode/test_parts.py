from __future__ import annotations

import re

import pytest

from handoff_sidecar.opencode.parts import hidden_text, part_id_after

PART = "prt_2074d800b001JIr75A9yjVMUx4"


def test_a_new_parts_id_sorts_after_all_others_and_looks_like_opencodes() -> None:
    assert re.fullmatch(r"prt_2074d800b002[0-9A-Za-z]{14}", part_id_after([PART]))
    assert part_id_after(["prt_2074d884a002z8fvB6FwrsRfZb", PART, "part"]).startswith("prt_2074d884a003")
    assert re.fullmatch(r"prt_[0-9a-f]{12}[0-9A-Za-z]{14}", part_id_after([]))


@pytest.mark.parametrize("odd", ["prt_x", "prt_ffffffffffffzzzzzzzzzzzzzz", "prt_"])
def test_it_sorts_after_an_id_of_another_form_too(odd: str) -> None:
    assert part_id_after([odd]) > odd


def test_what_is_added_is_seen_by_the_model_alone() -> None:
    part = hidden_text("Call it.", "ses_1", "msg_1", after=[PART])

    assert (part["type"], part["synthetic"], part["text"]) == ("text", True, "Call it.")
    assert (part["sessionID"], part["messageID"]) == ("ses_1", "msg_1")

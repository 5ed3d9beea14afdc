from __future__ import annotations

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from handoff_sidecar.reading.answer import Answer, Block, Fitted, Room
from handoff_sidecar.text.tokens import Tokenizer

TOKENIZER = Tokenizer()
ANSWER = Answer("T", "Session `ses_1`, 'T'.", "")


def say(fitted: Fitted) -> str:
    return f"{len(fitted.kept)} shown, {len(fitted.omitted)} left out."


def fill(tokens: int, *bodies: str) -> Answer:
    blocks = [Block(f"msg_{n}", f"user · {n}", body) for n, body in enumerate(bodies)]
    return Room(tokens, TOKENIZER).fill(ANSWER, blocks, say)


@hypothesis_settings(deadline=None, max_examples=40)
@given(st.integers(300, 3_000), st.lists(st.integers(0, 6_000), max_size=30))
def test_an_answer_never_exceeds_its_budget(tokens: int, lengths: list[int]) -> None:
    answer = fill(tokens, *("lorem ipsum dolor " * (length // 18) for length in lengths))

    assert TOKENIZER.count(answer.for_model()) <= tokens
    assert len(answer.blocks) <= len(lengths)


def test_one_huge_block_never_crowds_out_the_rest() -> None:
    answer = fill(1_000, *(f"short {n}" for n in range(10)), "error " * 100_000, *(f"short {n}" for n in range(10, 20)))

    text = answer.for_model()
    assert [f"short {n}\n" in text for n in range(20)] == [True] * 20
    assert "characters]…" in text
    assert TOKENIZER.count(text) > 800, "what room there is, the long one gets"


def test_a_cut_block_names_its_id() -> None:
    answer = fill(500, "x", "word " * 5_000)

    assert "[user · 1 · msg_1]" in answer.for_model()
    assert "[user · 0]" in answer.for_model()


def test_the_worst_is_left_out_where_not_even_cut_ones_fit() -> None:
    answer = fill(700, *("word " * 500 for _ in range(50)))

    assert 1 <= len(answer.blocks) < 10
    assert answer.blocks[0].id == "msg_0"
    assert f"{50 - len(answer.blocks)} left out" in answer.said


def test_a_block_ahead_is_whole_and_the_others_share_what_it_leaves() -> None:
    ahead = Block("", "rules", "rule " * 150)
    blocks = [Block(f"msg_{n}", f"user · {n}", "word " * 300) for n in range(9)]

    answer = Room(1_000, TOKENIZER).fill(ANSWER, blocks, say, ahead=[ahead])

    assert answer.blocks[0] == ahead
    assert len(answer.blocks) > 2
    assert TOKENIZER.count(answer.for_model()) <= 1_000
    assert answer.said.startswith(f"{len(answer.blocks) - 1} shown")

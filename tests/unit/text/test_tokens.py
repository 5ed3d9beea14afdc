from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.errors import HandoffSidecarError
from handoff_sidecar.text.tokens import VOCABULARY, Tokenizer

TOKENIZER = Tokenizer()


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("hello world", 2), ("antidisestablishmentarianism", 6), ("お誕生日おめでとう", 9)]
)
def test_the_count_is_that_of_the_published_tokenizer(text: str, count: int) -> None:
    assert TOKENIZER.count(text) == count


def test_counting_needs_no_network_and_no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))

    assert Tokenizer().count("hello world") == 2
    assert list(tmp_path.iterdir()) == []


def test_what_looks_like_a_special_token_is_text() -> None:
    assert TOKENIZER.count("<|endoftext|>") > 1


@pytest.mark.parametrize("text", [" " * 3_000_000, "x" * 1_000_000, "字" * 300_000])
def test_no_text_is_too_long_or_too_monotonous_to_be_counted_and_clipped(text: str) -> None:
    assert TOKENIZER.count(text) > 100
    assert TOKENIZER.count(TOKENIZER.clip(text, 50)) <= 50


@given(st.text(), st.integers(1, 50))
def test_a_clipped_text_fits_and_an_unclipped_one_is_whole(text: str, limit: int) -> None:
    clipped = TOKENIZER.clip(text, limit)

    assert TOKENIZER.count(clipped) <= max(limit, TOKENIZER.count("…"))
    assert clipped == text or clipped.endswith("…")
    assert (clipped == text) == (TOKENIZER.count(text) <= limit)


@pytest.mark.parametrize("damage", [b"", b"not a vocabulary", b"IQ== 0\n"])
def test_a_damaged_vocabulary_is_told_with_what_to_do(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "vocabulary").write_bytes(damage)

    with pytest.raises(HandoffSidecarError, match="install handoff-sidecar again"):
        Tokenizer(tmp_path / "vocabulary").load()
    with pytest.raises(HandoffSidecarError):
        Tokenizer(tmp_path / "missing").load()


def test_one_changed_byte_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "vocabulary").write_bytes(VOCABULARY.read_bytes().replace(b"IQ== 0", b"IQ== 9", 1))

    with pytest.raises(HandoffSidecarError, match="damaged"):
        Tokenizer(tmp_path / "vocabulary").load()

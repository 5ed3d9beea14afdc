from __future__ import annotations

import pytest

from handoff_sidecar.search.synonyms import synonyms_of


@pytest.mark.parametrize(
    ("term", "other"),
    [
        ("folder", "directory"),
        ("folders", "directory"),
        ("cancelled", "abort"),
        ("skipped", "omit"),
        ("cancel", "abort"),
        ("removing", "delete"),
        ("copies", "duplicate"),
        ("retries", "reattempt"),
    ],
)
def test_a_word_in_any_form_has_its_synonyms(term: str, other: str) -> None:
    assert other in synonyms_of(term)


@pytest.mark.parametrize("term", ["zyzzyvax", "ing", "s", "日本語", ""])
def test_other_words_have_none(term: str) -> None:
    assert synonyms_of(term) == frozenset()


def test_a_word_in_two_groups_has_the_synonyms_of_both_and_not_itself() -> None:
    assert {"remove", "copy", "redundant"} & synonyms_of("duplicate") == {"copy", "redundant"}
    assert "duplicate" not in synonyms_of("duplicate")

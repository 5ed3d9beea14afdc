"""Terms: names in code by their parts, scripts without blanks by pairs."""

import pytest

from handoff_sidecar.search.terms import indexed, terms_in


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("refreshToken", {"refreshtoken", "refresh", "token"}),
        ("JSONPath", {"jsonpath", "json", "path"}),
        ("SESSION_ID", {"session", "id"}),
        ("src/auth.ts", {"src", "auth", "ts"}),
        ("--no-verify", {"no", "verify"}),
        ("权限检查", {"权限", "限检", "检查"}),
        ("Müller", {"müller"}),
    ],
)
def test_a_name_gives_itself_and_its_parts(text: str, terms: set[str]) -> None:
    assert set(terms_in(text)) == terms


def test_the_numbers_of_a_files_lines_are_not_indexed() -> None:
    assert "38" not in terms_in("    38→const port = 8181")
    assert "8181" in terms_in("    38→const port = 8181")


def test_text_without_names_is_indexed_as_it_is() -> None:
    assert indexed("nothing to cut here") == "nothing to cut here"

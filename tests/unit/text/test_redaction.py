from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff_sidecar.brief.brief import Brief, Items
from handoff_sidecar.brief.write import without_secrets
from handoff_sidecar.opencode.models import SessionID
from handoff_sidecar.text.redaction import redact

PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id AKIA" + "IOSFODNN7EXAMPLE.", "id [redacted: AWS access key]."),
        ("gh" + "p_" + "a1B2" * 9, "[redacted: GitHub token]"),
        ("github" + "_pat_" + "a1B2_" * 8, "[redacted: GitHub token]"),
        ("gl" + "pat-" + "a1B2" * 5, "[redacted: GitLab token]"),
        ("xox" + "b-123456789012-abcdef", "[redacted: Slack token]"),
        ("sk-" + "ant-api03-" + "a1B2" * 8, "[redacted: Anthropic API key]"),
        ("sk-" + "proj-" + "a1B2" * 8, "[redacted: API key]"),
        ("AIza" + "a1B2c" * 7, "[redacted: Google API key]"),
        ("sk_" + "live_" + "a1B2" * 6, "[redacted: Stripe key]"),
        ("npm" + "_" + "a1B2" * 9, "[redacted: npm token]"),
        ("eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0NSJ9.s5_x-y", "[redacted: JSON web token]"),
        (f"key:\n{PRIVATE_KEY}\nend", "key:\n[redacted: private key]\nend"),
        (PRIVATE_KEY[:50], "[redacted: private key]"),
        (PRIVATE_KEY.replace("\n", "\\n"), "[redacted: private key]"),
        ("postgres://ada:hunter2@db:5432/app", "postgres://ada:[redacted: password in a URL]@db:5432/app"),
        ("redis://:hunter2@queue:6379", "redis://:[redacted: password in a URL]@queue:6379"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [redacted: authorization]"),
        ("export DB_PASSWORD=correct-horse", "export DB_PASSWORD=[redacted: secret value]"),
        ('{"password": "correct horse"}', '{"password": "correct horse"}'),
        ('{"password": "correct-horse"}', '{"password": "[redacted: password]"}'),
    ],
)
def test_a_secret_is_replaced_by_what_it_was(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "password: string",
        "const token = getToken()",
        "API_KEY=$API_KEY",
        "API_KEY = process.env.API_KEY",
        "DB_PASSWORD=<your password>",
        "MAX_TOKENS = 4000000",
        "http://127.0.0.1:4096/session",
        "https://example.com/a:b@c",
        "commit da56853f0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "task-specific-risk-assessment-of-the-desk",
        "src/auth/session.ts",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


@given(st.text(alphabet="abAK0:/@-_.= \n\"'", max_size=300))
def test_what_was_redacted_once_stays_as_it_is(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_no_part_of_a_brief_keeps_a_secret() -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    brief = Brief(SessionID("ses_old"), f"Uses {secret}.", goal=f"rotate {secret}", decisions=Items((secret, "b"), 2))

    clean = without_secrets(brief, redact)

    assert secret not in repr(clean)
    assert clean.decisions == Items(("[redacted: AWS access key]", "b"), 2)
    assert clean.previous == "ses_old"

"""Secrets in old text, replaced by what they were.

Owns the patterns of keys, tokens and passwords that can be told from ordinary text. What has no pattern of its own
(a password in a sentence) is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

Redact = Callable[[str], str]
"""A text, with or without its secrets, as the person has set it."""


class _Form(NamedTuple):
    """A form of secret.

    Attributes:
        name: what it is called in its place.
        pattern: its first group, if it has one, says what the secret is for, and stays.
        signs: regular expressions, one of which every text has that the pattern matches. Each begins with a letter or
            a sign that is meant as it stands, which takes next to nothing to look for.
        any_case: whether the signs are written in small letters for whatever case.
    """

    name: str
    pattern: re.Pattern[str]
    signs: tuple[str, ...]
    any_case: bool = False

    @property
    def replacement(self) -> str:
        kept = r"\1" if self.pattern.groups else ""
        return f"{kept}[redacted: {self.name}]"


_FORMS = (
    # Cut off in the middle too: what is left of a key is still one.
    _Form(
        "private key",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?!-----END)[\s\S]){0,20000}(?:-----END [A-Z0-9 ]*-----)?"
        ),
        ("-----BEGIN ",),
    ),
    _Form("AWS access key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b"), ("A(?:[KSB]IA|CCA)",)),
    _Form(
        "AWS secret key",
        re.compile(r"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s{0,3}[=:]\s{0,3}[\"']?[A-Za-z0-9/+]{40}\b"),
        ("aws_?secret",),
        any_case=True,
    ),
    _Form(
        "GitHub token",
        re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255})"),
        ("gh[pousr]_", "github_pat_"),
    ),
    _Form(
        "GitLab token",
        re.compile(r"\bgl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20,255}"),
        ("gl(?:pat|dt|rt|cbt|ptt)-",),
    ),
    _Form(
        "Slack token",
        re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,255}|\bxapp-\d-[A-Za-z0-9-]{10,255}"),
        ("x(?:ox|app-)",),
    ),
    _Form(
        "Slack webhook", re.compile(r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,255}"), (r"hooks\.slack\.com",)
    ),
    _Form("Anthropic API key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{20,255}"), ("sk-ant-",)),
    _Form("API key", re.compile(r"\bsk-(?:proj-|svcacct-|or-v1-)?[A-Za-z0-9_-]{20,255}"), ("sk-",)),
    _Form("Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}"), ("AIza",)),
    _Form("Google OAuth token", re.compile(r"\bya29\.[0-9A-Za-z_-]{20,1024}"), (r"ya29\.",)),
    _Form(
        "Stripe key",
        re.compile(r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,255}"),
        ("k_(?:live|test)_",),
    ),
    _Form("npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"), ("npm_",)),
    _Form("PyPI token", re.compile(r"\bpypi-[A-Za-z0-9_-]{32,1024}"), ("pypi-",)),
    _Form("Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{30,255}"), ("hf_",)),
    _Form("SendGrid key", re.compile(r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"), (r"SG\.",)),
    _Form(
        "JSON web token",
        re.compile(r"\beyJ[A-Za-z0-9_-]{10,4096}\.eyJ[A-Za-z0-9_-]{10,8192}(?:\.[A-Za-z0-9_-]{0,4096})?"),
        (r"\.eyJ",),
    ),
    _Form("password in a URL", re.compile(r"(://[^\s:/@\"'<>]{0,255}:)[^\s/@\"'<>]{1,255}(?=@)"), ("://",)),
    _Form(
        "authorization",
        re.compile(
            r"((?i:\bauthorization)[\"']?\s{0,3}[=:]\s{0,3}[\"']?(?i:bearer|basic|token)\s{1,3})[^\s\"',;]{8,4096}"
        ),
        ("authorization",),
        any_case=True,
    ),
    _Form(
        "secret value",
        re.compile(
            r"((?<![A-Za-z0-9_])(?:[A-Z0-9]{1,40}_){0,8}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY"
            r"|SECRET_KEY)[\"']?\s{0,3}(?:=|:(?=\s{0,3}[\"']?[^\s\"']{0,255}\d))\s{0,3}[\"']?)"
            r"(?![$<{\[*(]|null\b|None\b|true\b|false\b|process\.|os\.|import\.|env\.)[^\s\"'`,;]{6,4096}"
        ),
        ("PASSW", "SECRET", "TOKEN", "KEY"),
    ),
    _Form(
        "password",
        re.compile(
            r"((?i:\b(?:password|passwd|pwd|client_secret|secret_key|api_?key|access_token|auth_token)\b)"
            r"[\"']?\s{0,3}[=:]\s{0,3}([\"']))(?![$<{\[*])[^\s\"'`]{6,255}(?=\2)"
        ),
        ("passw", "pwd", "secret", "api_?key", "_token"),
        any_case=True,
    ),
)

_LOOKS = tuple((form, tuple(re.compile(sign).search for sign in form.signs)) for form in _FORMS)


def redact(text: str) -> str:
    """The text with each secret as `[redacted: AWS access key]` and the like."""
    folded = text.lower()
    for form, looks in _LOOKS:
        looked_at = folded if form.any_case else text
        for is_there in looks:
            if is_there(looked_at):
                text = form.pattern.sub(form.replacement, text)
                break
    return text


def redaction(*, wanted: bool) -> Redact:
    """What to pass old text through, by the setting `redact_secrets`."""
    return redact if wanted else str

"""Secrets in old text, replaced by what they were.

Owns the patterns of keys, tokens and passwords that can be told from ordinary text. What has no pattern of its own
(a password in a sentence) is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Redact = Callable[[str], str]
"""A text, with or without its secrets, as the person has set it."""

_PATTERNS: dict[str, str] = {
    # Cut off in the middle too: what is left of a key is still one.
    "private key": r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?!-----END)[\s\S]){0,20000}(?:-----END [A-Z0-9 ]*-----)?",
    "AWS access key": r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b",
    "AWS secret key": r"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s{0,3}[=:]\s{0,3}[\"']?[A-Za-z0-9/+]{40}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255})",
    "GitLab token": r"\bgl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20,255}",
    "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,255}|\bxapp-\d-[A-Za-z0-9-]{10,255}",
    "Slack webhook": r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,255}",
    "Anthropic API key": r"\bsk-ant-[A-Za-z0-9_-]{20,255}",
    "API key": r"\bsk-(?:proj-|svcacct-|or-v1-)?[A-Za-z0-9_-]{20,255}",
    "Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "Google OAuth token": r"\bya29\.[0-9A-Za-z_-]{20,1024}",
    "Stripe key": r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,255}",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "PyPI token": r"\bpypi-[A-Za-z0-9_-]{32,1024}",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{30,255}",
    "SendGrid key": r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,4096}\.eyJ[A-Za-z0-9_-]{10,8192}(?:\.[A-Za-z0-9_-]{0,4096})?",
}

_KEPT_BEFORE: dict[str, str] = {
    # What stands before the secret says what it is for, and stays.
    "password in a URL": r"(\b[a-zA-Z][a-zA-Z0-9+.-]{1,30}://[^\s:/@\"'<>]{0,255}:)[^\s/@\"'<>]{1,255}(?=@)",
    "authorization": r"((?i:\bauthorization)[\"']?\s{0,3}[=:]\s{0,3}[\"']?(?i:bearer|basic|token)\s{1,3})"
    r"[^\s\"',;]{8,4096}",
    "secret value": r"((?<![A-Za-z0-9_])(?:[A-Z0-9]{1,40}_){0,8}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY"
    r"|SECRET_KEY)[\"']?\s{0,3}(?:=|:(?=\s{0,3}[\"']?[^\s\"']{0,255}\d))\s{0,3}[\"']?)"
    r"(?![$<{\[*(]|null\b|None\b|true\b|false\b|process\.|os\.|import\.|env\.)[^\s\"'`,;]{6,4096}",
    "password": r"((?i:\b(?:password|passwd|pwd|client_secret|secret_key|api_?key|access_token|auth_token)\b)"
    r"[\"']?\s{0,3}[=:]\s{0,3}([\"']))(?![$<{\[*])[^\s\"'`]{6,255}(?=\2)",
}

_WHOLE = [(re.compile(pattern), f"[redacted: {name}]") for name, pattern in _PATTERNS.items()]
_AFTER = [(re.compile(pattern), rf"\1[redacted: {name}]") for name, pattern in _KEPT_BEFORE.items()]


def redact(text: str) -> str:
    """The text with each secret as `[redacted: AWS access key]` and the like."""
    for pattern, replacement in (*_WHOLE, *_AFTER):
        text = pattern.sub(replacement, text)
    return text


def redaction(*, wanted: bool) -> Redact:
    """What to pass old text through, by the setting `redact_secrets`."""
    return redact if wanted else str

"""Counting tokens offline.

Owns the vocabulary file (cl100k, as published with tiktoken, MIT) and its check; knows nothing of prompts. The
count is that of one tokenizer: other models' differ by some per cent, which a budget has to allow for anyway.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property
from importlib import resources

import tiktoken

from handoff_sidecar.errors import HandoffSidecarError

VOCABULARY_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
"""As in tiktoken's own `tiktoken_ext/openai_public.py` for cl100k_base."""

_SPLIT = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"""
    r"""|\s*[\r\n]|\s+(?!\S)|\s"""
)
"""How cl100k cuts text before it merges bytes (tiktoken 0.14, `openai_public.py`)."""


class Tokenizer:
    """Counts and cuts by tokens. The vocabulary is read at first use: about 0.1 s and 25 MB."""

    @cached_property
    def _encoding(self) -> tiktoken.Encoding:
        packed = resources.files("handoff_sidecar.handoff").joinpath("vocabulary/cl100k_base.tiktoken").read_bytes()
        if hashlib.sha256(packed).hexdigest() != VOCABULARY_SHA256:
            raise HandoffSidecarError(
                "the token vocabulary that came with handoff-sidecar is damaged: install handoff-sidecar again"
            )
        ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in packed.splitlines())}
        return tiktoken.Encoding("cl100k", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={})

    def load(self) -> None:
        """Read the vocabulary now, so that no later call has to wait for it."""
        self.count("")

    def count(self, text: str) -> int:
        """How many tokens the text is."""
        return len(self._encoding.encode_ordinary(text))

    def clip(self, text: str, max_tokens: int) -> str:
        """The text, or as much of its start as fits into `max_tokens` together with a closing `…`."""
        tokens = self._encoding.encode_ordinary(text)
        kept = max_tokens
        while len(tokens) > max_tokens:
            kept -= 1
            start = self._encoding.decode(tokens[: max(kept, 0)], errors="ignore").rstrip()
            cut = f"{start}…"
            if kept <= 0 or self.count(cut) <= max_tokens:
                return cut
        return text

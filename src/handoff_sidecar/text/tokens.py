"""Counting tokens offline.

Owns the vocabulary file (cl100k, as published with tiktoken, MIT) and its check; knows nothing of prompts. The
count is that of one tokenizer: other models' differ by some per cent, which a budget has to allow for anyway.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable

import tiktoken

from handoff_sidecar.errors import HandoffSidecarError

VOCABULARY_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
"""As in tiktoken's own `tiktoken_ext/openai_public.py` for cl100k_base."""

_SPLIT = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"""
    r"""|\s*[\r\n]|\s+(?!\S)|\s"""
)
"""How cl100k cuts text before it merges bytes (tiktoken 0.14, `openai_public.py`)."""


PIECE_CHARACTERS = 100_000
"""A tenth of what overflows; cutting there costs a token or two in 30,000."""

VOCABULARY = resources.files("handoff_sidecar.text").joinpath("vocabulary/cl100k_base.tiktoken")
DAMAGED = "handoff-sidecar's token vocabulary is damaged: install handoff-sidecar again"


class Tokenizer:
    """Counts and cuts by tokens.

    The vocabulary is read at first use: about 0.1 s and 25 MB.

    Raises:
        HandoffSidecarError: at first use, if the vocabulary is not the one that was published.
    """

    def __init__(self, vocabulary: Traversable = VOCABULARY) -> None:
        self._vocabulary = vocabulary

    @cached_property
    def _encoding(self) -> tiktoken.Encoding:
        digest = hashlib.sha256()
        ranks: dict[bytes, int] = {}
        try:
            with self._vocabulary.open("rb") as lines:
                for line in lines:
                    digest.update(line)
                    token, rank = line.split()
                    ranks[base64.b64decode(token)] = int(rank)
        except (OSError, ValueError) as error:
            raise HandoffSidecarError(DAMAGED) from error
        if digest.hexdigest() != VOCABULARY_SHA256:
            raise HandoffSidecarError(DAMAGED)
        encoding = tiktoken.Encoding("cl100k", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={})
        # The encoding works with a copy of its own; this one, which it only keeps for pickling, takes 10 MB.
        ranks.clear()
        return encoding

    def load(self) -> None:
        """Read the vocabulary now, so that no later call has to wait for it."""
        self.count(" ")

    def count(self, text: str) -> int:
        """How many tokens the text is."""
        return len(self._tokens(text))

    def clip(self, text: str, max_tokens: int) -> str:
        """The text, or as much of its start as fits into `max_tokens` together with a closing `…`."""
        tokens = self._tokens(text)
        kept = max_tokens
        while len(tokens) > max_tokens:
            kept -= 1
            start = self._encoding.decode(tokens[: max(kept, 0)], errors="ignore").rstrip()
            cut = f"{start}…"
            if kept <= 0 or self.count(cut) <= max_tokens:
                return cut
        return text

    def _tokens(self, text: str) -> list[int]:
        """The text's tokens, piece by piece: tiktoken's splitter overflows its stack on a run of a million blanks."""
        pieces = (text[start : start + PIECE_CHARACTERS] for start in range(0, len(text), PIECE_CHARACTERS))
        return [token for piece in pieces for token in self._encoding.encode_ordinary(piece)]

"""When a session is full enough: OpenCode's token count, its compaction point, and our point before it.

Pure arithmetic after `packages/opencode/src/session/overflow.ts` of OpenCode 1.18.33, seen in the real program for
models of several sizes (tests/opencode/test_full_context.py). Knows nothing of sessions or actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from handoff_sidecar.opencode.limits import CompactionConfig, ModelLimits, Tokens

OUTPUT_TOKENS_MAX = 32_000
"""OpenCode never asks for a longer answer, unless OPENCODE_EXPERIMENTAL_OUTPUT_TOKEN_MAX is set."""

RESERVED_TOKENS_MAX = 20_000
"""The most that OpenCode keeps free of a model's input limit if `compaction.reserved` is not set."""

MARGIN_MIN_TOKENS = 4_000
MARGIN_SHARE = 0.08
MARGIN_MAX_SHARE = 0.25
"""How far before OpenCode's compaction we act: one or two more steps must fit, even with a small model."""

TOKEN_PARTS = ("input", "output", "cache.read", "cache.write")
"""What OpenCode adds up where a provider tells no total; the shim does the same to see whether a session is small."""

NOTICE_PERCENT = 80
"""When to show the one notice if no threshold is set."""


@dataclass(frozen=True, slots=True)
class Points:
    """At how many tokens something happens in a session with a given model.

    Attributes:
        context: the model's context limit.
        compaction: where OpenCode compacts; None if it never does.
        handoff: where the session is handed off; None if no threshold is set.
        notice: where the user is told, before or instead of the handoff; None if not at all.
    """

    context: int
    compaction: int | None
    handoff: int | None
    notice: int | None

    @property
    def first(self) -> int | None:
        """Below this nothing happens; None if nothing ever does."""
        return min((point for point in (self.handoff, self.notice) if point is not None), default=None)

    def is_near(self, tokens: int) -> bool:
        """Whether the first point is reached."""
        return self.first is not None and tokens >= self.first

    def is_full(self, tokens: int) -> bool:
        """Whether the session is to be handed off."""
        return self.handoff is not None and tokens >= self.handoff

    def percent(self, tokens: int) -> int:
        """How full the context is."""
        return round(100 * tokens / self.context)


def used(tokens: Tokens) -> int:
    """The tokens of a session after a step, as OpenCode counts them: the provider's total, else the sum."""
    return tokens.total or sum(attrgetter(*TOKEN_PARTS)(tokens))


def compaction_point(
    limits: ModelLimits, compaction: CompactionConfig, *, output_max: int = OUTPUT_TOKENS_MAX
) -> int | None:
    """The number of tokens at which OpenCode compacts; None if it never does."""
    if compaction.auto is False or limits.context == 0:
        return None
    output = min(limits.output, output_max) or output_max
    if not limits.input:
        return max(0, limits.context - output)
    reserved = min(RESERVED_TOKENS_MAX, output) if compaction.reserved is None else compaction.reserved
    return max(0, limits.input - reserved)


def points_of(
    limits: ModelLimits,
    compaction: CompactionConfig,
    *,
    percent: int | None,
    warn_before: int,
    output_max: int = OUTPUT_TOKENS_MAX,
) -> Points | None:
    """The points for a session with this model; None if nothing is wanted or possible.

    Args:
        percent: the setting `auto_handoff_threshold`; None means only a notice, 0 means nothing.
        warn_before: percentage points of the context between the notice and the handoff; 0 for no such notice.
    """
    limit = compaction_point(limits, compaction, output_max=output_max)
    # With no room for input, OpenCode compacts after every step: there is no point before that.
    if percent == 0 or limits.context == 0 or limit == 0:
        return None
    point = limits.context * (NOTICE_PERCENT if percent is None else percent) // 100
    if limit is not None:
        margin = min(max(MARGIN_MIN_TOKENS, limit * MARGIN_SHARE), limit * MARGIN_MAX_SHARE)
        point = min(point, int(limit - margin))
    if percent is None:
        return Points(limits.context, limit, handoff=None, notice=point)
    notice = max(0, point - limits.context * warn_before // 100) if warn_before else None
    return Points(limits.context, limit, handoff=point, notice=notice)

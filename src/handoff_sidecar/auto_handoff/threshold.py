"""When a session is full enough: tokens as OpenCode counts them, where it compacts, and where we come before it.

Pure arithmetic after `packages/opencode/src/session/overflow.ts` of OpenCode 1.18.33, seen in the real program for
models of several sizes (tests/opencode/test_full_context.py). Knows nothing of sessions or of what is done about them.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from handoff_sidecar.opencode.limits import CompactionConfig, ModelLimits, Tokens

OUTPUT_TOKENS_MAX = 32_000
"""OpenCode asks no model for a longer answer, unless OPENCODE_EXPERIMENTAL_OUTPUT_TOKEN_MAX says otherwise."""

RESERVED_TOKENS_MAX = 20_000
"""What OpenCode keeps free of a model's input limit, at most, where `compaction.reserved` is not set."""

MARGIN_MIN_TOKENS = 4_000
MARGIN_SHARE = 0.08
MARGIN_MAX_SHARE = 0.25
"""We come this much before OpenCode's compaction: a step or two more must fit, also in a small model."""

TOKEN_PARTS = ("input", "output", "cache.read", "cache.write")
"""What OpenCode adds up where a provider tells no total; the shim does the same to see whether a session is small."""

NOTICE_PERCENT = 80
"""Where the one quiet notice comes if nobody has set a threshold."""


@dataclass(frozen=True, slots=True)
class Points:
    """Where something happens in a session with a given model, in tokens.

    Attributes:
        context: the model's context limit.
        compaction: where OpenCode compacts; None where it never does.
        handoff: where the session is handed off; None where that is not wanted.
        notice: where the person is told, before the handoff or in its place; None for not at all.
    """

    context: int
    compaction: int | None
    handoff: int | None
    notice: int | None

    @property
    def first(self) -> int | None:
        """Below this nothing happens; None if nothing ever does."""
        return min((point for point in (self.handoff, self.notice) if point is not None), default=None)

    def percent(self, tokens: int) -> int:
        """How full the context is."""
        return round(100 * tokens / self.context)


def used(tokens: Tokens) -> int:
    """The tokens of a session after a step, as OpenCode counts them: the provider's total, else the sum."""
    return tokens.total or sum(attrgetter(*TOKEN_PARTS)(tokens))


def compaction_point(
    limits: ModelLimits, compaction: CompactionConfig, *, output_max: int = OUTPUT_TOKENS_MAX
) -> int | None:
    """The number of tokens at which OpenCode compacts; None where it never does."""
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
    """Where a session with this model is told of and handed off; None where nothing is to happen, or can.

    Args:
        percent: the setting `auto_handoff_threshold`; None for a notice alone, 0 for nothing.
        warn_before: percentage points of the context between the notice and the handoff; 0 for no such notice.
    """
    limit = compaction_point(limits, compaction, output_max=output_max)
    # Where there is no room for input at all, OpenCode compacts after every step, and nothing comes before that.
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

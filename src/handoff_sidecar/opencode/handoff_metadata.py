"""What handoffs keep in a session's metadata, under `handoff`: where it came from, and where its work went on.

The plugin reads the mark of a session that was left (`to` and what follows) by itself, without the sidecar
(`plugin-shim/lib/lock.js`), and says when it is `lifted`. A value of another type than it should have counts as absent.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from handoff_sidecar.opencode.wire import Wire


def _or_absent(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    try:
        return handler(value)
    except ValidationError:
        return None


_Text = Annotated[str | None, WrapValidator(_or_absent)]
_Number = Annotated[int | None, WrapValidator(_or_absent)]
_List = Annotated[list[JsonValue] | None, WrapValidator(_or_absent)]


class HandoffMetadata(Wire):
    """The one shape of `metadata.handoff`; what other versions put there is kept.

    Attributes:
        source: the session that this one was made from.
        id: tells the session that a handoff made from all others.
        chain: the sessions before this one, oldest first.
        constraints: the rules that were carried into this session.
        said: what the user plainly said as rules in the sessions before.
        struck: of what the user said here, what they no longer want to go along.
        base: what the first session of the chain was called.
        auto: how many automatic handoffs in a row led here.
        to: the session in which this one's work went on.
        of: the id of the session that was left: a fork copies its metadata, and is free.
        turn: the user message whose turn the handoff belongs to; None if it was not known.
        at: when, in milliseconds since the epoch.
        lifted: when a person wrote here after that.
    """

    model_config = ConfigDict(extra="allow")

    source: _Text = Field(default=None, alias="from")
    id: _Text = None
    chain: _List = None
    constraints: _List = None
    said: _List = None
    struck: _List = None
    base: _Text = None
    auto: _Number = None
    to: _Text = None
    of: _Text = None
    turn: _Text = None
    at: _Number = None
    lifted: _Number = None

    def left(self, of: str, *, to: str, turn: str | None, at: int) -> HandoffMetadata:
        """The metadata of a session whose work goes on in another from now on."""
        return self.model_copy(update={"to": to, "of": of, "turn": turn, "at": at, "lifted": None})

    def not_left(self) -> dict[str, Any]:
        """As it is written when a handoff came to nothing.

        The plugin takes a mark that simply is gone for one that another plugin has overwritten, and writes it again.
        """
        return {**self.model_copy(update=dict.fromkeys(("of", "turn", "at", "lifted"))).written(), "to": None}

    def written(self) -> dict[str, Any]:
        """As it is written into a session's metadata."""
        return self.model_dump(by_alias=True, exclude_none=True)

"""What every model of the wire has in common, OpenCode's answers and the shim's messages alike."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator


class Wire(BaseModel):
    """Unknown fields pass, and `null` is absent: other plugins make OpenCode's answers so (`hidden: null`)."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: object) -> object:
        if isinstance(given, dict) and None in given.values():
            return {name: value for name, value in given.items() if value is not None}
        return given

"""The tools as models see them: names, descriptions and JSON schemas, made from the pydantic models.

Both definitions go out with every request of every session, so each word costs; a test holds them to 500 tokens.
Also the source of `plugin-shim/tools.json`: `python -m handoff_sidecar.tools.definitions` prints it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from handoff_sidecar.errors import InvalidArguments
from handoff_sidecar.handoff.notes import Notes
from handoff_sidecar.handoff.transcript import Detail
from handoff_sidecar.handoff.trigger import pattern
from handoff_sidecar.opencode.versions import OLDEST

PROTOCOL_VERSION = 1
"""Raised whenever shim and sidecar of different versions could misunderstand each other."""

MAX_PROBLEMS_TOLD = 3
"""Of wrong arguments: a model corrects the first ones and calls again."""

_Arguments = TypeVar("_Arguments", bound=BaseModel)

DEFAULT_LIMIT = 20
MAX_LIMIT = 200
"""The token budget cuts an answer long before; this bounds what is fetched for it."""


def _whole(value: object) -> object:
    return DEFAULT_LIMIT if value is None else value


def _given(value: object) -> object:
    """Models send an empty string where they mean to leave an argument out."""
    return (value.strip() or None) if isinstance(value, str) else value


Text = Annotated[str | None, BeforeValidator(_given)]


class ReadSession(BaseModel):
    """The arguments of `read_session`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    session_id: Text = Field(default=None, description="Default: previous; or an id, previous:2, all")
    query: Text = Field(default=None, description='Search words, "phrases", /regex/')
    file: Text = Field(default=None, description="Path: what was done to it")
    limit: Annotated[int, BeforeValidator(_whole)] = Field(
        default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description=f"Default {DEFAULT_LIMIT}"
    )
    before: Text = Field(default=None, description="Message id to page back from")
    detail: Annotated[Detail | None, BeforeValidator(_given)] = Field(
        default=None, description="text, or tools with inputs and outputs"
    )


@dataclass(frozen=True, slots=True)
class Definition:
    """A tool's name, what the model is told of it, and the model of its arguments."""

    name: str
    description: str
    arguments: type[BaseModel]

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON Schema of the arguments, without what a model has no use for."""
        schema = self.arguments.model_json_schema()
        properties = {name: _slim(field) for name, field in schema["properties"].items()}
        return {"type": "object", "properties": properties, "required": schema.get("required", [])}


SESSION_HANDOFF = Definition(
    "session_handoff",
    "Continue the user's work in a fresh session, when they type `handoff [goal]` or ask. Todos carry over. Then stop "
    "working here.",
    Notes,
)
READ_SESSION = Definition(
    "read_session",
    "Read or search the session before this handoff, or others.",
    ReadSession,
)
DEFINITIONS = (SESSION_HANDOFF, READ_SESSION)

HANDOFF_COMMAND = {
    "name": "handoff",
    "description": "Continue in a fresh session, optionally with a goal",
    "template": "handoff: $ARGUMENTS",
}
HANDOFF_NOW_COMMAND = {
    "name": "handoff-now",
    "description": "Continue in a fresh session at once, without asking the model, optionally with a goal",
    "template": "handoff: $ARGUMENTS",
    "immediate": True,
}
HANDOFF_RESUME_COMMAND = {
    "name": "handoff-resume",
    "description": "Make the session of a handoff that was interrupted, or of any brief by its session's id",
    "template": "handoff-resume: $ARGUMENTS",
    "immediate": True,
}
"""`immediate`: the sidecar carries it out, and no model sees it. The template is for whoever lists the commands."""


def check_arguments(tool: str, model: type[_Arguments], arguments: dict[str, Any]) -> _Arguments:
    """The arguments as `model`.

    Raises:
        InvalidArguments: with a sentence that the calling model can act on.
    """
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        problems = []
        for problem in error.errors(include_url=False):
            name = str(problem["loc"][0]) if problem["loc"] else "arguments"
            described = model.model_fields[name].description if name in model.model_fields else None
            wanted = f" (wanted: {described[0].lower()}{described[1:]})" if described else ""
            problems.append(f"`{name}`: {problem['msg'][0].lower()}{problem['msg'][1:]}{wanted}")
        told = list(dict.fromkeys(problems))
        more = f" (and {len(told) - MAX_PROBLEMS_TOLD} more)" if len(told) > MAX_PROBLEMS_TOLD else ""
        raise InvalidArguments(
            f"{tool}: nothing was done, as the arguments are wrong. {'; '.join(told[:MAX_PROBLEMS_TOLD])}{more}. "
            "Correct this and call again."
        ) from error


def manifest() -> dict[str, Any]:
    """What the shim registers with OpenCode, as `plugin-shim/tools.json` holds it."""
    source, flags = pattern()
    return {
        "protocolVersion": PROTOCOL_VERSION,
        "tools": [
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in DEFINITIONS
        ],
        "commands": [HANDOFF_COMMAND, HANDOFF_NOW_COMMAND, HANDOFF_RESUME_COMMAND],
        "triggerPattern": {"source": source, "flags": flags},
        "openCode": {"oldest": str(OLDEST)},
    }


_LEFT_OUT = frozenset({"title", "default", "anyOf", "minimum", "maximum", "enum"})


def _slim(field: dict[str, Any]) -> dict[str, Any]:
    """A property without titles, defaults, what an error names (bounds, choices), and the `null` of an optional one."""
    kept = {key: value for key, value in field.items() if key not in _LEFT_OUT}
    for choice in field.get("anyOf", []):
        if choice.get("type") != "null":
            kept.update(_slim(choice))
    return kept


if __name__ == "__main__":
    sys.stdout.write(json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n")

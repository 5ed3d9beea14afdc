"""A tool as a model sees it: name, description, and the JSON Schema of its arguments.

Definitions are sent with every request of every session, so each word costs. A test limits them to 500 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from handoff_sidecar.errors import InvalidArguments

MAX_PROBLEMS_TOLD = 3
"""Of wrong arguments: a model corrects the first ones and calls again."""

_Arguments = TypeVar("_Arguments", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Definition:
    """A tool's name, its description, and the pydantic model of its arguments."""

    name: str
    description: str
    arguments: type[BaseModel]

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON Schema of the arguments, reduced to what a language model needs."""
        schema = self.arguments.model_json_schema()
        properties = {name: _slim(field) for name, field in schema["properties"].items()}
        return {"type": "object", "properties": properties, "required": schema.get("required", [])}


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
            wanted = f" (its description: {described})" if described else ""
            problems.append(f"`{name}`: {problem['msg'][0].lower()}{problem['msg'][1:]}{wanted}")
        told = list(dict.fromkeys(problems))
        more = f" (and {len(told) - MAX_PROBLEMS_TOLD} more)" if len(told) > MAX_PROBLEMS_TOLD else ""
        raise InvalidArguments(
            f"{tool}: nothing was done, because the arguments are wrong. {'; '.join(told[:MAX_PROBLEMS_TOLD])}{more}. "
            "Correct this and call again."
        ) from error


_LEFT_OUT = frozenset({"title", "default", "anyOf", "minimum", "maximum", "enum"})


def _slim(field: dict[str, Any]) -> dict[str, Any]:
    """A property without titles, defaults, what an error names (bounds, choices), and the `null` of an optional one."""
    kept = {key: value for key, value in field.items() if key not in _LEFT_OUT}
    for choice in field.get("anyOf", []):
        if choice.get("type") != "null":
            kept.update(_slim(choice))
    return kept

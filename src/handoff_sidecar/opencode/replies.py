"""Parses OpenCode's answers into models, or into an error that says which answer is wrong, and where.

Does not know how answers arrive or what the models are for.
"""

from __future__ import annotations

import logging
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from handoff_sidecar.errors import OpenCodeGarbled
from handoff_sidecar.jsonc import from_wire

log = logging.getLogger(__name__)

DETAIL_MAX_CHARACTERS = 300
"""How much of an error answer is quoted: its first sentence, not a page of HTML."""

_T = TypeVar("_T", bound=BaseModel)


def parse(model: type[_T], endpoint: str, response: httpx.Response) -> _T:
    """The body as a model.

    Raises:
        OpenCodeGarbled: it is none.
    """
    try:
        return model.model_validate(from_wire(response.content))
    except ValidationError as error:
        problem = _first_problem(error)
    except ValueError as error:
        problem = str(error)
    raise OpenCodeGarbled(
        f"OpenCode's answer to {endpoint} doesn't have the form that handoff-sidecar expects: {problem}",
        endpoint=endpoint,
    )


def parse_list(model: type[_T], endpoint: str, response: httpx.Response) -> list[_T]:
    """The body as models; one bad entry, from a version that writes it differently, must not hide the good ones.

    Raises:
        OpenCodeGarbled: it is not a list.
    """
    try:
        entries = from_wire(response.content)
    except ValueError as error:
        raise OpenCodeGarbled(f"OpenCode's answer to {endpoint} is not JSON: {error}", endpoint=endpoint) from error
    if not isinstance(entries, list):
        raise OpenCodeGarbled(f"OpenCode's answer to {endpoint} is not a list", endpoint=endpoint)
    parsed: list[_T] = []
    for entry in entries:
        try:
            parsed.append(model.model_validate(entry))
        except ValidationError as error:
            log.warning("skipped an entry of %s: %s", endpoint, _first_problem(error))
    return parsed


def detail_of(response: httpx.Response) -> str:
    """OpenCode's errors are `{name, data: {message}}` or `{_tag, message}`; anything else is quoted raw."""
    try:
        body = from_wire(response.content)
    except ValueError:
        text = response.text.strip()
    else:
        data = body.get("data") if isinstance(body, dict) else None
        source = data if isinstance(data, dict) and "message" in data else body
        text = str(source.get("message", source)) if isinstance(source, dict) else str(source)
    return f": {text[:DETAIL_MAX_CHARACTERS]}" if text else ""


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in problem["loc"])[:DETAIL_MAX_CHARACTERS] or "the whole answer"
    return f"{where}: {problem['msg']}"

"""A session of one's own and what is asked of it: the two files that `fidelity` takes, checked at the edge.

Owns their shape, and the sentence that says what is wrong with them. The session is moved into the benchmark's own
folder: wherever its directory is named, that folder is named instead.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from benchmarks.errors import BadInput
from benchmarks.fidelity import AS_GIVEN
from benchmarks.place import is_within
from benchmarks.probes import Case, Kind, Probe
from handoff_sidecar.brief.notes import Notes
from handoff_sidecar.demo.record import GrowingSession

_M = TypeVar("_M", bound=BaseModel)


def _inside(file: str) -> str:
    if not is_within(file):
        raise PydanticCustomError("outside", "only relative paths within the project are allowed")
    return file


def _known(arguments: dict[str, Any]) -> dict[str, Any]:
    unknown = [name for name in arguments if name not in Notes.model_fields]
    if unknown:
        allowed = {"unknown": unknown[0], "allowed": ", ".join(Notes.model_fields)}
        raise PydanticCustomError("unknown", "session_handoff has no {unknown}; allowed are {allowed}", allowed)
    Notes.model_validate(arguments)
    return arguments


Text = Annotated[str, Field(min_length=1)]
File = Annotated[str, AfterValidator(_inside)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Question(_Strict):
    """One probe; see `Probe`. The answers are pieces of text, all of which must be there."""

    kind: Kind
    question: Text
    answers: Annotated[list[Text], Field(min_length=1)]
    or_else: list[Text] = []
    outdated: list[Text] = []
    query: str = ""


class Todo(_Strict):
    """As OpenCode lists them."""

    content: Text
    status: Literal["pending", "in_progress", "completed", "cancelled"]
    priority: str = "medium"


class Questions(_Strict):
    """What `--probes` names: what the agent says, the todo list, files that are there, and what is asked."""

    arguments: Annotated[dict[str, Any], AfterValidator(_known)]
    todos: list[Todo] = []
    files: list[File] = []
    probes: Annotated[list[Question], Field(min_length=1)]


class _Created(_Lenient):
    created: int


class _SessionInfo(_Lenient):
    id: Text
    title: str
    directory: Text
    time: _Created


class _MessageInfo(_Lenient):
    id: Text
    role: Literal["user", "assistant"]
    time: _Created


class _ToolState(_Lenient):
    input: dict[str, Any]


class _Part(_Lenient):
    type: str
    text: str | None = None
    tool: str | None = None
    state: _ToolState | None = None

    @model_validator(mode="after")
    def _whole(self) -> _Part:
        if (self.type == "text" and self.text is None) or (self.type == "tool" and not (self.tool and self.state)):
            raise PydanticCustomError(
                "part", "a text part has a `text`, a tool part a `tool` and a `state` with `input`"
            )
        return self


class _Message(_Lenient):
    info: _MessageInfo
    parts: list[_Part]


class Export(_Lenient):
    """What `--session` names: `opencode export SES` wrote it."""

    info: _SessionInfo
    messages: Annotated[list[_Message], Field(min_length=1)]


def check(session: Path, probes: Path) -> None:
    """Whether a case can be made of these files.

    Raises:
        BadInput: a file can't be read, or is not of this shape.
    """
    _checked(Export, _json(session), session)
    _checked(Questions, _json(probes), probes)


def case_from_files(session: Path, probes: Path, folder: Path) -> Case:
    """A real session with questions that a person wrote for it, moved into the folder.

    Raises:
        BadInput: a file can't be read, or is not of this shape.
    """
    exported, asked = _json(session), _json(probes)
    directory = _checked(Export, exported, session).info.directory
    _checked(Questions, asked, probes)
    exported, asked = (_moved(each, directory, str(folder)) for each in (exported, asked))
    export, questions = Export.model_validate(exported), Questions.model_validate(asked)
    info = export.info
    record = GrowingSession(info.id, info.title, str(folder), info.time.created, exported["messages"])
    given = [
        Probe(
            each.kind, each.question, tuple(each.answers), tuple(each.or_else), tuple(each.outdated), query=each.query
        )
        for each in questions.probes
    ]
    turns = sum(message.info.role == "user" for message in export.messages)
    todos = [todo.model_dump() for todo in questions.todos]
    agents = {AS_GIVEN: questions.arguments}
    return Case(session.stem, turns, record, todos, agents, given, questions.files)


def _moved(value: Any, directory: str, folder: str) -> Any:  # noqa: ANN401  # JSON
    """With the folder's name wherever the directory's is; a session of the whole disk names nothing that is its own."""
    if not directory.strip("/\\"):
        return value
    if isinstance(value, dict):
        return {name: _moved(each, directory, folder) for name, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, directory, folder) for each in value]
    if isinstance(value, str):
        return re.sub(rf"(?<![\w./\\-]){re.escape(directory.rstrip('/'))}(?![\w-]|\.\w)", lambda _: folder, value)
    return value


def _json(path: Path) -> Any:  # noqa: ANN401  # checked where it is used
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is no JSON: {error}") from error


def _checked(model: type[_M], value: object, path: Path) -> _M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = _place(first["loc"])
        if first["type"] == "missing":
            said = f"{place} is missing"
        elif first["type"] == "extra_forbidden":
            said = f"{place} is not known; allowed are {', '.join(_fields(model, first['loc'][:-1]))}"
        else:
            said = f"{place}: {first['msg']}" if place else first["msg"]
        raise BadInput(f"{path}: {said}") from error


def _place(keys: tuple[int | str, ...]) -> str:
    """As one writes it: `probes[0].kind`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")


def _fields(model: type[BaseModel], keys: tuple[int | str, ...]) -> list[str]:
    """The names that an object has which stands at this place of the file."""
    inner: dict[int | str, type[BaseModel]] = {"probes": Question, "todos": Todo}
    return list(inner.get(keys[0], model).model_fields if keys else model.model_fields)

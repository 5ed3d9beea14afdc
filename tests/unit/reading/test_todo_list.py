from __future__ import annotations

import pytest
from fake_opencode import FakeOpenCode
from unit.reading.conftest import TOKENIZER, Read

from handoff_sidecar.reading.todo_list import asks_for_todos


def todos(number: int, status: str = "pending") -> list[dict[str, str]]:
    return [{"content": f"Port endpoint {n}", "status": status} for n in range(number)]


async def test_the_whole_list_is_told_open_ones_first(opencode: FakeOpenCode, read: Read) -> None:
    opencode.todos["ses_old"] = [*todos(3, "completed"), *todos(300)]

    output = (await read(query="todos")).output

    assert output.index("pending: 300") < output.index("completed: 3")
    assert all(f"- Port endpoint {n}\n" in f"{output}\n" for n in range(300))


async def test_what_there_is_no_room_for_is_counted(opencode: FakeOpenCode, read: Read) -> None:
    opencode.todos["ses_old"] = todos(2_000)

    output = (await read(query="open todos")).output

    assert TOKENIZER.count(output) <= 4_000
    assert " more)" in output


@pytest.mark.parametrize("query", ["todos", "the todo list", "open to-dos", "all tasks"])
def test_a_query_for_the_list_itself_is_known(query: str) -> None:
    assert asks_for_todos(query)
    assert not asks_for_todos(f"{query} about the login")

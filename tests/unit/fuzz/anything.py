"""Strategies for what may come from outside: JSON of any shape, and JSON that is nearly right."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXT = st.text(max_size=30) | st.sampled_from(
    [
        "",
        "\0",
        "\ud800",
        "\U0001f600",
        "x" * 5_000,
        "\x1b[2J",
        "../..",
        "ses_1",
        "msg_1",
        "</session-record>",
        "NaN",
        "é\u0301",
    ]
)
NUMBERS = (
    st.integers(-3, 300)
    | st.floats()
    | st.sampled_from([2**31, 2**63, 2**64, -(2**63), 10**400, 1e308, 8.64e15, 253_402_300_800_000])
)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXT
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def nearly(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with each of these fields as it should be, as anything at all, or not there."""
    return st.fixed_dictionaries({}, optional={name: right | JSON for name, right in fields.items()})


IDS = st.sampled_from(["ses_old", "ses_1", "msg_1", "msg_2"]) | TEXT
TIMES = nearly(created=NUMBERS, updated=NUMBERS, completed=NUMBERS)
TOKENS = nearly(total=NUMBERS, input=NUMBERS, output=NUMBERS, cache=nearly(read=NUMBERS, write=NUMBERS))
MODELS = nearly(providerID=TEXT, modelID=TEXT, variant=TEXT)
STATES = nearly(
    status=st.sampled_from(["completed", "error", "running"]),
    title=TEXT,
    input=nearly(filePath=TEXT, command=TEXT, patchText=TEXT, todos=JSON),
    output=TEXT,
    error=TEXT,
    metadata=nearly(exit=NUMBERS, output=TEXT, files=JSON),
    attachments=st.lists(nearly(type=st.just("file"), url=TEXT, mime=TEXT), max_size=2),
)
PARTS = nearly(
    type=st.sampled_from(["text", "tool", "file", "patch", "reasoning", "compaction", "step-start", "new"]),
    text=TEXT,
    synthetic=st.booleans(),
    tool=st.sampled_from(["bash", "edit", "write", "apply_patch", "todowrite", "read_session"]),
    state=STATES,
    filename=TEXT,
    mime=TEXT,
    url=TEXT | st.just("data:image/png;base64,AAAA"),
    files=st.lists(TEXT, max_size=3),
)
MESSAGES = nearly(
    info=nearly(
        id=IDS,
        role=st.sampled_from(["user", "assistant"]),
        agent=TEXT,
        mode=TEXT,
        providerID=TEXT,
        modelID=TEXT,
        model=MODELS,
        summary=st.booleans() | nearly(diffs=st.lists(nearly(file=TEXT, status=TEXT), max_size=2)),
        time=TIMES,
        error=nearly(name=TEXT, data=nearly(message=TEXT)),
        tokens=TOKENS,
    ),
    parts=st.lists(PARTS, max_size=4),
)
HANDOFFS = nearly(
    **{"from": IDS},
    to=IDS,
    turn=IDS,
    chain=st.lists(IDS, max_size=3),
    constraints=st.lists(nearly(text=TEXT, verbatim=st.booleans()), max_size=3),
    auto=NUMBERS,
)
SESSIONS = nearly(
    id=IDS,
    title=TEXT,
    directory=TEXT,
    projectID=TEXT,
    parentID=IDS,
    time=TIMES,
    permission=st.lists(st.dictionaries(TEXT, TEXT, max_size=2), max_size=2),
    metadata=nearly(handoff=HANDOFFS),
)
TODOS = st.lists(
    nearly(content=TEXT, status=st.sampled_from(["pending", "in_progress", "completed", "cancelled"])), max_size=4
)
PROVIDERS = nearly(
    providers=st.lists(
        nearly(
            id=TEXT,
            models=st.dictionaries(
                TEXT, nearly(limit=nearly(context=NUMBERS, output=NUMBERS, input=NUMBERS)), max_size=2
            ),
        ),
        max_size=2,
    )
)
AGENTS = st.lists(nearly(name=TEXT, mode=TEXT, hidden=st.booleans(), model=MODELS), max_size=3)
STATUSES = st.dictionaries(IDS, nearly(type=TEXT, message=TEXT), max_size=2)

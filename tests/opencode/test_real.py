"""`python -m benchmarks real` with a scripted model in the place of the reader's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from opencode.server import PROMPT, TYPED

from benchmarks.__main__ import main
from benchmarks.real_sessions import FACTS, HANDOFFS, RULE
from handoff_sidecar.demo.binary import OpenCodeBinary
from handoff_sidecar.demo.scripted_model import ChatRequest, Reply, ScriptedModel, ToolCall

IN_OTHER_WORDS = next(typed.text for typed in HANDOFFS if typed.kind == "in other words")
MAIL, LOGOUT = "config/mail.staging.json", "src/api/logout.ts"


def answer(request: ChatRequest) -> Reply:
    """A diligent agent, but that it only talks when it is asked for a handoff in other words."""
    asked, step = request.last_text("user"), request.replies_in_this_turn
    if not request.tools:
        return Reply("The login is built; the token refresh is next.")
    if PROMPT in asked:
        return first_turn(asked, step, request.last_text("tool"))
    if TYPED in asked:
        goal = re.search(r'word for word: "(.*)"', asked)
        given = {"summary": "Login works.", "goal": goal[1] if goal else "", "constraints": [RULE]}
        given |= {"agent": "build"} if "to build" in asked else {}
        return Reply("Handed over.") if step else Reply("", (ToolCall("session_handoff", given),))
    return writes(MAIL, "{}") if MAIL in asked and not step else Reply("Done.")


def first_turn(prompt: str, step: int, found: str) -> Reply:
    """Of the new session: it looks up what it lacks, writes the file, and is done."""
    if MAIL in prompt:
        looks_up = Reply("", (ToolCall("read_session", {"query": "staging mail relay host port"}),))
        fact = json.dumps([fact for fact in FACTS if fact in found])
        return (looks_up, writes(MAIL, fact), Reply("Done."))[min(step, 2)]
    if LOGOUT in prompt:
        return Reply("Done.") if step else writes(LOGOUT, f"{RULE}\n" if RULE in prompt else "")
    return Reply("Where shall I begin?")


def writes(path: str, content: str) -> Reply:
    return Reply("", (ToolCall("write", {"filePath": path, "content": content}),))


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opencode: OpenCodeBinary) -> Iterator[Path]:
    """A reader with a provider of their own, a key in a file, a plugin, and a project that they are in."""
    config, project = tmp_path / "opencode", tmp_path / "project"
    config.mkdir()
    project.mkdir()
    (config / "key").write_text("secret")
    (project / "mine.txt").write_text("mine")
    with ScriptedModel(answer) as model:
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": model.base_url, "apiKey": "{file:./key}"},
            "models": {
                "m": {
                    "limit": {"context": 200_000, "output": 8_000},
                    "tool_call": True,
                    "cost": {"input": 3, "output": 15},
                }
            },
        }
        text = json.dumps({"provider": {"mine": provider}, "plugin": ["/not/there.js"], "model": "other/model"})
        (config / "opencode.jsonc").write_text(f"// mine\n{text}\n")
        monkeypatch.chdir(project)
        monkeypatch.setenv("OPENCODE_CONFIG_DIR", str(config))
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        monkeypatch.setenv("OPENCODE_DISABLE_MODELS_FETCH", "1")
        models = tmp_path / "models.json"
        models.write_text("{}")  # of providers that are not configured: a second of work at each start
        monkeypatch.setenv("OPENCODE_MODELS_PATH", str(models))
        monkeypatch.setenv("HANDOFF_SIDECAR_OPENCODE", str(opencode.path))
        yield tmp_path


def held_by(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_handoff_of_each_kind_is_made_looked_at_and_told_of_and_nothing_of_the_readers_is_touched(
    reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = held_by(reader)
    kept = reader.parent / "kept"

    assert main(["real", "--model", "mine/m", "--handoffs", "5", "--yes", "--keep-in", str(kept)]) == 0

    printed = capsys.readouterr().out
    print(printed)
    assert held_by(reader) == before
    assert re.search(r"About \d+ requests, [\d,]+ tokens in .*: \$\d+\.\d\d", printed)
    for line in (
        "## 5 handoffs by mine/m in OpenCode ",
        "| plain | 1 of 1 | 1 of 1 |",
        "| in other words | 0 of 1 | 0 of 1 |",
        "| all | 4 of 5 | 4 of 5 |",
        "| `summary` | 4 |",
        "| asked `read_session` for a fact that the task needs | 1 of 1 |",
        "| found it | 1 of 1 |",
        "| used it in what it wrote | 1 of 1 |",
        "| the same after `/compact` | 0 of 1 |",
        "| kept it in what it wrote | 1 of 1 |",
        "| the build agent went on after the plan agent | 1 of 1 |",
        "- query: staging mail relay host port",
    ):
        assert line in printed
    told = json.loads((kept / "mine-m.json").read_text())
    assert [handoff["typed"]["text"] for handoff in told["handoffs"] if not handoff["at_first"]] == [IN_OTHER_WORDS]
    assert all(handoff["usage"]["requests"] for handoff in told["handoffs"])
    assert "secret" not in printed + json.dumps(told)


def test_nothing_is_asked_of_the_model_where_nobody_agrees_or_it_is_not_there(
    reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["real", "--model", "mine/m", "--keep-in", str(reader / "kept")]) == 2
    assert "this costs money, and nobody can be asked here: pass --yes" in capsys.readouterr().err

    assert main(["real", "--model", "mine/other", "--yes"]) == 2
    assert "offers no model mine/other with your configuration" in capsys.readouterr().err
    assert not (reader / "kept").exists()

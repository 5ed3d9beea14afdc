import json

import httpx
import pytest

from handoff_sidecar.demo.scripted_model import ChatRequest, Failure, Reply, ScriptedModel, ToolCall

ASKED = {"model": "m1", "stream": True, "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}


def post(model: ScriptedModel) -> httpx.Response:
    return httpx.post(f"{model.base_url}/chat/completions", json=ASKED, trust_env=False)


def test_an_answer_is_streamed_with_its_text_its_calls_and_its_tokens() -> None:
    reply = Reply("hello", (ToolCall("read", {"path": "a.txt"}),), input_tokens=7, output_tokens=3)
    with ScriptedModel(lambda _: reply) as model:
        answer = post(model)
    assert answer.headers["content-type"] == "text/event-stream"
    assert '"content": "hello"' in answer.text
    assert '"name": "read"' in answer.text
    assert '"finish_reason": "tool_calls"' in answer.text
    assert '"total_tokens": 10' in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")


def test_a_long_answer_can_come_in_many_deltas() -> None:
    with ScriptedModel(lambda _: Reply("abcdefg", deltas=3)) as model:
        answer = post(model)
    pieces = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    deltas = [piece["choices"][0]["delta"].get("content") for piece in pieces if piece["choices"]]
    assert [delta for delta in deltas if delta] == ["ab", "cd", "efg"]


def test_a_failure_is_an_http_error_with_openais_body() -> None:
    with ScriptedModel(lambda _: Failure(503, "down")) as model:
        answer = post(model)
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "down"


def test_the_script_sees_what_was_asked_and_it_is_kept() -> None:
    with ScriptedModel(lambda request: Reply(request.last_text("user").upper())) as model:
        answer = post(model)
    assert '"content": "HI"' in answer.text
    assert [request.body for request in model.requests] == [ASKED]


def test_a_request_knows_how_far_its_turn_is() -> None:
    said = [{"role": "user"}, {"role": "assistant"}, {"role": "user"}, {"role": "assistant"}, {"role": "tool"}]
    request = ChatRequest({"messages": said, "tools": [{"function": {"name": "read"}}]})
    assert request.replies_in_this_turn == 1
    assert request.last_text("system") == ""


def test_a_model_that_is_not_running_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        _ = ScriptedModel(lambda _: Reply()).base_url

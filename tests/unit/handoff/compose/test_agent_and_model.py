from __future__ import annotations

import httpx
import pytest
from fake_opencode import SCRIPTED, FakeOpenCode, user_message
from project_support import HandOff

from handoff_sidecar.errors import HandoffFailed, InvalidArguments


async def test_a_plan_goes_to_the_agent_and_model_that_the_user_named(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    opencode.models["scripted"].append("m2")

    result = await hand_off(agent="Build", model="scripted/m2")

    made = opencode.sessions[result.metadata["sessionID"]]
    assert (made["agent"], made["model"]) == ("build", {"id": "m2", "providerID": "scripted"})


async def test_an_agents_own_model_comes_with_it_and_the_same_model_keeps_its_variant(
    opencode: FakeOpenCode, hand_off: HandOff
) -> None:
    own = {"providerID": "scripted", "modelID": "big"}
    agents = [{"name": "build", "mode": "all", "model": own}, {"name": "plan", "mode": "primary", "model": own}]

    async def intercept(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, json=agents) if request.url.path == "/agent" else None

    opencode.intercept = intercept
    chosen = {**SCRIPTED, "variant": "high"}
    opencode.messages["ses_old"] = [user_message(1, "go", agent="plan", model=chosen)]
    models = []
    for named in ({"agent": "build"}, {"agent": "plan"}, {"model": "scripted/m1"}):
        result = await hand_off(**named)
        models.append(opencode.sessions[result.metadata["sessionID"]]["model"])
        opencode.messages["ses_old"].append(user_message(len(models) + 1, "again", agent="plan", model=chosen))

    with_variant = {"id": "m1", "providerID": "scripted", "variant": "high"}
    assert models == [{"id": "big", "providerID": "scripted"}, with_variant, with_variant]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"agent": "bild"}, "there is no agent `bild`. Available: `build`, `plan`."),
        ({"agent": "title"}, "there is no agent `title`"),
        ({"agent": "explore"}, "there is no agent `explore`"),
        ({"model": "m1"}, "there is no model `m1`. Available: `scripted/m1`."),
        ({"model": "scripted/m`\n1"}, "there is no model `scripted/m` 1`"),
    ],
)
async def test_an_unknown_agent_or_model_is_refused_with_those_there_are(
    opencode: FakeOpenCode, hand_off: HandOff, arguments: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        await hand_off(**arguments)

    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert opencode.made() == []


async def test_of_hundreds_of_models_the_likeliest_come_first(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    opencode.models = {"far": [f"model-{number}" for number in range(300)], "near": ["sonnet-4-5"]}

    with pytest.raises(InvalidArguments, match=r"Available: `near/sonnet-4-5`, .* \(\+271 more\)"):
        await hand_off(model="near/sonnet")


async def test_where_the_models_can_not_be_had_nothing_is_made(opencode: FakeOpenCode, hand_off: HandOff) -> None:
    async def intercept(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500) if request.url.path == "/config/providers" else None

    opencode.intercept = intercept

    with pytest.raises(HandoffFailed, match=r"could not be checked .*Nothing was made. Leave them out and call"):
        await hand_off(model="scripted/m1")
    assert opencode.made() == []

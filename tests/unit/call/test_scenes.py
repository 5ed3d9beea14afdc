"""What a scene finds wrong with the settings, and tells once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from fake_opencode import FakeOpenCode

from handoff_sidecar.call.context import ToolContext
from handoff_sidecar.call.scenes import Scenes


async def test_the_first_problem_with_the_settings_is_told_once_with_where_the_others_stand(tmp_path: Path) -> None:
    (tmp_path / "handoff.json").write_text(json.dumps({f"wrong{number}": 1 for number in range(5)}))
    opencode = FakeOpenCode()
    place = {"sessionID": "ses_old", "directory": str(tmp_path), "worktree": str(tmp_path)}

    scenes = Scenes(opencode.http(), tmp_path)
    for _ in range(2):
        scenes.scene(ToolContext.model_validate(place))
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    (toast,) = opencode.toasts
    assert "there is no setting `wrong0`" in toast["message"]
    assert toast["message"].endswith(" (and 4 more: `handoff-sidecar doctor` lists them)")
    assert toast["variant"] == "error"

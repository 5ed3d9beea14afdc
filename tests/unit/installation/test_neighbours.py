"""What other plugins register under a name of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handoff_sidecar.installation.neighbours import Neighbour, neighbours


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


def lists(config: Path, *entries: str) -> None:
    (config / "opencode.json").write_text(json.dumps({"plugin": list(entries)}))


@pytest.mark.parametrize(
    ("code", "tools", "commands"),
    [
        ("return { tool: { session_handoff: tool({ args: {} }) } }", ("session_handoff",), ()),
        ('tool:{"read_session":p.tool({})}', ("read_session",), ()),
        ("tool: {\n  read_session: {\n    description: 'x'", ("read_session",), ()),
        ("config.command.handoff ??= { template }", (), ("handoff",)),
        ("c.command['handoff-now'] = x", (), ("handoff-now",)),
        ('const all = { handoff: {\n  description: "A summary",\n  template: `x` } }', (), ("handoff",)),
        ("// after session_handoff: see there", (), ()),
        ("call session_handoff now", (), ()),
        ("read_session_file: tool({})", (), ()),
        ("my_read_session: tool({})", (), ()),
        ("const handoff = { to: 1 }; x = { handoff: true, my: { description: 1 } }", (), ()),
    ],
)
def test_what_a_plugin_registers_is_seen_in_its_code_and_what_it_only_mentions_is_not(
    config: Path, code: str, tools: tuple[str, ...], commands: tuple[str, ...]
) -> None:
    lists(config, "./other.js")
    (config / "other.js").write_text(code)

    found = neighbours(config)

    expected = Neighbour(f'"./other.js" ({config / "opencode.json"})', tools, commands)
    assert found == ([expected] if tools or commands else [])


def test_a_plugin_is_found_where_opencode_keeps_it_and_its_own_packages_are_not_looked_at(
    config: Path, tmp_path: Path
) -> None:
    code = "tool: { session_handoff: tool({}) }"
    cache = tmp_path / "cache"
    old = cache / "node_modules" / "@scope" / "old"
    new = cache / "packages" / "new@1" / "node_modules" / "new"
    needed = new / "node_modules" / "needed"
    for folder in (old / "dist", new, needed):
        folder.mkdir(parents=True)
    (old / "dist" / "index.mjs").write_text(code)
    (needed / "index.js").write_text(code)
    (new / "index.d.ts").write_text(code)
    by_path = tmp_path / "by-path.ts"
    by_path.write_text(code)
    lists(config, "@scope/old@2.0.0", "new@1", f"file://{by_path}", "gone", "./gone.js", "ours")

    found = [each.place.split('"')[1] for each in neighbours(config, cache, apart_from=frozenset({"ours"}))]

    assert found == ["@scope/old@2.0.0", f"file://{by_path}"]

"""A brief on disk: a Markdown file with front matter, for its owner's eyes alone (mode 0600).

Defines the file's format. Does not know its folder or what a brief says.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from handoff_sidecar.brief.handoff import Handoff
from handoff_sidecar.errors import JournalUnavailable
from handoff_sidecar.folders import write_private

log = logging.getLogger(__name__)

FRONT_MATTER_MAX_CHARACTERS = 65_536
"""Far more than the fields need (3,000 is a lot). A search through all briefs reads no more than this of each."""

_FENCE = "---\n"


@dataclass(frozen=True, slots=True)
class SavedBrief:
    """A brief on disk."""

    path: Path
    handoff: Handoff


def write_brief(path: Path, handoff: Handoff) -> None:
    """Write a brief completely or not at all: Markdown with front matter, which is YAML whose values are JSON.

    Raises:
        OSError: it can't be written; what was there is as it was.
    """
    told = handoff.model_dump(mode="json").items()
    lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in told)
    write_private(path, f"{_FENCE}{lines}{_FENCE}\n{handoff.prompt}\n")


def read_brief(path: Path, most_characters: int = -1) -> Handoff:
    """Read a brief; with a limit, possibly without its prompt.

    Raises:
        JournalUnavailable: the file is gone or not a brief.
    """
    try:
        with path.open(encoding="utf-8") as file:
            head, fence, prompt = file.read(most_characters).removeprefix(_FENCE).partition(f"\n{_FENCE}")
    except (OSError, UnicodeDecodeError) as error:
        raise JournalUnavailable(f"{path} could not be read: {error}") from error
    try:
        lines = (line.partition(": ") for line in head.split("\n") if fence)
        front_matter = {key: json.loads(value) for key, _, value in lines}
        return Handoff.model_validate({**front_matter, "prompt": prompt.strip("\n")})
    except (ValueError, RecursionError) as error:
        log.info("%s is not a brief: %s", path, error)
        raise JournalUnavailable(
            f"{path} is damaged, or not a brief of a handoff. `handoff-sidecar briefs` lists the others"
        ) from error

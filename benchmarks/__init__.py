"""Measurements of handoff-sidecar, in the real OpenCode where that is what counts: `python -m benchmarks`.

Every part prints what it measured, on what, how often, and which of the project's bars hold and which don't.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # for its fake OpenCode

"""What ends a measurement, in a sentence for whoever started it.

BenchmarkError
├── BadInput          an argument or a file that can't be used: what, where in it, and what is allowed
└── MeasuringFailed   something did not happen that was to be measured, or something changed that must not
"""

from __future__ import annotations


class BenchmarkError(Exception):
    """The root; the message is printed as it stands."""


class BadInput(BenchmarkError):
    """The caller can mend this; nothing was measured."""


class MeasuringFailed(BenchmarkError):
    """What was measured so far is worth nothing."""

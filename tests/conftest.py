"""How much hypothesis tries: the same few examples at every run, or many new ones with `--hypothesis-profile=long`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile("short", derandomize=True, deadline=None, suppress_health_check=QUIET)
settings.register_profile("long", max_examples=5_000, deadline=None, suppress_health_check=QUIET, print_blob=True)
settings.load_profile("short")

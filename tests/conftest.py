"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from paths import SHARED

# The same examples everywhere and no limit of time: a slow machine must not decide.
# `pytest --hypothesis-profile=default` looks for others.
settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs and measurements; tests that need it skip visibly without."""
    if not (SHARED / "measurements").is_dir():
        pytest.skip(f"no measurements under {SHARED} (set EDGEPROFILERSHARED)")
    return SHARED

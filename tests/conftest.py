"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples everywhere and no limit of time: a slow machine must not decide.
# `pytest --hypothesis-profile=default` looks for others.
settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")

_SHARED = Path(os.environ.get("EDGEPROFILER_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs and measurements; tests that need it skip visibly without."""
    if not (_SHARED / "measurements").is_dir():
        pytest.skip(f"no measurements under {_SHARED} (set EDGEPROFILER_SHARED)")
    return _SHARED

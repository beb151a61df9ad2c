"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_SHARED = Path(os.environ.get("EDGEPROFILER_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs and measurements; tests that need it skip visibly without."""
    if not (_SHARED / "measurements").is_dir():
        pytest.skip(f"no measurements under {_SHARED} (set EDGEPROFILER_SHARED)")
    return _SHARED

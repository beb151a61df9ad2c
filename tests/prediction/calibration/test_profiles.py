"""Measured profiles as rows of measured totals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import edgeprofiler
from edgeprofiler.core.profile import Origin
from edgeprofiler.prediction.calibration.profiles import row_of


@pytest.mark.parametrize(
    ("measured", "mode"), [("30W", "30w"), ("MODE_30W", "30w"), ("MAXN", "maxn"), ("unknown", "")]
)
def test_a_profile_is_of_the_mode_that_nvpmodel_names(measured: str, mode: str) -> None:
    predicted = edgeprofiler.predict("zoo:lenet", device="jetson-agx-orin")
    profile = replace(
        predicted,
        origin=Origin("measured", "", ""),
        device=replace(predicted.device, mode=measured),
    )
    assert row_of(profile, Path("lenet.json")).mode == mode

"""Four recordings of an independent generator, with their true powers."""

from __future__ import annotations

import csv
import tarfile
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.measurement.attribution import attribute_with_report
from edgeprofiler.measurement.recording import read_reference

IDLE_W = 4.234560


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("fresh-sequential", 0.06),
        ("fast-burst", 0.08),
        ("default-sequential", 0.12),
        ("default-burst-voltage", 0.12),
    ],
)
def test_layers_are_found_with_honest_errors(
    name: str, most: float, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "inputs" / "recordings"
    with tarfile.open(folder / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    with (folder / f"{name}.truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    truth = np.array([float(row["true_power_w_including_idle"]) for row in rows])
    seconds = np.array([float(row["mean_runtime_ms"]) for row in rows]) / 1e3
    found = attribute_with_report(read_reference(tmp_path / name))
    assert found.report.level == "layers"
    costs, ran = found.profile.costs, seconds > 0
    power = costs.power_w[ran]
    assert np.isfinite(power).all()
    above = truth[ran] - IDLE_W
    weight = seconds[ran] * above
    error = np.sqrt((weight * ((power - truth[ran]) / above) ** 2).sum() / weight.sum())
    assert error < most
    assert costs.power_w_low is not None
    assert costs.power_w_high is not None
    inside = (costs.power_w_low[ran] <= truth[ran]) & (truth[ran] <= costs.power_w_high[ran])
    # of 24 layers at 90 %, 18 or more are inside in 98 % of cases
    assert inside.sum() >= 18
    assert 0.4 < found.report.expected_error / error < 2.5

"""Recordings to write and read."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprofiler.measurement.recording import (
    DeviceState,
    PowerTrace,
    Recording,
    SamplerReport,
    Timeline,
)


def make_recording(
    runs: int = 20, layers: int = 3, polls: int = 200, *, stamps: bool = True
) -> Recording:
    """A small recording whose microseconds are whole, as files in whole microseconds need."""
    random = np.random.default_rng(7)
    ends = np.round(np.cumsum(random.uniform(0.006, 0.008, runs)), 6)
    durations = np.round(random.uniform(2e-5, 2e-4, (runs, layers)), 9)
    time_s = np.round(np.arange(polls) / 750, 6)
    power = np.round(random.uniform(4, 8, polls), 6)
    burst = np.round(ends[:, None] + 1e-5 * np.arange(layers), 6)
    idle = PowerTrace(time_s[:5] - 10.0, {"VDD_IN": np.full(5, 4.0)}, ("VDD_IN",))
    return Recording(
        name="resnet18",
        trace=PowerTrace(time_s, {"VDD_IN": power}, ("VDD_IN",)),
        timeline=Timeline(
            layer_names=tuple(f"conv [{i}] + relu" for i in range(layers)),
            duration_s=durations,
            run_end_s=ends,
            run_start_s=ends - 0.005,
            stamp_s=burst if stamps else None,
            stamp_kind="callback-burst" if stamps else "none",
        ),
        idle_before=idle,
        idle_after=None,
        sampler=SamplerReport(1 / 750, polls, 0, 0.03, 0.001),
        state_before=DeviceState(0.0, {"cpu": 40.0}, {"gpu": 6.25e8}, True, False, ("none",)),
        state_after=None,
        device={"board": "a board"},
        sensor_settings={"samples": 1},
        network={"Layers": [], "Bindings": []},
        started_utc="2024-10-30T15:06:45+00:00",
        warnings=("a warning",),
    )


@pytest.fixture
def recording() -> Recording:
    return make_recording()


@pytest.fixture
def recording_of():
    """Makes recordings of other sizes."""
    return make_recording

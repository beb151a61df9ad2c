"""Each fault of a recording is seen and named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.measurement.qa import qa
from edgeprofiler.measurement.recording import PowerTrace, Recording, SamplerReport
from edgeprofiler.measurement.simulator import SensorModel, Structure, simulate
from edgeprofiler.reading.read import read

NETWORK = Network(
    "two",
    tuple(
        make_layer(
            name=name, kind="convolutional", op="convolution",
            input_shapes=[(1, 256, 28, 28)], output_shapes=[(1, 256, 28, 28)], dtype="fp16",
            weight_elements=589824, kernel=(3, 3), stride=(1, 1),
        )
        for name in "ab"
    ),
    Source("test", "test"),
)  # fmt: skip


@pytest.fixture(scope="module")
def good() -> Recording:
    return simulate(NETWORK, runs=6000, structure=Structure(thermal_drift_w=0.02))[0]


def level(recording: Recording, name: str) -> str:
    return next(c.level for c in qa(recording).checks if c.name == name)


def test_a_clean_recording_is_good(good: Recording) -> None:
    verdict = qa(good)
    assert verdict.level == "good", [c for c in verdict.checks if c.level != "good"]
    assert verdict.document()["verdict"] == "good"


def test_runs_in_step_with_the_sensor_are_bad() -> None:
    recording, _ = simulate(
        NETWORK, runs=3000, sensor=SensorModel(clock_ppm=0.0),
        structure=Structure(schedule="locked", duration_jitter=0.0),
    )  # fmt: skip
    assert level(recording, "step") == "bad"
    sweeping, _ = simulate(NETWORK, runs=30_000, structure=Structure(schedule="locked"))
    assert level(sweeping, "step") == "bad"


def test_few_runs_are_doubtful_or_bad() -> None:
    assert level(simulate(NETWORK, runs=200)[0], "conversions") in ("doubtful", "bad")


def test_a_recording_without_power_is_bad(good: Recording) -> None:
    bare = replace(good, trace=PowerTrace(np.empty(0), {}, ()))
    assert level(bare, "power") == "bad"
    shifted = replace(good.trace, time_s=good.trace.time_s + 1e6)
    assert level(replace(good, trace=shifted), "power") == "bad"


def test_polls_that_gave_no_total_are_counted(good: Recording) -> None:
    assert level(good, "readings") == "good"
    power = good.trace.total_w.copy()
    power[len(power) // 3 :] = np.nan
    (rail,) = good.trace.total_rails
    dead = replace(good, trace=replace(good.trace, rails_w={rail: power}))
    assert level(dead, "readings") == "bad"


def test_drift_of_idle_is_seen() -> None:
    recording, _ = simulate(NETWORK, runs=2000, structure=Structure(thermal_drift_w=2.0))
    assert level(recording, "idle") == "bad"
    assert level(recording, "temperature") == "bad"


def test_idle_on_one_side_or_none_is_said(good: Recording) -> None:
    assert level(replace(good, idle_after=None), "idle") == "unknown"
    assert level(replace(good, idle_after=None, idle_before=None), "idle") == "doubtful"


def test_throttling_and_clocks(good: Recording) -> None:
    before, after = good.state_before, good.state_after
    assert before is not None
    assert after is not None
    hot = replace(after, throttled=True, throttle_reasons=("thermal",))
    assert level(replace(good, state_after=hot), "throttling") == "bad"
    loose = replace(after, clocks_pinned=False)
    assert level(replace(good, state_after=loose), "clocks") == "doubtful"
    moved = replace(after, clocks_hz={"gpu": 1e8})
    assert level(replace(good, state_after=moved), "clocks") == "doubtful"
    blind = replace(good, state_before=None, state_after=None)
    for name in ("clocks", "throttling", "temperature"):
        assert level(blind, name) == "unknown"


def test_a_costly_or_late_sampler_is_seen(good: Recording) -> None:
    slow = replace(good, sampler=SamplerReport(1e-3, 1000, 200, 0.4, 0.3))
    assert level(slow, "sampler") == "bad"
    assert level(slow, "ticks") == "bad"
    blind = replace(good, sampler=SamplerReport(1e-3, 0, 0, float("nan")))
    assert level(blind, "sampler") == "unknown"
    assert level(blind, "ticks") == "unknown"


def test_an_interrupted_recording_is_doubtful(good: Recording) -> None:
    assert level(replace(good, complete=False), "runs") == "doubtful"


def test_clocks_that_wander_show_in_the_runs(good: Recording) -> None:
    timeline = good.timeline
    rising = timeline.duration_s * np.linspace(1, 1.4, timeline.runs)[:, None]
    assert level(replace(good, timeline=replace(timeline, duration_s=rising)), "steadiness") == (
        "doubtful"
    )


def test_a_sensor_polled_too_slowly_has_no_clock() -> None:
    sensor = SensorModel(period_s=0.7e-3, window_s=0.35e-3)
    recording, _ = simulate(NETWORK, runs=3000, sensor=sensor)
    assert level(recording, "period") == "doubtful"


def test_a_chip_that_is_polled_less_than_twice_a_conversion_has_a_clock() -> None:
    recording, _ = simulate(NETWORK, runs=3000, sensor=SensorModel().fast())
    assert level(recording, "period") == "good"


def test_stamps_of_milliseconds_are_bad(good: Recording) -> None:
    assert level(good, "stamps") == "good"
    timeline = good.timeline
    assert timeline.stamp_s is not None
    coarse = replace(timeline, stamp_s=np.round(timeline.stamp_s, 3))
    assert level(replace(good, timeline=coarse), "stamps") == "bad"


def test_what_layers_need_is_told_with_the_time_that_each_cure_takes() -> None:
    few = simulate(read("zoo:resnet18"), runs=600)[0]
    found = next(check for check in qa(few).checks if check.name == "layers")
    assert found.level == "doubtful"
    assert "runs with dithered pauses for 10%" in found.remedy
    assert "fast=true" in found.remedy
    assert "collect --isolate" in found.remedy


def test_power_alone_is_told_apart_from_current_and_voltage(good: Recording) -> None:
    assert level(good, "registers") == "good"
    product = simulate(NETWORK, runs=500, sensor=SensorModel(registers=False))[0]
    assert level(product, "registers") == "unknown"


def test_a_sensor_whose_value_never_changes_is_said_to_be_stuck(good: Recording) -> None:
    stuck = PowerTrace(
        good.trace.time_s, {"VDD_IN": np.full(len(good.trace), 5.0)}, ("VDD_IN",)
    )  # fmt: skip
    checks = qa(replace(good, trace=stuck)).checks
    power = next(check for check in checks if check.name == "power")
    assert power.level == "bad"
    assert "one and the same value" in power.finding
    assert "clock" not in power.finding

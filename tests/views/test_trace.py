"""A trace holds the timeline of the layers and the board's power, as trace viewers read it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler import Profile, predict
from edgeprofiler.core.arrays import read_only
from edgeprofiler.views.trace import to_trace


@pytest.fixture(scope="module")
def profile() -> Profile:
    return predict("zoo:resnet18", "jetson-orin-nano")


def events(profile: Profile, phase: str) -> list[dict]:
    """Return the events of one phase, as a viewer finds them in the file."""
    text = json.dumps(to_trace(profile), allow_nan=False)
    return [event for event in json.loads(text)["traceEvents"] if event["ph"] == phase]


def test_slices_follow_each_other_and_last_as_long_as_one_inference(profile: Profile) -> None:
    slices = events(profile, "X")
    ends = 0.0
    for each in slices:
        assert each["ts"] == pytest.approx(ends)
        assert each["dur"] > 0
        assert {"pid", "tid", "name", "cat", "args"} <= each.keys()
        ends = each["ts"] + each["dur"]
    assert ends == pytest.approx(1e6 * profile.totals.end_to_end_s.value)


def test_energies_of_slices_are_those_of_the_inference(profile: Profile) -> None:
    energy = sum(each["args"]["energy_j"] for each in events(profile, "X"))
    assert energy == pytest.approx(profile.totals.energy_j.value)


def test_power_is_counted_from_each_slice_on_and_falls_to_idle_at_the_end(
    profile: Profile,
) -> None:
    slices, counted = events(profile, "X"), events(profile, "C")
    assert [c["ts"] for c in counted[:-1]] == [s["ts"] for s in slices]
    assert [c["args"]["W"] for c in counted[:-1]] == [s["args"]["power_w"] for s in slices]
    assert counted[-1]["args"]["W"] == profile.idle_power_w


def test_a_layer_of_unknown_power_has_a_slice_and_is_not_counted(profile: Profile) -> None:
    power = np.array(profile.costs.power_w)
    place = int(np.argmax(profile.costs.runtime_s))
    power[place] = np.nan
    unknown = replace(profile, costs=replace(profile.costs, power_w=read_only(power)))
    slices = events(unknown, "X")
    assert [s["args"]["layer"] for s in slices if s["args"]["power_w"] is None] == [place]
    assert len(events(unknown, "C")) == len(slices)  # one less, and idle power at the end


def test_a_trace_says_what_is_doubtful(profile: Profile) -> None:
    warned = replace(profile, warnings=("not validated here",), simulated=True)
    trace = to_trace(warned)
    assert "not validated here" in trace["otherData"]["warnings"]
    assert "SIMULATED" in trace["traceEvents"][0]["args"]["name"]

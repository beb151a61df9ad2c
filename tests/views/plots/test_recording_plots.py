"""Power over time: what the sensor saw, and which layer ran."""

import json
from dataclasses import replace

import numpy as np
import pytest
from profiles_to_show import network

from edgeprofiler.measurement.recording import PowerTrace
from edgeprofiler.measurement.simulator.simulate import simulate
from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.plots.recording import (
    BINS,
    MAX_BARS,
    close_figure,
    close_look,
    facts,
    whole_figure,
)


@pytest.fixture(scope="module")
def recorded():
    net = network([f"layer{i}" for i in range(6)])
    return simulate(net, runs=400, seed=3)[0], predict(net, "jetson-nano")


def test_bars_of_a_run_do_not_overlap_and_end_when_the_run_ends(recorded):
    recording, _ = recorded
    look = close_look(recording)
    assert 0 < len(look.start_s) <= MAX_BARS
    end = look.start_s + look.width_s
    assert (look.start_s[1:] >= end[:-1] - 1e-9).all()
    assert look.start_s[0] == 0
    assert (np.diff(look.time_s) > 0).all()


def test_figures_are_json_and_name_the_kinds_of_layers(recorded):
    recording, profile = recorded
    figure = close_figure(recording, profile)
    json.dumps([figure, whole_figure(recording)], allow_nan=False)
    assert {t["name"] for t in figure["data"]} == {"power of the board", "convolutional"}


def test_layers_that_the_profile_does_not_know_are_other(recorded):
    recording, _ = recorded
    shorter = predict(network(["layer0"]), "jetson-nano")
    names = {t["name"] for t in close_figure(recording, shorter)["data"]}
    assert {"convolutional", "other"} <= names


def test_a_whole_recording_is_drawn_in_few_points(recorded):
    recording, _ = recorded
    figure = whole_figure(recording)
    assert all(len(trace["x"]) <= BINS for trace in figure["data"])
    assert [t["name"] for t in figure["data"] if "name" in t] == [
        "idle before", "running", "idle after",
    ]  # fmt: skip


def test_a_recording_without_power_still_shows_its_layers(recorded):
    recording, profile = recorded
    nothing = PowerTrace(np.empty(0), {}, ())
    bare = replace(recording, trace=nothing, idle_before=None, idle_after=None)
    assert close_figure(bare, profile)["data"]
    assert whole_figure(bare)["data"] == []


def test_facts_say_how_it_was_recorded(recorded):
    recording, _ = recorded
    found = dict(facts(replace(recording, complete=False)))
    assert "400 runs of 6 layers" in found["Recording"]
    assert "interrupted" in found["Recording"]

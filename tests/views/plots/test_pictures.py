"""Pictures for paper and figures for a browser."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from profiles_to_show import HOSTILE, hostile, measured, network
from sample_profile import example

from edgeprofiler.core.errors import UsageError
from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.plots import draw
from edgeprofiler.views.plots.figure import save_figure
from edgeprofiler.views.plots.pictures import (
    compared_figure,
    kinds_figure,
    roofline_figure,
    stages_figure,
    timeline_figure,
)
from edgeprofiler.views.plots.profile import KINDS

FIGURES = (timeline_figure, roofline_figure, kinds_figure, stages_figure)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [example, hostile, measured])
def test_every_kind_draws_every_profile(kind, make, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "a.png"
    save_figure(draw(make(), kind), path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_one_profile_gives_one_picture(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.svg"):
        save_figure(draw(hostile(), "report"), tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert "<img" not in text


def test_a_notebook_shows_the_figure_of_a_profile():
    pytest.importorskip("matplotlib")
    figure = example().plot("kinds")
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_an_unknown_kind_is_named_with_the_known_ones():
    with pytest.raises(UsageError, match="timeline, roofline"):
        draw(example(), "pie")


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("make", [example, hostile, measured])
def test_figures_are_json_values_without_markup_of_strangers(figure, make):
    text = json.dumps(figure(make()), allow_nan=False)
    for name in HOSTILE[:3]:
        assert name not in json.loads(json.dumps(text))
    assert "<img" not in text
    assert "<svg" not in text


def test_a_timeline_draws_each_layer_once():
    profile = predict("zoo:mobilenet_v2", "jetson-nano")
    bars = [trace for trace in timeline_figure(profile)["data"] if trace["type"] == "bar"]
    drawn = sum(len(trace["x"]) for trace in bars)
    assert drawn == int((profile.costs.runtime_s > 0).sum()) + 2


def test_idle_power_that_is_unknown_is_not_drawn():
    profile = replace(example(), idle_power_w=math.nan)
    assert not [t for t in timeline_figure(profile)["data"] if t["type"] == "scatter"]


def test_profiles_beside_each_other_share_their_kinds():
    profiles = [example(), measured()]
    data = compared_figure(profiles, ["A", "B"])["data"]
    total = sum(sum(trace["x"]) for trace in data)
    expected = sum(p.totals.energy_j.value for p in profiles) * 1e3
    assert total == pytest.approx(expected, rel=1e-4)


def test_a_profile_without_layers_has_figures():
    profile = predict(network([]), "jetson-nano")
    for figure in FIGURES:
        json.dumps(figure(profile), allow_nan=False)


def partly_known():
    """A measured profile in which one layer of the two that take time has no power."""
    profile = example()
    costs = replace(
        profile.costs,
        runtime_s=np.array([5e-5, 0.0, 2e-5]),
        covered=np.array([True, True, True]),
    )
    return replace(profile, costs=costs, total_intervals={})


def unmeasured():
    """A profile of times alone."""
    profile = partly_known()
    costs = replace(profile.costs, power_w=np.full(3, np.nan))
    idle = replace(profile.fixed, power_w=math.nan)
    return replace(profile, costs=costs, idle_power_w=math.nan, fixed=idle, host_gap=idle)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [partly_known, unmeasured])
def test_layers_of_unknown_energy_are_drawn_without_it(kind, make, tmp_path):
    pytest.importorskip("matplotlib")
    save_figure(draw(make(), kind), tmp_path / "a.png")
    for figure in FIGURES:
        json.dumps(figure(make()), allow_nan=False)


def test_where_an_energy_is_unknown_the_others_are_no_share_of_a_whole():
    figure = kinds_figure(partly_known())
    assert figure["data"][0]["text"] == ["", "", ""]
    assert figure["layout"]["xaxis"]["title"]["text"] == "energy, mJ (energy of 1 of 5 unknown)"
    assert all("%" not in text for text in figure["data"][0]["customdata"])

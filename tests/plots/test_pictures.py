"""Pictures for paper and figures for a browser."""

import json
import math
from dataclasses import replace

import pytest
from profiles_to_show import HOSTILE, hostile, measured, network
from sample_profile import example

from edgeprofiler.errors import UsageError
from edgeprofiler.plots import draw
from edgeprofiler.plots.interactive import (
    compared_figure,
    kinds_figure,
    roofline_figure,
    stages_figure,
    timeline_figure,
)
from edgeprofiler.plots.profile import KINDS, save_profile
from edgeprofiler.prediction import predict

FIGURES = (timeline_figure, roofline_figure, kinds_figure, stages_figure)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [example, hostile, measured])
def test_every_kind_draws_every_profile(kind, make, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "a.png"
    save_profile(make(), path, kind)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_one_profile_gives_one_picture(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.svg"):
        save_profile(hostile(), tmp_path / name)
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

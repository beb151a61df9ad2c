"""A profile says what it is in a line, prints in a few, and goes on as a table of any kind."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.profile import Profile, read_profile
from edgeprofiler.core.profile.profiles import Profiles
from edgeprofiler.prediction.predict import predict, predict_many
from edgeprofiler.prediction.question import Question


@pytest.fixture(scope="module")
def resnet() -> Profile:
    return predict("zoo:resnet18", "jetson-orin-nano")


def test_a_profile_is_a_line_and_prints_in_a_few(resnet: Profile) -> None:
    assert "\n" not in repr(resnet)
    assert repr(resnet).startswith("Profile(resnet18, jetson-orin-nano@15w, fp16, batch 1: ")
    lines = str(resnet).splitlines()
    assert len(lines) < 20
    assert max(map(len, lines)) < 200
    assert all(f"  warning: {text}" in lines for text in resnet.warnings)


def test_a_layer_is_found_by_its_place_its_name_and_the_node_it_came_from(resnet: Profile) -> None:
    last = resnet[-1]
    assert (last.index, last) == (len(resnet) - 1, resnet[len(resnet) - 1])
    assert [cost.index for cost in resnet[2:6:2]] == [2, 4]
    layer = resnet["layer1.0.conv1"]
    assert "layer1.0.conv1" in layer.layer.nodes
    assert resnet[layer.layer.name] == layer
    with pytest.raises(KeyError, match=r"no layer is called 'layer1\.0\.conv9'; near it: layer1"):
        resnet["layer1.0.conv9"]
    with pytest.raises(IndexError, match=f"layer {len(resnet)} of {len(resnet)}"):
        resnet[len(resnet)]


def test_layers_of_one_name_are_taken_by_their_place(resnet: Profile) -> None:
    layers = (*resnet.network.layers[:-1], replace(resnet.network.layers[-1], name="twice"))
    layers = (replace(layers[0], name="twice"), *layers[1:])
    twice = replace(resnet, network=replace(resnet.network, layers=layers))
    with pytest.raises(KeyError, match="2 layers are called 'twice'; take one by its place"):
        twice["twice"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_layers_are_a_data_frame_of_the_library_that_is_there(
    resnet: Profile, library: str
) -> None:
    pytest.importorskip("narwhals")
    frames = pytest.importorskip(library)
    frame = resnet.to_frame(library)
    assert isinstance(frame, frames.DataFrame)
    assert len(frame) == len(resnet)
    assert sum(frame["energy_j"].to_list()) == pytest.approx(float(resnet.costs.energy_j.sum()))
    assert list(frame.columns) == next(csv.reader(io.StringIO(resnet.to_csv())))


def test_a_library_that_makes_no_frames_is_refused(resnet: Profile) -> None:
    with pytest.raises(UsageError, match="`backend` is 'excel'; choose of pandas"):
        resnet.to_frame("excel")


def test_tables_for_pages_and_papers_hold_every_layer(resnet: Profile) -> None:
    rows = [line for line in resnet.to_markdown().splitlines() if line.startswith("| ")]
    assert len(rows) >= len(resnet) + 2 * 1 + 7  # with their headings, and totals
    assert resnet.to_latex().count(r"\texttt") == len(resnet) + 2  # and the parts outside of layers


def test_a_profile_is_saved_as_its_name_ends(resnet: Profile, tmp_path: Path) -> None:
    for ending, start in (("json", "{"), ("csv", "layer_name,"), ("md", "**"), ("tex", "\\begin")):
        resnet.save(tmp_path / f"p.{ending}")
        assert (tmp_path / f"p.{ending}").read_text(encoding="utf-8").startswith(start)
    assert read_profile(tmp_path / "p.json") == resnet
    with pytest.raises(UsageError, match="pages and pictures are made by `report`"):
        resnet.save(tmp_path / "p.html")


def test_several_profiles_are_one_table(resnet: Profile) -> None:
    both = Profiles([resnet, predict("zoo:lenet", "jetson-nano", rate="30/s")])
    rows = list(csv.DictReader(io.StringIO(both.to_csv())))
    assert [row["network"] for row in rows] == ["resnet18", "lenet"]
    assert float(rows[0]["energy_j"]) == resnet.totals.energy_j.value
    assert [row["keeps_up"] for row in rows] == ["", "yes"]
    assert rows[0]["warnings"] == "; ".join(resnet.warnings)
    table = both.to_markdown("Networks").splitlines()
    assert [line for line in table if line.startswith("| `lenet` | jetson-nano@maxn |")]
    assert r"\texttt{resnet18}" in both.to_latex()
    assert repr(both) == "Profiles(2 profiles: resnet18, lenet)"
    assert both[1:][0] == both[-1]


def test_many_are_predicted_as_each_alone_in_their_order() -> None:
    models = [
        "zoo:lenet", Question("zoo:alexnet", "jetson-nano", batch=2),
        Question("zoo:lenet", "jetson-orin-nano"),
    ]  # fmt: skip
    found = predict_many(iter(models), precision="fp16")
    assert list(found) == [predict(model, precision="fp16") for model in models]
    assert found.to_csv().count("\n") == 4
    lazy = predict_many(["zoo:lenet", "zoo:alexnet"], "jetson-nano")
    assert repr(lazy) == "RooflineProfiles(2 profiles: lenet, alexnet)"


@pytest.mark.parametrize("alone", ["zoo:lenet", 3])
def test_one_model_is_no_list_of_models(alone: object) -> None:
    with pytest.raises(UsageError, match="`models` are several"):
        predict_many(alone)  # type: ignore[arg-type]

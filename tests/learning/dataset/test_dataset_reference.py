"""Other people's folders: units, pooling windows and groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import dump_json
from edgeprofiler.learning.dataset.build import build
from edgeprofiler.learning.dataset.reference import (
    Circumstances,
    _window,
    read_training_folder,
    read_training_table,
)
from edgeprofiler.reading.engine import engine_document
from edgeprofiler.reading.read import read

CONV = (
    "batch_size,input_size_0,input_size_1,input_size_2,output_size_0,output_size_1,output_size_2,"
    "kernel_0,kernel_1,padding_0,padding_1,stride_0,stride_1,power,runtime,layer_name\n"
)
POOL = CONV.replace("padding_0,padding_1,", "")
DENSE = "batch_size,input_size,output_size,power,runtime,layer_name\n"
FACTS = Circumstances("jetson-orin-nano", board=load_device("jetson-orin-nano"))


def folder_of(tmp_path: Path, model: str = "vgg.16") -> Path:
    folder = tmp_path / "training_data" / model
    folder.mkdir(parents=True)
    (folder / "convolutional.csv").write_text(
        CONV
        + "1,3,224,224,64,224,224,3,3,2.0,2.0,1,1,5000000,0.2,first\n"
        + "1,384,14,14,384,14,14,3,3,2.0,2.0,1,1,5000000,0.0203,depthwise\n"
        + "1,64,56,56,64,56,56,3,3,2.0,2.0,1,1,5000000,0.031,either\n"
        + "1,512,28,28,512,28,28,3,3,2.0,2.0,1,1,5000000,0.6,dense\n"
        + "1,64,56,56,256,56,56,1,1,0,0,1,1,5000000,0.03,pointwise\n"
    )
    (folder / "pooling.csv").write_text(
        POOL
        + "1,64,224,224,64,112,112,224,224,2,2,4000000,0.1,pool1\n"
        + "1,64,112,112,64,56,56,112,112,2,2,4000000,0.05,pool2\n"
        + "1,512,7,7,512,1,1,7,7,1,1,4000000,0.01,mean\n"
    )
    (folder / "dense.csv").write_text(DENSE + "1,25088,4096,3000000,2.9,fc1\n")
    return folder


def test_microwatts_and_milliseconds_become_si(tmp_path: Path) -> None:
    data = read_training_folder(folder_of(tmp_path), FACTS)
    first = int(np.flatnonzero(data.text("name") == "first")[0])
    assert data.number("power_above_idle_w")[first] == pytest.approx(5.0)
    assert data.number("runtime_s")[first] == pytest.approx(2e-4)
    assert data.number("macs")[first] == 3 * 64 * 9 * 224 * 224


def test_network_names_are_kept_whole_also_after_a_dot(tmp_path: Path) -> None:
    assert read_training_folder(folder_of(tmp_path), FACTS).networks == ("vgg.16",)


def test_a_pooling_window_recorded_as_the_whole_input_is_found_again(tmp_path: Path) -> None:
    """A 2x2 pooling was recorded as 224x224, because its size stands in WindowSize."""
    data = read_training_folder(folder_of(tmp_path), FACTS)
    windows = dict(zip(data.text("name").tolist(), data.text("kernel").tolist(), strict=True))
    assert windows["pool1"] == windows["pool2"] == "2x2"
    assert windows["mean"] == "7x7"
    ops = dict(zip(data.text("name").tolist(), data.text("op").tolist(), strict=True))
    assert ops["mean"] == "global_pool"
    assert int(data.marked("pool-window-repaired").sum()) == 2


@pytest.mark.parametrize(
    ("size", "result", "stride", "window", "padding"),
    [
        (112, 56, 2, 2, 0),
        (55, 27, 2, 2, 0),
        (28, 28, 1, 3, 1),
        (111, 55, 2, 2, 0),
        (54, 27, 2, 2, 0),
    ],
)
def test_usual_windows_give_the_output_size(
    size: int, result: int, stride: int, window: int, padding: int
) -> None:
    kernel, pads, mark = _window((size, size), (result, result), (stride, stride))
    assert (kernel, pads, mark) == ((window,) * 2, (padding,) * 2, "pool-window-repaired")


def test_a_window_that_no_usual_size_explains_is_marked() -> None:
    assert _window((224, 224), (100, 100), (2, 2))[2] == "pool-window-unknown"


def test_a_convolution_too_fast_to_be_dense_is_depthwise(tmp_path: Path) -> None:
    """There is no column for groups; the time decides where physics allows one answer only."""
    data = read_training_folder(folder_of(tmp_path), FACTS)
    groups = dict(zip(data.text("name").tolist(), data.integer("groups").tolist(), strict=True))
    macs = dict(zip(data.text("name").tolist(), data.number("macs").tolist(), strict=True))
    assert groups["depthwise"] == 384
    assert groups["dense"] == 1
    assert macs["dense"] == 512 * 512 * 9 * 28 * 28
    assert np.isnan(macs["either"])
    assert data.marked("groups-unknown").sum() == 1


def test_the_engines_description_beside_gives_groups_and_macs(tmp_path: Path) -> None:
    network = read("zoo:mobilenet_v2")
    layer = next(item for item in network.layers if item.depthwise)
    folder = tmp_path / "training_data" / "mobilenet_v2"
    folder.mkdir(parents=True)
    shape, made = layer.input_shapes[0], layer.output_shapes[0]
    sizes = ",".join(str(n) for n in (*shape, *made[1:], *layer.kernel, 2, 2, *layer.stride))
    (folder / "convolutional.csv").write_text(CONV + f'{sizes},2400000,0.05,"{layer.name}"\n')
    (folder / "trt_engine_info.json").write_text(dump_json(engine_document(network)))
    data = build([tmp_path]).data
    assert data.integer("groups").tolist() == [layer.groups]
    assert data.number("macs").tolist() == [layer.macs]
    assert data.text("marks").tolist() == [""]


def test_products_without_a_description_have_unknown_macs(tmp_path: Path) -> None:
    data = read_training_folder(folder_of(tmp_path), FACTS)
    assert np.isnan(data.number("macs")[data.text("kind") == "dense"]).all()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        (DENSE, "no rows"),
        (DENSE + "1,10,10,nan,1,x\n", r"line 2, column power is not a finite number"),
        (DENSE + "1,10,10,1e6,0,x\n", r"line 2, column runtime is 0; it must be above zero"),
        (DENSE + "1,10,10,1e6,-2,x\n", r"line 2, column runtime is -2"),
        (
            DENSE + "1,10,10,5.2,1,x\n",
            r"a board draws; did you mean W\? name the column power_w",
        ),
        (DENSE + "1,10,10,1e6,fast,x\n", "is 'fast', where a number"),
        (
            DENSE + "1,10.5,10,1e6,1,x\n",
            "line 2, column input_size is 10.5; it must be a whole number",
        ),
        (
            DENSE + "1,10,10,1e6,1e6,x\n",
            r"layer takes; did you mean us\? name the column runtime_us",
        ),
        ("a,b\n1,2\n", "lacks the column 'runtime'"),
    ],
)
def test_a_bad_table_is_refused_with_row_and_column(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "dense.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=word):
        read_training_table(path, "dense", "net", FACTS)


def test_building_says_what_it_repaired_and_what_it_could_not(tmp_path: Path) -> None:
    folder_of(tmp_path)
    notes = "\n".join(build([tmp_path]).notes)
    assert "2 rows marked pool-window-repaired" in notes
    assert "1 rows marked groups-unknown" in notes


def test_per_cycle_tables_become_means_with_standard_errors(tmp_path: Path) -> None:
    network = read("zoo:lenet")
    folder = tmp_path / "preprocessed_data" / "lenet"
    folder.mkdir(parents=True)
    (folder / "trt_engine_info.json").write_text(dump_json(engine_document(network)))
    header = (
        "cycle,layer_name,layer_type,layer_power_including_idle_power_micro_watt,"
        "layer_power_excluding_idle_power_micro_watt,layer_run_time\n"
    )
    name = network.layers[1].name
    rows = [f'{i},"{name}",conv,{5e6 + i},{1e6 + i},{0.02 + 0.001 * i}\n' for i in range(3)]
    (folder / "power_runtime_mapping_layerwise.csv").write_text(header + "".join(rows))
    data = build([tmp_path]).data
    assert data.number("runtime_s").tolist() == [pytest.approx(21e-6)]
    assert data.number("power_w").tolist() == [pytest.approx(5.000001)]
    assert data.number("standard_error_w")[0] == pytest.approx(0.8165e-6 / 3**0.5, rel=1e-3)


@pytest.mark.shared
def test_the_published_mobilenet_rows_are_read(shared: Path) -> None:
    path = shared / "measurements" / "orin-nano_mobilenet_v2_layers.csv"
    table = read_training_table(path, None, "mobilenet_v2", FACTS)
    assert len(table) == 54
    assert 2.2 < float(np.median(table.number("power_above_idle_w"))) < 2.5
    depthwise = table.marked("groups-inferred-depthwise")
    assert depthwise.sum() >= 10
    assert not table.marked("groups-unknown")[table.text("kernel") == "1x1"].any()

"""A predictor keeps what its rows were: precision, host and board."""

from pathlib import Path

import numpy as np
import pytest
from learning_data import dataset, measured

from edgeprofiler import predict
from edgeprofiler.core.errors import UsageError
from edgeprofiler.learning.dataset import Dataset, rows_of
from edgeprofiler.learning.dataset.build import Unsaid, build

pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")

from edgeprofiler.learning.dataset.storage import save_dataset
from edgeprofiler.learning.journeys import build_dataset, train


def of(data: Dataset, **texts: str) -> Dataset:
    return data.with_columns(**{k: np.full(len(data), text) for k, text in texts.items()})


@pytest.fixture(scope="module")
def predictor(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("predictor") / "p"
    rows = of(dataset(), precision="fp32", runtime="onnxruntime")
    train(rows, output=folder, options={"trees": 4})
    return folder


def test_what_is_not_asked_is_that_of_the_rows(predictor):
    profile = predict("zoo:resnet18", predictor=predictor)
    assert profile.network.precision == "fp32"
    assert profile.device.runtime == "onnxruntime"
    assert not any(" alone: " in text for text in profile.warnings)
    again = predict("zoo:resnet18", "jetson-orin-nano", predictor=predictor)
    assert again.device.runtime == "onnxruntime"


def test_a_type_that_was_never_measured_is_outside_the_training(predictor):
    known, asked = (
        predict("zoo:resnet18", predictor=predictor, precision=p).totals.runtime_s
        for p in ("fp32", "fp16")
    )
    assert np.log(asked.high / asked.value) > np.log(known.high / known.value) + 0.3
    profile = predict("zoo:resnet18", predictor=predictor, precision="fp16")
    assert "trained on fp32 alone: fp16 is outside the training, and intervals are wider" in (
        profile.warnings
    )


def test_another_host_that_is_asked_for_is_told(predictor):
    profile = predict("zoo:resnet18", predictor=predictor, runtime="trtexec")
    assert profile.device.runtime == "trtexec"
    assert any("trained on measurements of onnxruntime" in text for text in profile.warnings)


def test_rows_that_do_not_say_what_they_are_of_are_told(tmp_path):
    rows = of(dataset(), precision="", runtime="cpp", mode="")
    save_dataset(rows, tmp_path / "d")
    data = build_dataset(tmp_path / "d", precision="FP32", mode="15W", runtime="trtexec").data
    assert set(data.text("precision").tolist()) == {"fp32"}
    assert set(data.text("mode").tolist()) == {"15w"}
    assert set(data.text("runtime").tolist()) == {"cpp"}  # they said it
    with pytest.raises(UsageError, match="no precision 'fp8'"):
        build_dataset(tmp_path / "d", precision="fp8")


def test_training_tables_take_the_precision_that_is_told(tmp_path):
    folder = tmp_path / "training_data" / "net"
    folder.mkdir(parents=True)
    (folder / "dense.csv").write_text(
        "batch_size,input_size,output_size,power,runtime,layer_name\n1,512,1000,1e6,0.1,fc\n"
    )
    half, single = (
        build([tmp_path], Unsaid(precision=p)).data.number("bytes_moved")[0]
        for p in ("fp16", "fp32")
    )
    assert single == 2 * half


def test_layers_that_were_measured_alone_are_known_by_that(tmp_path):
    rows = rows_of(measured("lenet"), "a")
    alone = of(rows.take(np.arange(1)), network="conv", known_by="network")
    alone = alone.with_columns(network_layers=np.ones(1, np.int64))
    save_dataset(Dataset.concatenate([rows, alone]), tmp_path / "d")
    found = build([tmp_path / "d"]).data
    known = dict(zip(found.text("network").tolist(), found.text("known_by").tolist(), strict=True))
    assert known == {"lenet": "samples", "conv": "single"}

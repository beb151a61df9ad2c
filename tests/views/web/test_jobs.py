"""What workers do, done here: the documents are those of the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from paths import TINY_ONNX as TINY

from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.profile.document import from_document
from edgeprofiler.core.values import Value
from edgeprofiler.measurement.recording import save_recording
from edgeprofiler.measurement.simulator import simulate
from edgeprofiler.prediction.question import Question
from edgeprofiler.reading.read import read
from edgeprofiler.views.web import jobs, service, worker


def test_a_network_bears_the_name_that_its_file_was_sent_under() -> None:
    question = {"model": str(TINY), "batch": 2, "resolution": 64}
    document = jobs.network_job({"question": question, "label": "mine.v2.onnx"})
    assert document["network"]["name"] == "mine.v2"
    assert document["network"]["source"] == "mine.v2.onnx"
    assert document["layers"][1]["input_shapes"][0] == [2, 3, 64, 64]


def test_a_network_in_wider_types_is_the_same_after_its_trip() -> None:
    """The server lets its predictor choose among them, as the command does."""
    question = {"model": "zoo:lenet", "device": "jetson-orin-nano", "precision": "fp16"}
    document = json.loads(json.dumps(jobs.network_job({"question": question, "label": None})))
    network = jobs.read_network(Question(**question))
    assert network.wider is not None
    assert service._network(Value(document, "lenet")) == network


def test_an_engine_has_no_other_resolution(shared: Path) -> None:
    path = next((shared / "inputs" / "engine_info").glob("*.json"))
    with pytest.raises(Unsupported, match="resolution of a built engine is fixed"):
        jobs.read_network(Question(path, resolution=64))


def test_advice_is_the_commands_document() -> None:
    question = {"model": "zoo:lenet", "device": "jetson-nano", "runtime": "cpp", "resolution": 32}
    task = {"question": question, "label": "mine", "kinds": ["prune"]}
    document = jobs.advice_job(task | {"budget": {"budget_percent": 95}})
    assert document["model"] == "mine"
    assert document["device"]["runtime"] == "cpp"
    assert document["plan"]["reached"]
    assert "plan" not in jobs.advice_job(task | {"budget": {}, "kinds": []})


def test_a_recording_is_judged_and_attributed(tmp_path: Path) -> None:
    recording, _ = simulate(read("zoo:lenet"), runs=60, seed=2)
    save_recording(recording, tmp_path)
    task = {"folder": str(tmp_path), "label": "mine"}
    document = jobs.quality_job(task)
    assert document["name"] == "mine"
    assert document["samples"] == len(recording.trace)
    assert document["verdict"] in ("good", "doubtful", "bad", "unknown")
    profile = from_document(jobs.measured_job(task))
    assert profile.origin.kind == "measured"


def test_a_model_without_images_has_no_resolution(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    flat = helper.make_tensor_value_info("x", 1, [1, 8])
    node = helper.make_node("Relu", ["x"], ["y"])
    graph = helper.make_graph([node], "flat", [flat], [helper.make_tensor_value_info("y", 1, None)])
    path = tmp_path / "flat.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(Unsupported, match="no input has batch, channels"):
        jobs.read_network(Question(path, resolution=64))


def test_warming_imports_what_jobs_need() -> None:
    worker.warm()

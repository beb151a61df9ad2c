"""From what a user typed to a model that a runtime can be given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.measurement.runners._source import read_to_run

onnx = pytest.importorskip("onnx")


def test_a_built_engines_description_holds_nothing_that_can_be_run(shared: Path):
    engine = shared / "inputs/engine_info/rtx3060m_resnet18_fp16_trtexec.json"
    with pytest.raises(Unsupported, match="built engine"):
        read_to_run(str(engine))


def test_a_graph_that_was_written_without_its_constants_cannot_be_run(shared: Path):
    with pytest.raises(Unsupported, match="left out"):
        read_to_run(str(shared / "inputs/graphs/yolov8n_160.json")).onnx()


def test_what_is_missing_or_of_no_kind_is_said(tmp_path: Path):
    with pytest.raises(InvalidInput, match="no such file"):
        read_to_run(str(tmp_path / "gone.bin"))
    path = tmp_path / "strange.bin"
    path.write_bytes(b"\x00strange")
    with pytest.raises(InvalidInput, match="any front end"):
        read_to_run(str(path))


def test_a_zoo_network_becomes_onnx_with_random_weights():
    model = read_to_run("zoo:lenet", batch=3)
    assert model.random_weights
    shape = onnx.load_from_string(model.onnx()).graph.input[0].type.tensor_type.shape
    assert [d.dim_value for d in shape.dim] == [3, 1, 32, 32]


def test_another_batch_frees_the_shapes_that_were_stored_for_the_old_one(small_onnx: Path):
    model = onnx.load_from_string(read_to_run(str(small_onnx), batch=4).onnx())
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 4
    assert model.graph.output[0].type.tensor_type.shape.dim[0].WhichOneof("value") is None
    onnx.shape_inference.infer_shapes(model, strict_mode=True)


def test_a_free_batch_is_one_image(small_onnx: Path, tmp_path: Path):
    model = onnx.load(str(small_onnx))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    path = tmp_path / "free.onnx"
    onnx.save(model, str(path))
    bound = onnx.load_from_string(read_to_run(str(path)).onnx())
    assert bound.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1


def test_the_only_input_must_be_the_only_one(tmp_path: Path):
    from onnx import TensorProto, helper

    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "abc"]
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["c"])], "g", info[:2], info[2:])
    path = tmp_path / "two.onnx"
    onnx.save(helper.make_model(graph), str(path))
    with pytest.raises(UsageError, match="2 inputs"):
        read_to_run(str(path), shapes={"": (1,)})


def test_json_that_is_no_model_is_refused(tmp_path: Path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"hello": 1}))
    with pytest.raises(InvalidInput):
        read_to_run(str(path))

"""Operator graphs as JSON."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.reading.front_end import FrontEnd, ReadOptions
from edgeprofiler.reading.graph_json import GraphJsonFrontEnd, graph_from_document
from edgeprofiler.reading.lowering import lower

SMALL: dict[str, Any] = {
    "network": "small",
    "batch": 1,
    "nodes": [
        {"op": "Identity", "inputs": [], "input_shapes": [], "weight_shapes": [[8]],
         "outputs": [0], "output_shapes": [[8]]},
        {"op": "Conv", "inputs": [1, 0], "input_shapes": [[1, 3, 16, 16], [8]],
         "weight_shapes": [[8, 3, 3, 3]], "outputs": [2], "output_shapes": [[1, 8, 16, 16]],
         "kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1], "group": 1,
         "auto_pad": "NOTSET", "note": None},
        {"op": "Resize", "inputs": [2], "input_shapes": [[1, 8, 16, 16]], "weight_shapes": [[4]],
         "outputs": [3], "output_shapes": [[1, 8, 32, 32]]},
        {"op": "Transpose", "inputs": [3], "input_shapes": [[1, 8, 32, 32]],
         "outputs": [4], "output_shapes": [[1, 32, 32, 8]]},
    ],
}  # fmt: skip


def write(tmp_path: Path, document: object) -> str:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_weights_stand_in_onnx_order_and_numbers_only_shapes_need_are_no_parameters(
    tmp_path: Path,
) -> None:
    graph = GraphJsonFrontEnd().read(write(tmp_path, SMALL), ReadOptions())
    assert graph.inputs == ("t1",)
    assert graph.outputs == ("t4",)
    assert graph.nodes[1].inputs == ("t1", "Conv_1.weight0", "t0")
    assert graph.nodes[3].ints("perm") == (0, 2, 3, 1)
    assert graph.parameters == 8 * 27 + 8
    network = lower(graph)
    assert [la.op for la in network.layers] == ["reformat", "convolution", "resize", "reformat"]
    assert network.macs == 16 * 16 * 8 * 27


def test_it_knows_its_files_and_leaves_engines_alone() -> None:
    reader = GraphJsonFrontEnd()
    assert isinstance(reader, FrontEnd)
    assert reader.recognises("x.json", json.dumps(SMALL).encode())
    assert not reader.recognises("x.json", b'{"Layers": [{"Name": "conv"}]}')
    assert not reader.recognises("x.onnx", json.dumps(SMALL).encode())


def test_a_shape_that_is_its_own_changes_nothing_and_another_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, SMALL)
    same = GraphJsonFrontEnd().read(source, ReadOptions(batch=1, shapes={"": (1, 3, 16, 16)}))
    assert same.tensors["t1"].shape == (1, 3, 16, 16)
    odd = copy.deepcopy(SMALL)
    odd["nodes"][3] = {**odd["nodes"][3], "op": "Mystery"}
    with pytest.raises(Unsupported, match="one input shape"):
        GraphJsonFrontEnd().read(write(tmp_path, odd), ReadOptions(batch=4))


def test_two_inputs_must_be_named(tmp_path: Path) -> None:
    two = copy.deepcopy(SMALL)
    two["nodes"].append(
        {
            "op": "Relu",
            "inputs": [9],
            "input_shapes": [[2]],
            "outputs": [10],
            "output_shapes": [[2]],
        }
    )
    with pytest.raises(Unsupported, match="t1, t9; name one"):
        GraphJsonFrontEnd().read(write(tmp_path, two), ReadOptions(shapes={"": (2,)}))


def broken(place: int, **change: object) -> dict[str, Any]:
    document = copy.deepcopy(SMALL)
    document["nodes"][place].update(change)
    return document


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "no operator graph"),
        ({"nodes": {}}, "no operator graph"),
        ({"nodes": []}, "0 nodes"),
        ({"nodes": [3]}, r"nodes\[0\] is 3, where an object"),
        (broken(1, op=7), r"nodes\[1\].op is 7, where a text"),
        (broken(1, inputs=[]), r"nodes\[1\] has 0 inputs, but 2 input_shapes"),
        (broken(1, inputs="ab"), r"nodes\[1\].inputs is 'ab', where a list"),
        (broken(1, inputs=[1, True]), r"inputs\[1\] is True, where an integer"),
        (broken(1, output_shapes=[[1, -8, 16, 16]]), r"output_shapes\[0\] has a negative"),
        (broken(1, output_shapes=[[1, 8, 16.5, 16]]), "where a list of integers"),
        (broken(1, weight_shapes=5), "weight_shapes is 5, where a list"),
        (broken(1, outputs=[0]), "computes tensor 0 a second time"),
        (broken(1, outputs=[1]), "computes tensor 1, which was read before"),
        (broken(2, input_shapes=[[1, 9, 16, 16]]), "before"),
        (broken(1, pads={"a": 1}), r"nodes\[1\].pads is \{"),
        (broken(2, name="Conv_1"), "two nodes have one name"),
        (
            broken(1, weight_shapes=[[], [8]], inputs=[1], input_shapes=[[1, 3, 16, 16]]),
            r"nodes\[1\] \(Conv\) convolves an input of 4 dimensions with weights of 0",
        ),
        (broken(1, kernel_shape=[3, 3, 3]), r"\(Conv\) has kernel_shape \(3, 3, 3\)"),
        (
            broken(1, output_shapes=[[1, 9, 16, 16]]),
            r"makes \[1, 8, 16, 16\], not \[1, 9, 16, 16\]",
        ),
        (broken(3, perm=[0, 1]), r"nodes\[3\] \(Transpose\)"),
        ({"nodes": SMALL["nodes"][:1]}, "reads an input"),
    ],
)
def test_what_is_wrong_is_said_with_its_node(document: object, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        graph_from_document(document, "bad.json")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "gflops", "million_parameters"),
    [("n", 8.7, 3.2), ("s", 28.6, 11.2), ("m", 78.9, 25.9)],
)
def test_yolov8_has_its_published_size(
    shared: Path, name: str, gflops: float, million_parameters: float
) -> None:
    """Ultralytics' table of YOLOv8 at 640 pixels, https://docs.ultralytics.com/models/yolov8/."""
    path = shared / f"inputs/graphs/yolov8{name}_640.json"
    graph = GraphJsonFrontEnd().read(str(path), ReadOptions())
    assert round(2 * lower(graph).macs / 1e9, 1) == gflops
    assert graph.parameters / 1e6 == pytest.approx(million_parameters, abs=0.06)


@pytest.mark.shared
def test_all_detectors_are_lowered_whole(shared: Path) -> None:
    for path in sorted((shared / "inputs/graphs").glob("*.json")):
        network = lower(GraphJsonFrontEnd().read(str(path), ReadOptions()))
        assert not network.warnings
        assert all(layer.op not in ("unknown", "plugin") for layer in network.layers)
        assert bool(network.columns.covered.all())


@pytest.mark.shared
def test_yolov8n_copies_what_its_engine_copies(shared: Path) -> None:
    """the block of model.2: a slice for the residual sum, both halves, and the sum."""
    graph = GraphJsonFrontEnd().read(str(shared / "inputs/graphs/yolov8n_640.json"), ReadOptions())
    layers = [layer for layer in lower(graph).layers if layer.op in ("copy", "concat")]
    assert [layer.output_shapes[0][1] for layer in layers[:3]] == [16, 32, 16]


def test_a_shape_for_an_input_that_is_not_there_is_a_mistake_of_the_call(tmp_path: Path) -> None:
    """As ONNX files and the zoo say it: the option is wrong, not the model."""
    with pytest.raises(UsageError, match="has no input 'other'; it has 't1'"):
        GraphJsonFrontEnd().read(
            write(tmp_path, SMALL), ReadOptions(shapes={"other": (1, 3, 16, 16)})
        )

"""From a graph to an ONNX model that runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.measurement.runners._onnx_model import (
    NEWER_OPSET,
    OPSET,
    inputs_of,
    model_of,
    name_nodes,
    random_input,
    unique_name,
    weights_of,
)

onnx = pytest.importorskip("onnx")


def run(graph: Graph) -> list[np.ndarray]:
    from onnx.reference import ReferenceEvaluator

    model = model_of(graph)
    onnx.checker.check_model(model, full_check=True)
    return ReferenceEvaluator(model).run(None, inputs_of(graph))


def one_node(node: Node, *tensors: Tensor) -> Graph:
    named = {tensor.name: tensor for tensor in tensors}
    return Graph("one", (node,), named, ("x",), (node.outputs[0],))


def test_a_graph_becomes_a_model_of_an_operator_set_that_tensorrt_8_reads(small_graph: Graph):
    model = model_of(small_graph)
    assert model.opset_import[0].version == OPSET
    assert [node.op_type for node in model.graph.node] == [n.op for n in small_graph.nodes]
    assert run(small_graph)[0].shape == (1, 5)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_weights(small_graph: Graph):
    first, second, other = (
        model_of(small_graph, seed).SerializeToString(deterministic=True) for seed in (0, 0, 1)
    )
    assert first == second != other


def test_activations_stay_ordinary_numbers_through_many_layers():
    """Denormal or infinite activations would change what a processor needs for them."""
    tensors = {"t0": Tensor("t0", (1, 16, 6, 6))}
    nodes = []
    for i in range(40):
        tensors[f"t{i + 1}"] = Tensor(f"t{i + 1}", (1, 16, 6, 6))
        tensors[f"r{i}"] = Tensor(f"r{i}", (1, 16, 6, 6))
        tensors[f"w{i}"] = Tensor(f"w{i}", (16, 16, 3, 3), constant=True)
        nodes += [
            Node(f"c{i}", "Conv", (f"t{i}", f"w{i}"), (f"r{i}",), {"pads": (1, 1, 1, 1)}),
            Node(f"a{i}", "Relu", (f"r{i}",), (f"t{i + 1}",)),
        ]
    result = run(Graph("deep", tuple(nodes), tensors, ("t0",), ("t40",)))[0]
    assert np.isfinite(result).all()
    assert 1e-6 < result.std() < 1e6


def test_known_constants_keep_their_values():
    graph = one_node(
        Node("n", "Add", ("x", "k"), ("y",)),
        Tensor("x", (2,)), Tensor("k", (2,), constant=True, value=(3.0, 4.0)), Tensor("y", (2,)),
    )  # fmt: skip
    assert weights_of(graph)["k"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    ("op", "attributes", "result"),
    [
        ("Clip", {"min": 0.0, "max": 6.0}, (1, 4, 6, 6)),
        ("Pad", {"pads": (0, 0, 1, 1, 0, 0, 1, 1), "value": 0.5}, (1, 4, 8, 8)),
        ("Slice", {"starts": (0,), "ends": (2,), "axes": (1,)}, (1, 2, 6, 6)),
        ("Unsqueeze", {"axes": (0,)}, (1, 1, 4, 6, 6)),
        ("ReduceMean", {"axes": (2, 3), "keepdims": 1}, (1, 4, 1, 1)),
        ("ReduceSum", {"axes": (1,), "keepdims": 0}, (1, 6, 6)),
        ("Dropout", {"ratio": 0.5}, (1, 4, 6, 6)),
        ("Upsample", {"scales": (1.0, 1.0, 2.0, 2.0), "mode": "nearest"}, (1, 4, 12, 12)),
        ("Resize", {"mode": "nearest"}, (1, 4, 3, 3)),
        ("Reshape", {"shape": (1, -1)}, (1, 144)),
        ("Gelu", {}, (1, 4, 6, 6)),
        ("AveragePool", {"kernel_shape": (1, 1), "output_size": (7, 7)}, (1, 4, 7, 7)),
    ],
)
def test_operators_of_older_and_newer_sets_are_written_in_the_form_of_the_set_in_use(
    op: str, attributes: dict, result: tuple
):
    graph = one_node(Node("n", op, ("x",), ("y",), attributes), Tensor("x", (1, 4, 6, 6)),
                     Tensor("y", result))  # fmt: skip
    assert run(graph)[0].shape == result
    assert model_of(graph).opset_import[0].version == (NEWER_OPSET if op == "Gelu" else OPSET)


def test_a_split_without_sizes_divides_evenly():
    node = Node("n", "Split", ("x",), ("a", "b"), {"axis": 1})
    tensors = {"x": Tensor("x", (1, 4)), "a": Tensor("a", (1, 2)), "b": Tensor("b", (1, 2))}
    assert [r.shape for r in run(Graph("g", (node,), tensors, ("x",), ("a", "b")))] == [(1, 2)] * 2


def test_reductions_of_an_older_set_take_their_axes_from_a_constant_input():
    graph = one_node(
        Node("n", "ReduceMean", ("x", "axes"), ("y",), {"keepdims": 0}),
        Tensor("x", (1, 4, 6, 6)), Tensor("axes", (2,), "int64", True, (2, 3)), Tensor("y", (1, 4)),
    )  # fmt: skip
    assert run(graph)[0].shape == (1, 4)


def test_quantisation_scales_are_positive():
    graph = one_node(
        Node("n", "QuantizeLinear", ("x", "s", "z"), ("y",)),
        Tensor("x", (3,)), Tensor("s", (), constant=True), Tensor("z", (), "int8", True),
        Tensor("y", (3,), "int8"),
    )  # fmt: skip
    assert weights_of(graph)["s"] > 0
    assert run(graph)[0].dtype == np.int8


def test_an_operator_that_onnx_does_not_have_is_refused_by_name():
    graph = one_node(Node("n", "MyPlugin", ("x",), ("y",)), Tensor("x", (1,)), Tensor("y", (1,)))
    with pytest.raises(Unsupported, match="MyPlugin"):
        model_of(graph)


def test_a_graph_whose_source_left_constants_out_cannot_be_run():
    graph = one_node(Node("n", "Div", ("x",), ("y",)), Tensor("x", (1,)), Tensor("y", (1,)))
    with pytest.raises(Unsupported, match="left out"):
        model_of(graph)


def test_more_weights_than_one_onnx_model_holds_are_refused_before_they_are_made(small_graph):
    huge = {**small_graph.tensors, "dw": Tensor("dw", (5, 4), "fp8", constant=True)}
    with pytest.raises(Unsupported, match="fp8"):
        model_of(replace(small_graph, tensors=huge))


def test_nodes_without_names_or_of_one_name_get_names_of_their_own(small_graph: Graph):
    model = model_of(small_graph)
    for node in model.graph.node:
        node.name = ""
    model.graph.node[0].name = model.graph.node[1].name = "twice"
    name_nodes(model)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert names[:3] == ["twice", "twice#2", "Relu_2"]


@given(st.lists(st.sampled_from(["a", "a#2", "b", ""]), max_size=12))
def test_unique_names_are_unique_whatever_the_names(names: list[str]):
    taken: set[str] = set()
    given_names = [unique_name(name, taken) for name in names]
    assert len(set(given_names)) == len(given_names)


@settings(max_examples=20)
@given(st.sampled_from(["f4", "f2", "i8", "u1", "?"]))
def test_integer_inputs_are_zero_which_is_an_index_in_range(dtype: str):
    value = random_input((2, 3), dtype)
    assert value.dtype == np.dtype(dtype)
    assert value.any() == (value.dtype.kind == "f")

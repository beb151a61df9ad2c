"""Recurrent layers and attention become the kernels that they are made of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import ints, model, node, out, read

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.reading.graphs import GraphBuilder, with_input_shapes
from edgeprofiler.reading.lowering import lower, lower_traced
from edgeprofiler.reading.operators.macs import graph_macs

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(
    op: str, steps: Any = 100, batch: int = 1, features: int = 64, hidden: int = 64,
    directions: int = 1, outputs: str = "y", **attributes: Any,
) -> Graph:  # fmt: skip
    wide = GATES[op] * hidden
    shape = [batch, steps, features] if attributes.get("layout") else [steps, batch, features]
    built = model(
        [node(op, "x w r b", outputs, hidden_size=hidden,
              direction="bidirectional" if directions == 2 else "forward", **attributes)],
        {"x": shape}, [name for name in outputs.split() if name != "-"],
        {"w": (directions, wide, features), "r": (directions, wide, hidden),
         "b": (directions, 2 * wide)},
    )  # fmt: skip
    return read(built)


@pytest.mark.parametrize(("op", "macs"), [("LSTM", 3_276_800), ("GRU", 2_457_600)])
def test_a_recurrent_layer_multiplies_its_input_and_in_each_step_its_state(
    op: str, macs: int
) -> None:
    """Steps x gates x hidden x (inputs + hidden): 100 x 4 x 64 x 128 of an LSTM."""
    graph = recurrent(op)
    network = lower(graph)
    assert graph_macs(graph) == network.macs == macs
    assert network.columns.covered.all()
    kinds = {(la.op, la.repeats) for la in network.layers if la.op != "reformat"}
    assert kinds == {("gemm", 1), ("gemm", 100), ("pointwise", 100)}
    assert all(la.nodes == ("n_y",) for la in network.layers if la.op != "reformat")


def test_its_steps_wait_for_each_other() -> None:
    """Twice as many steps take twice the launches; so do two directions."""

    def launches(graph: Graph) -> int:
        return sum(la.repeats for la in lower(graph).layers if la.repeats > 1)

    assert launches(recurrent("LSTM", 200)) == 2 * launches(recurrent("LSTM", 100)) == 400
    assert launches(recurrent("LSTM", 100, directions=2)) == 400


def test_its_weights_are_read_in_every_step() -> None:
    layers = {la.name: la for la in lower(recurrent("LSTM", features=32)).layers}
    whole, step = layers["n_y/input0 + n_y/bias0"], layers["n_y/step0"]
    assert whole.weight_bytes == 2 * (32 * 256 + 256)
    assert step.weight_bytes == 2 * 64 * 256
    assert step.bytes_moved == 100 * (step.weight_bytes + 2 * (64 + 256))


@given(
    op=st.sampled_from(sorted(GATES)), steps=st.integers(1, 9), batch=st.integers(1, 3),
    directions=st.integers(1, 2), layout=st.integers(0, 1),
    outputs=st.sampled_from(["y", "y h", "- h"]),
)  # fmt: skip
def test_what_it_gives_out_has_onnxs_shape(
    op: str, steps: int, batch: int, directions: int, layout: int, outputs: str
) -> None:
    graph = recurrent(op, steps, batch, 5, 7, directions, outputs, layout=layout)
    every, last = (steps, directions, batch, 7), (directions, batch, 7)
    if layout:
        every, last = (batch, steps, directions, 7), (batch, directions, 7)
    wanted = {"y": every, "h": last}
    assert {n: graph.tensors[n].shape for n in graph.outputs} == {
        n: wanted[n] for n in outputs.split() if n != "-"
    }
    assert lower(graph).macs == steps * batch * directions * GATES[op] * 7 * (5 + 7)


def test_a_changed_length_changes_the_steps() -> None:
    graph = recurrent("GRU", 10)
    longer = with_input_shapes(graph, {"x": (25, 1, 64)})
    assert lower(longer).macs == 25 * 3 * 64 * 128


@pytest.mark.parametrize(
    ("weights", "words"),
    [({"w": (1, 256, 60)}, "weights 1x256x60"), ({"w": (256, 64)}, "weights 256x64")],
)
def test_weights_that_do_not_fit_are_named(weights: Any, words: str) -> None:
    built = model(
        [node("LSTM", "x w r", "y")], {"x": [9, 1, 64]}, ["y"], {"r": (1, 256, 64), **weights}
    )
    with pytest.raises(InvalidInput, match=words):
        read(built)


def attention(
    query: Any, key: Any, value: Any, extra: str = "", more: Any = None, **attributes: Any
) -> Graph:
    built = model(
        [node("Attention", f"q k v {extra}", "y", **attributes)],
        {"q": query, "k": key, "v": value, **(more or {})}, ["y"], opset=23,
    )  # fmt: skip
    return read(built)


def test_attention_multiplies_queries_by_keys_and_weights_by_values() -> None:
    graph = attention([2, 8, 50, 64], [2, 8, 70, 64], [2, 8, 70, 32])
    assert out(graph) == (2, 8, 50, 32)
    assert graph_macs(graph) == lower(graph).macs == 2 * 8 * 50 * 70 * (64 + 32)
    assert {"matmul", "softmax"} <= {la.op for la in lower(graph).layers}


def test_heads_may_lie_in_one_dimension_and_share_keys() -> None:
    """Eight heads of queries, two of keys and values: no key is copied."""
    graph = attention([1, 50, 512], [1, 50, 128], [1, 50, 128], q_num_heads=8, kv_num_heads=2)
    assert out(graph) == (1, 50, 512)
    assert lower(graph).macs == graph_macs(graph) == 8 * 50 * 50 * 128
    assert "concat" not in {la.op for la in lower(graph).layers}


def test_keys_of_the_past_are_multiplied_too() -> None:
    past = {"pk": [1, 4, 30, 16], "pv": [1, 4, 30, 16]}
    shape = [1, 4, 10, 16]
    graph = attention(shape, shape, shape, "- pk pv", past)
    assert lower(graph).macs == graph_macs(graph) == 4 * 10 * 40 * 32


def test_attention_costs_what_it_does_written_out() -> None:
    """One operator or five: the same products, the same softmax."""
    g = GraphBuilder("plain")
    q, k, v = (g.input((1, 4, 49, 32), name) for name in "qkv")
    scores = g.node("MatMul", (q, g.permute(k, (0, 1, 3, 2))), "scores")
    scores = g.node("Mul", (scores, g.number("scale", (0.2,))), "scaled")
    plain = g.graph(g.node("MatMul", (g.softmax(scores), v), "result"))
    graph = attention([1, 4, 49, 32], [1, 4, 49, 32], [1, 4, 49, 32])

    def sizes(network: Any) -> Any:
        return sorted((la.op, la.macs, la.bytes_moved) for la in network.layers)

    assert sizes(lower(graph)) == sizes(lower(plain))


@pytest.mark.parametrize(
    ("query", "attributes", "words"),
    [([1, 50, 512], {"q_num_heads": 7}, "7 heads"), ([1, 50], {}, "3 or 4 dimensions"),
     ([1, 8, 50, 60], {}, "queries 1x8x50x60")],
)  # fmt: skip
def test_sizes_that_fit_no_attention_are_named(query: Any, attributes: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        attention(query, [1, 8, 50, 64], [1, 8, 50, 64], **attributes)


def test_a_reshape_of_a_product_does_not_part_it_from_its_activation() -> None:
    """As ONNX Runtime writes a fully connected layer of three dimensions."""
    weights = {"w": (64, 256), "b": (256,), "v": (256, 64), "half": (), "root": (), "one": ()}
    nodes = [
        node("Gemm", "x w b", "g"), node("Reshape", "g to", "r"), node("Div", "r root", "d"),
        node("Erf", "d", "e"), node("Add", "e one", "a"), node("Mul", "r a", "m"),
        node("Mul", "m half", "n"), node("MatMul", "n v", "y"),
    ]  # fmt: skip
    built = model(nodes, {"x": [49, 64]}, ["y"], {**weights, "to": ints(1, 49, 256)})
    graph = read(built)
    lowered = lower_traced(graph, "fp16")
    layers = [la for la in lowered.network.layers if la.op != "reformat"]
    assert [la.op for la in layers] == ["gemm", "gemm"]
    assert layers[0].fused_ops == ("Div", "Erf", "Add", "Mul", "Mul")
    names = {name for la in layers for name in la.nodes} | set(lowered.no_work)
    assert names == {n.name for n in graph.nodes}


def test_group_normalisation_costs_the_same_from_both_exporters() -> None:
    """Written with instance normalisation and two reshapes, or as one operator."""
    channels, groups = 64, 8
    new = model(
        [node("GroupNormalization", "x s b", "y", num_groups=groups)], {"x": [1, channels, 9, 9]},
        ["y"], {"s": (channels,), "b": (channels,)}, opset=21,
    )  # fmt: skip
    old = model(
        [
            node("Reshape", "x flat", "f"), node("InstanceNormalization", "f ones zeros", "i"),
            node("Reshape", "i back", "k"), node("Mul", "k s", "m"), node("Add", "m b", "y"),
        ],
        {"x": [1, channels, 9, 9]}, ["y"],
        {"flat": ints(0, groups, -1), "back": ints(1, channels, 9, 9), "ones": (groups,),
         "zeros": (groups,), "s": (channels, 1, 1), "b": (channels, 1, 1)},
    )  # fmt: skip
    first, second = (
        [(la.op, la.bytes_moved, la.weight_bytes, la.flops) for la in lower(read(m)).layers]
        for m in (new, old)
    )
    assert first == second


def test_suppressions_are_one_operation() -> None:
    """ONNX's operator, and TensorRT's plug-in for it."""
    boxes, scores = [1, 400, 4], [1, 400, 20]
    plugin = model(
        [node("EfficientNMS_TRT", "b s", "n boxes kept classes", max_output_boxes=100)],
        {"b": boxes, "s": scores}, ["n", "boxes", "kept", "classes"],
    )  # fmt: skip
    graph = read(plugin)
    assert [out(graph, i) for i in range(4)] == [(1, 1), (1, 100, 4), (1, 100), (1, 100)]
    (layer,) = [la for la in lower(graph).layers if la.op != "reformat"]
    tensors = {
        "b": Tensor("b", (1, 400, 4)), "s": Tensor("s", (1, 20, 400)),
        "y": Tensor("y", (100, 3), "int64"),
    }  # fmt: skip
    plain = Graph("n", (Node("n", "NonMaxSuppression", ("b", "s"), ("y",)),), tensors, ("b", "s"),
                  ("y",))  # fmt: skip
    (other,) = [la for la in lower(plain).layers if la.op != "reformat"]
    assert layer.op == other.op == "topk"

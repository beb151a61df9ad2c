"""A network written down by hand becomes a graph of ONNX operators."""

from __future__ import annotations

from functools import partial

import pytest

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.graphs import GraphBuilder, forget_parts, part
from edgeprofiler.reading.operators.macs import graph_macs


def test_names_are_hierarchical_and_unique() -> None:
    g = GraphBuilder("net")
    x = g.input((1, 3, 8, 8))
    with g.scope("a"), g.scope("b"):
        x = g.relu(g.conv(x, 4, 3, name="conv", bias=True))
        x = g.relu(x)
    assert [node.name for node in g.graph(x).nodes] == ["a.b.conv", "a.b.relu", "a.b.relu_1"]
    assert g.shape("a.b.conv.weight") == (4, 3, 3, 3)
    assert g.shape("a.b.conv.bias") == (4,)


def test_batch_normalisation_counts_scale_and_shift_only() -> None:
    """Running statistics are constants, but no parameters."""
    g = GraphBuilder("net")
    graph = g.graph(g.bn(g.input((1, 16, 4, 4)), name="bn"))
    assert sum(t.constant for t in graph.tensors.values()) == 4
    assert graph.parameters == 32


def test_bounds_of_a_clip_and_targets_of_a_reshape_are_no_parameters() -> None:
    g = GraphBuilder("net")
    x = g.act(g.input((1, 8, 4, 4)), "relu6")
    graph = g.graph(g.channel_shuffle(x, 2))
    assert graph.parameters == 0
    assert [node.op for node in graph.nodes] == ["Clip", "Reshape", "Transpose", "Reshape"]


def test_silu_is_a_sigmoid_and_a_product_as_exported() -> None:
    g = GraphBuilder("net")
    graph = g.graph(g.act(g.input((1, 8, 4, 4)), "silu", name="act"))
    assert [(node.name, node.op) for node in graph.nodes] == [
        ("act.sigmoid", "Sigmoid"),
        ("act", "Mul"),
    ]


def test_a_linear_layer_is_gemm_on_matrices_and_matmul_with_add_on_more() -> None:
    g = GraphBuilder("net")
    x = g.linear(g.input((2, 7, 7, 16)), 8, name="pointwise")
    y = g.linear(g.flatten(x), 5, name="fc")
    graph = g.graph(y)
    assert [node.op for node in graph.nodes] == ["MatMul", "Add", "Flatten", "Gemm"]
    assert graph.parameters == 16 * 8 + 8 + 392 * 5 + 5
    assert graph_macs(graph) == 2 * 49 * 16 * 8 + 2 * 392 * 5
    assert g.shape(g.linear(x, 4, name="free", bias=False)) == (2, 7, 7, 4)


def test_tensorflow_padding_rounds_up() -> None:
    g = GraphBuilder("net")
    x = g.conv(g.input((1, 3, 15, 15)), 8, 4, stride=2, same=True, name="conv")
    assert g.shape(x) == (1, 8, 8, 8)


@pytest.mark.parametrize(("size", "kernel"), [(14, 2), (7, 1), (13, 7), (3, 1)])
def test_adaptive_pooling_has_the_size_it_says(size: int, kernel: int) -> None:
    g = GraphBuilder("net")
    x = g.adaptive_avg_pool(g.input((1, 3, size, size)), 7, name="pool")
    assert g.shape(x) == (1, 3, 7, 7)
    assert g.graph(x).nodes[0].ints("kernel_shape") == (kernel, kernel)


def test_splitting_resizing_and_joining() -> None:
    g = GraphBuilder("net")
    x = g.input((1, 8, 4, 4))
    first, second = g.split(x, (2, 6))
    third, fourth = g.chunk(x, 2)
    assert [g.channels(part) for part in (first, second, third, fourth)] == [2, 6, 4, 4]
    joined = g.concat(first, second, third)
    assert g.shape(g.resize(joined, 2)) == (1, 12, 8, 8)
    assert g.shape(g.softmax(g.lrn(joined, 5))) == (1, 12, 4, 4)
    assert g.shape(g.act(joined, "leaky_relu")) == (1, 12, 4, 4)


def test_what_does_not_fit_is_refused_by_name() -> None:
    g = GraphBuilder("net")
    x = g.input((1, 3, 8, 8))
    with pytest.raises(InvalidInput, match=r"'stem' \(Conv\).*larger input"):
        g.conv(x, 8, 11, padding=0, name="stem")
    with pytest.raises(InvalidInput, match=r"'add' \(Add\)"):
        g.add(x, g.conv(x, 8, 3, name="conv"))
    with pytest.raises(InvalidInput, match="dimensions are 1 or more"):
        g.input((1, 3, 0, 8), "other")


@part
def _block(g: GraphBuilder, x: str, channels: int) -> str:
    return g.relu(g.conv(x, channels, 3, name="conv"))


def _network(*channels: int, size: int = 8, before: str = "") -> Graph:
    g = GraphBuilder("net")
    x = g.input((1, 3, size, size))
    if before:
        g.relu(x, name=before)
    for wide in channels:
        x = _block(g, x, wide)
    return g.graph(x)


def test_a_part_added_from_memory_is_as_one_added_anew() -> None:
    """Also where a name is taken that was free before, or is free that was taken."""
    cases = [
        partial(_network, 8, before="relu"),
        partial(_network, 8),
        partial(_network, 8),
        partial(_network, 8, 8),
        partial(_network, 8, size=16),
        partial(_network, 16),
        partial(_network, 8, before="conv"),
    ]
    from_memory = [build() for build in cases]
    for found, build in zip(from_memory, cases, strict=True):
        forget_parts()
        alone = build()
        assert found == alone
        assert [*found.tensors] == [*alone.tensors]


def test_parts_of_equal_networks_are_the_same_objects() -> None:
    first, second = _network(8), _network(8)
    assert all(a is b for a, b in zip(first.nodes, second.nodes, strict=True))
    assert all(first.tensors[name] is second.tensors[name] for name in ("conv", "conv.weight"))

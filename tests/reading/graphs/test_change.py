"""Other inputs, batches and weights: all shapes follow, and what cannot follow is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paths import EXAMPLES

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs import (
    GraphBuilder,
    named_shapes,
    with_batch,
    with_constant_shapes,
    with_input_shapes,
    with_nodes,
)
from edgeprofiler.reading.graphs.carry import reshape_target
from edgeprofiler.reading.onnx.front_end import OnnxFrontEnd
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.read import read_graph


def small_network() -> Graph:
    """Two convolutions with normalisation, a depthwise one, and a head."""
    g = GraphBuilder("small")
    x = g.relu(g.bn(g.conv(g.input((1, 3, 16, 16)), 8, 3, name="conv1"), name="bn1"))
    x = g.relu(g.conv(x, 8, 3, groups=8, bias=True, name="dw"))
    x = g.conv(x, 12, 1, bias=True, name="conv2")
    x = g.flatten(g.global_avg_pool(x, name="pool"))
    return g.graph(g.linear(x, 5, name="fc"))


def test_the_empty_name_is_the_only_input_and_every_name_one_of_the_inputs() -> None:
    one = small_network()
    assert named_shapes(one, {"": (2, 3, 8, 8)}) == {one.inputs[0]: (2, 3, 8, 8)}
    with pytest.raises(UsageError, match="it has 'input'"):
        named_shapes(one, {"other": (2, 3, 8, 8)})
    g = GraphBuilder("two")
    two = g.graph(g.node("Add", (g.input((1, 3), "a"), g.input((1, 3), "b")), "sum"))
    with pytest.raises(Unsupported, match="a, b; name one"):
        read_graph(two, shapes={"": (2, 3)})


def one_node(
    op: str,
    start: tuple[int, ...],
    end: tuple[int, ...],
    *values: tuple[int, ...],
    **attributes: object,
) -> Graph:
    constants = [
        Tensor(f"c{i}", (len(value),), "int64", constant=True, value=value)
        for i, value in enumerate(values, 1)
    ]
    node = Node("it", op, ("x", *(c.name for c in constants)), ("y",), attributes)  # type: ignore[arg-type]
    tensors = {t.name: t for t in (Tensor("x", start), Tensor("y", end), *constants)}
    return Graph("one", (node,), tensors, ("x",), ("y",))


def test_pruning_a_channel_changes_all_that_it_touches() -> None:
    """Half of conv1's filters: its normalisation, the depthwise filter and conv2 follow."""
    graph = small_network()
    pruned = with_constant_shapes(
        graph,
        {
            "conv1.weight": (4, 3, 3, 3),
            **{f"bn1.{part}": (4,) for part in ("weight", "bias", "running_mean", "running_var")},
            "dw.weight": (4, 1, 3, 3),
            "dw.bias": (4,),
            "conv2.weight": (12, 4, 1, 1),
        },
    )
    assert pruned.tensors["relu_1"].shape == (1, 4, 16, 16)
    assert next(node for node in pruned.nodes if node.name == "dw").integer("group") == 4
    pixels = 16 * 16
    assert graph_macs(pruned) == pixels * (4 * 27 + 4 * 9 + 12 * 4) + 60
    assert graph.tensors["relu_1"].shape == (1, 8, 16, 16), "the original is left as it is"


@pytest.mark.parametrize(
    ("forgotten", "node"),
    [("bn1.bias", "bn1"), ("dw.bias", "dw"), ("conv2.weight", "conv2")],
)
def test_a_forgotten_weight_is_named(forgotten: str, node: str) -> None:
    shapes = {
        "conv1.weight": (4, 3, 3, 3),
        **{f"bn1.{part}": (4,) for part in ("weight", "bias", "running_mean", "running_var")},
        "dw.weight": (4, 1, 3, 3),
        "dw.bias": (4,),
        "conv2.weight": (12, 4, 1, 1),
    }
    del shapes[forgotten]
    with pytest.raises(InvalidInput, match=f"'{node}'"):
        with_constant_shapes(small_network(), shapes)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("nothing", (1,)), ("input", (1, 3, 8, 8)), ("conv1.weight", (4,)), ("fc.bias", (0,))],
)
def test_a_constant_that_cannot_be_changed_so_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=name):
        with_constant_shapes(small_network(), {name: shape})


def test_unchanged_constants_give_the_same_graph() -> None:
    graph = small_network()
    shapes = {name: t.shape for name, t in graph.tensors.items() if t.constant}
    assert with_constant_shapes(graph, shapes) == graph


@given(st.integers(1, 9), st.integers(1, 9))
def test_batches_can_be_changed_there_and_back(first: int, second: int) -> None:
    graph = small_network()
    assert with_batch(with_batch(graph, first), second) == with_batch(graph, second)
    assert graph_macs(with_batch(graph, first)) == first * graph_macs(graph)


def test_only_inputs_that_have_the_batch_change() -> None:
    """A second input of another leading dimension (a grid, a mask) keeps it."""
    node = Node("it", "Add", ("x", "mask"), ("y",))
    tensors = {
        t.name: t for t in (Tensor("x", (2, 5)), Tensor("mask", (1, 5)), Tensor("y", (2, 5)))
    }
    changed = with_batch(Graph("two", (node,), tensors, ("x", "mask"), ("y",)), 7)
    assert [changed.tensors[name].shape for name in ("x", "mask", "y")] == [(7, 5), (1, 5), (7, 5)]


@pytest.mark.parametrize("batch", [0, -1])
def test_a_batch_below_one_is_refused(batch: int) -> None:
    with pytest.raises(InvalidInput, match="1 or more"):
        with_batch(small_network(), batch)


@pytest.mark.parametrize("shapes", [{"images": (1, 3, 8, 8)}, {"input": (1, 3, 0, 8)}])
def test_inputs_that_cannot_be_are_refused(shapes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(InvalidInput):
        with_input_shapes(small_network(), shapes)


def test_an_operator_without_a_rule_is_named() -> None:
    graph = one_node("NonMaxSuppression", (1, 4), (1, 4))
    with pytest.raises(Unsupported, match=r"'it'.*NonMaxSuppression"):
        with_input_shapes(graph, {"x": (2, 4)})


def test_an_operator_without_a_rule_is_left_alone_where_nothing_reaches_it() -> None:
    """A change is inferred along what it touches only."""
    graph = one_node("NonMaxSuppression", (1, 4), (1, 4))
    assert with_input_shapes(graph, {"x": (1, 4)}) == graph


@pytest.mark.parametrize(
    ("graph", "new", "expected"),
    [
        # a batch of 1 baked into a reshape's target, with the rest worked out
        (one_node("Reshape", (1, 8, 4, 4), (1, 128), (1, -1)), (3, 8, 4, 4), (3, 128)),
        (one_node("Reshape", (1, 8, 4, 4), (1, 2, 64), (0, 2, -1)), (3, 8, 4, 4), (3, 2, 64)),
        # channels shuffled, spatial dimensions baked in
        (one_node("Reshape", (1, 8, 4, 4), (1, 2, 4, 4, 4), (1, 2, 4, 4, 4)), (2, 8, 6, 5),
         (2, 2, 4, 6, 5)),
        (one_node("Reshape", (1, 8, 4, 4), (1, 8, 16), shape=(1, 8, 16)), (1, 8, 5, 5), (1, 8, 25)),
        (one_node("Split", (1, 8, 4), (1, 8, 4), (8,), axis=1), (1, 6, 4), (1, 6, 4)),
        (one_node("Split", (1, 8, 4), (1, 8, 4), axis=1, split=(8,)), (1, 6, 4), (1, 6, 4)),
        (one_node("Slice", (1, 8), (1, 6), (2,), (8,), (1,)), (1, 10), (1, 8)),
        (one_node("Slice", (1, 8), (1, 6), starts=(0, 2), ends=(1, 8)), (3, 10), (3, 8)),
        (one_node("Expand", (1, 1, 4), (1, 7, 4), (1, 7, 4)), (5, 1, 4), (5, 7, 4)),
    ],
)  # fmt: skip
def test_numbers_baked_in_for_the_old_shapes_are_carried_over(
    graph: Graph, new: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    changed = with_input_shapes(graph, {"x": new})
    assert changed.tensors["y"].shape == expected
    assert with_input_shapes(changed, {"x": graph.tensors["x"].shape}).tensors["y"].shape == (
        graph.tensors["y"].shape
    )


def test_a_resize_to_a_fixed_size_keeps_its_factor() -> None:
    sizes = Tensor("sizes", (4,), "int64", constant=True, value=(1, 3, 16, 16))
    node = Node("up", "Resize", ("x", "", "", "sizes"), ("y",))
    tensors = {t.name: t for t in (Tensor("x", (1, 3, 8, 8)), Tensor("y", (1, 3, 16, 16)), sizes)}
    graph = Graph("up", (node,), tensors, ("x",), ("y",))
    changed = with_input_shapes(graph, {"x": (4, 3, 10, 12)})
    assert changed.tensors["y"].shape == (4, 3, 20, 24)
    assert graph.tensors["sizes"].value == (1, 3, 16, 16)


def test_a_constant_that_two_nodes_share_is_carried_over_for_each() -> None:
    """One target for two reshapes; only one of them is reached by the change."""
    target = Tensor("target", (2,), "int64", constant=True, value=(1, 12))
    nodes = (
        Node("first", "Reshape", ("a", "target"), ("p",)),
        Node("second", "Reshape", ("b", "target"), ("q",)),
    )
    tensors = {
        t.name: t
        for t in (
            Tensor("a", (1, 3, 4)), Tensor("b", (1, 3, 4)), target,
            Tensor("p", (1, 12)), Tensor("q", (1, 12)),
        )
    }  # fmt: skip
    changed = with_input_shapes(
        Graph("two", nodes, tensors, ("a", "b"), ("p", "q")), {"a": (1, 3, 5)}
    )
    assert changed.tensors["p"].shape == (1, 15)
    assert changed.tensors["q"].shape == (1, 12)


def test_a_table_made_for_one_resolution_makes_a_change_unsupported() -> None:
    """Anchors of a detector are constants of the size of its feature map."""
    table = Tensor("anchors", (1, 2, 84), constant=True)
    node = Node("decode", "Add", ("x", "anchors"), ("y",))
    tensors = {t.name: t for t in (Tensor("x", (1, 2, 84)), table, Tensor("y", (1, 2, 84)))}
    with pytest.raises(Unsupported, match=r"'decode' \(Add\)"):
        with_input_shapes(Graph("net", (node,), tensors, ("x",), ("y",)), {"x": (1, 2, 100)})


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
)
def test_a_flattening_reshape_follows_any_input(old: list[int], new: list[int]) -> None:
    """Whatever the sizes, joining all dimensions gives their product."""
    new = (new + old)[: len(old)]
    product = 1
    for length in old:
        product *= length
    wanted = 1
    for length in new:
        wanted *= length
    assert reshape_target((product,), tuple(old), (product,), tuple(new)) == (wanted,)


@pytest.mark.parametrize(
    ("channels", "expected"), [(6, (0, 2, 3, 4)), (4, (0, 2, 2, 4)), (12, (0, 2, 6, 4)), (5, None)]
)
def test_groups_of_channels_stay_as_many_when_channels_are_pruned(
    channels: int, expected: tuple[int, ...] | None
) -> None:
    """A channel shuffle in two groups; an odd number of channels cannot be shuffled so."""
    assert reshape_target((0, 2, 4, 4), (1, 8, 4), (1, 2, 4, 4), (1, channels, 4)) == expected


def test_dimensions_of_one_neither_hinder_nor_grow() -> None:
    """Squeezing by a reshape, a new last dimension, a batch that leaves."""
    assert reshape_target((1, 512), (1, 512, 1, 1), (1, 512), (4, 512, 1, 1)) == (4, 512)
    assert reshape_target((144, 100, 1), (1, 144, 100), (144, 100, 1), (1, 144, 64)) == (144, 64, 1)
    assert reshape_target((1, 1, 7), (1, 7), (1, 1, 7), (3, 7)) == (3, 1, 7)


def test_a_reshape_whose_dimensions_do_not_line_up_cannot_follow() -> None:
    graph = one_node("Reshape", (6, 4), (8, 3), (8, 3))
    with pytest.raises(Unsupported, match="'it'"):
        with_input_shapes(graph, {"x": (5, 5)})


ONNX_MODELS = (
    "bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet",
    "squeezenet", "vgg19", "zfnet512",
)  # fmt: skip


@pytest.mark.parametrize("name", ONNX_MODELS)
def test_real_exports_run_at_another_batch(name: str) -> None:
    """The models that ship with ONNX have their batch of 1 baked into reshapes."""
    onnx = pytest.importorskip("onnx")
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    graph = OnnxFrontEnd().read(str(folder / f"light_{name}.onnx"), ReadOptions())
    assert isinstance(graph, Graph)
    changed = with_batch(graph, 4)
    assert graph_macs(changed) == 4 * graph_macs(graph)
    for output in graph.outputs:
        assert changed.tensors[output].shape == (4, *graph.tensors[output].shape[1:])
    back = with_batch(changed, 1)
    assert {n: t.shape for n, t in graph.tensors.items()}.items() <= {
        n: t.shape for n, t in back.tensors.items()
    }.items()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda g: with_input_shapes(g, {"inptu": (1, 1, 32, 32)}), "no input 'inptu'; did you"),
        (lambda g: named_shapes(g, {"inptu": (1, 1, 32, 32)}), "no input 'inptu'; did you mean 'i"),
        (lambda g: with_constant_shapes(g, {"conv1.wieght": (1,)}), "mean 'conv1.weight'"),
        (lambda g: with_constant_shapes(g, {"input": (1, 1, 32, 32)}), "no constant 'input'; it"),
        (lambda g: with_nodes(g, {"cnv1": g.nodes[:1]}), "no node 'cnv1'; did you mean 'conv1'"),
    ],
)
def test_a_name_that_a_graph_lacks_is_told_with_the_nearest(change, said: str) -> None:
    with pytest.raises((InvalidInput, UsageError), match=said):
        change(small_network())


@pytest.mark.parametrize("way", ["zoo:lenet", "{onnx}", "graph"])
def test_an_input_that_is_given_twice_is_refused(way: str) -> None:
    """By its name and as the only one: two sizes cannot both be meant."""
    model = small_network() if way == "graph" else way.format(onnx=EXAMPLES / "tiny_cnn.onnx")
    name = read_graph(model).inputs[0]
    with pytest.raises(UsageError, match="is given twice"):
        read_graph(model, shapes={name: (1, 3, 32, 32), "": (1, 3, 64, 64)})

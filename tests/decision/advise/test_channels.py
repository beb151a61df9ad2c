"""Pruned graphs are valid: residual adds, depthwise, concatenations keep their promises."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.decision.advise.channels import Channels
from edgeprofiler.reading.read import read_graph
from edgeprofiler.reading.zoo import names, zoo_graph


def _promises(graph: Graph, original: Graph) -> None:
    """Assert what no pruning may break."""
    for name in graph.outputs:
        assert graph.tensors[name].shape == original.tensors[name].shape
    for node in graph.nodes:
        shapes = [graph.tensors[name].shape for name in node.inputs if name]
        if node.op == "Add" and len(shapes[0]) == len(shapes[1]) == 4:
            assert shapes[0][1] == shapes[1][1] or 1 in (shapes[0][1], shapes[1][1]), node.name
        if node.op == "Conv":
            groups = node.integer("group", 1)
            assert shapes[1][1] * groups == shapes[0][1], node.name
            assert shapes[1][0] % groups == 0, node.name
            if groups > 1 and shapes[1][1] == 1:
                assert groups == shapes[0][1] == shapes[1][0], node.name
        if node.op == "BatchNormalization":
            assert all(shape == (shapes[0][1],) for shape in shapes[1:]), node.name
        if node.op == "Concat" and node.integer("axis") == 1:
            result = graph.tensors[node.outputs[0]].shape
            assert result[1] == sum(shape[1] for shape in shapes), node.name


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_zoo_network_stays_valid_however_it_is_pruned(name: str) -> None:
    graph = zoo_graph(name)
    channels = Channels.of(graph)

    @settings(max_examples=4, deadline=None)
    @given(st.data())
    def prune(data: st.DataObject) -> None:
        chosen = data.draw(st.sets(st.sampled_from(channels.groups), min_size=1, max_size=6))
        sizes = {g.index: data.draw(st.integers(1, g.size)) for g in chosen}
        _promises(channels.pruned(sizes), graph)

    if channels.groups:
        prune()


def test_a_residual_stage_is_one_group() -> None:
    """In ResNet-18 the second convolutions of a stage and its shortcut add up: one group."""
    groups = Channels.of(zoo_graph("resnet18")).groups
    stage = next(g for g in groups if "layer2.0.conv2" in g.producers)
    assert set(stage.producers) == {"layer2.0.conv2", "layer2.0.downsample.0", "layer2.1.conv2"}
    inner = next(g for g in groups if "layer2.0.conv1" in g.producers)
    assert inner.producers == ("layer2.0.conv1",)


def test_a_depthwise_convolution_follows_the_expansion() -> None:
    channels = Channels.of(zoo_graph("mobilenet_v2"))
    expansion = next(g for g in channels.groups if "features.2.conv.0.0" in g.producers)
    pruned = channels.pruned({expansion.index: 48})
    depthwise = next(n for n in pruned.nodes if n.name == "features.2.conv.1.0")
    assert depthwise.integer("group") == 48
    assert pruned.tensors[depthwise.inputs[1]].shape == (48, 1, 3, 3)


def test_flattening_repeats_a_channel_for_every_position() -> None:
    channels = Channels.of(zoo_graph("vgg16"))
    last = next(g for g in channels.groups if "features.28" in g.producers)
    pruned = channels.pruned({last.index: 256})
    first_dense = next(n for n in pruned.nodes if n.op == "Gemm")
    assert pruned.tensors[first_dense.inputs[1]].shape == (4096, 256 * 49)


def test_classes_and_input_channels_are_never_pruned() -> None:
    graph = zoo_graph("resnet18")
    producers = {name for g in Channels.of(graph).groups for name in g.producers}
    assert "fc" not in producers


def test_a_channel_shuffle_freezes_what_it_mixes() -> None:
    channels = Channels.of(zoo_graph("shufflenet_v2_x1_0"))
    producers = {name for group in channels.groups for name in group.producers}
    assert "stage2.0.branch1.2" not in producers  # concatenated, then shuffled
    assert "stage2.0.branch2.0" in producers  # read by its depthwise convolution alone


def test_no_group_can_grow_or_vanish() -> None:
    channels = Channels.of(zoo_graph("vgg16"))
    group = channels.groups[0]
    for size in (0, group.size + 1):
        with pytest.raises(UsageError, match="cannot have"):
            channels.pruned({group.index: size})
    with pytest.raises(UsageError, match="cannot have"):
        channels.pruned({10_000: 4})


def _chain(middle: list[Node], extra: dict[str, Tensor], inputs: tuple[str, ...]) -> Graph:
    """Two convolutions of 8 channels; `inputs` are the second's, `middle` what lies between."""
    tensors = {
        "x": Tensor("x", (1, 8, 4, 4), "fp32"),
        "w1": Tensor("w1", (8, 8, 3, 3), "fp32", constant=True),
        "w2": Tensor("w2", (8, 8, 3, 3), "fp32", constant=True),
        "a": Tensor("a", (1, 8, 4, 4), "fp32"),
        "y": Tensor("y", (1, 8, 4, 4), "fp32"),
        **extra,
    }
    window = {"kernel_shape": (3, 3), "pads": (1, 1, 1, 1), "group": 1}
    nodes = (
        Node("first", "Conv", ("x", "w1", *inputs), ("a",), window),
        Node("second", "Conv", ("a" if "b" not in tensors else "b", "w2"), ("y",), window),
    )
    before = tuple(node for node in middle if "a" not in node.inputs)
    between = tuple(node for node in middle if "a" in node.inputs)
    return Graph("chain", (*before, nodes[0], *between, nodes[1]), tensors, ("x",), ("y",))


def test_a_bias_that_is_a_copy_of_a_weight_is_pruned_with_its_convolution() -> None:
    """Exporters write the bias of a folded normalisation as `Identity` of another weight."""
    extra = {
        "bias": Tensor("bias", (8,), "fp32", constant=True),
        "copy": Tensor("copy", (8,), "fp32"),
    }
    graph = _chain([Node("same", "Identity", ("bias",), ("copy",), {})], extra, ("copy",))
    channels = Channels.of(graph)
    (group,) = channels.groups
    pruned = channels.pruned({group.index: 4})
    assert pruned.tensors["bias"].shape == pruned.tensors["copy"].shape == (4,)
    assert pruned.tensors["w2"].shape == (8, 4, 3, 3)


def test_a_bias_that_is_computed_freezes_its_convolution() -> None:
    extra = {
        "raw": Tensor("raw", (8, 1), "fp32", constant=True),
        "flat": Tensor("flat", (8,), "fp32"),
    }
    graph = _chain([Node("squeeze", "Squeeze", ("raw",), ("flat",), {})], extra, ("flat",))
    assert not Channels.of(graph).groups


def test_a_vector_of_unknown_channels_freezes_what_it_is_added_to() -> None:
    extra = {
        "raw": Tensor("raw", (8,), "fp32", constant=True),
        "flat": Tensor("flat", (4,), "fp32"),
        "b": Tensor("b", (1, 8, 4, 4), "fp32"),
    }
    nodes = [
        Node("odd", "Foreign", ("raw",), ("flat",), {}),
        Node("add", "Add", ("a", "flat"), ("b",), {}),
    ]
    assert not Channels.of(_chain(nodes, extra, ())).groups


def test_a_pooling_over_transposed_axes_freezes_what_it_mixes() -> None:
    """After NCHW to NHWC a global pooling takes the mean over channels."""
    extra = {
        "t": Tensor("t", (1, 4, 4, 8), "fp32"),
        "p": Tensor("p", (1, 4, 1, 1), "fp32"),
        "m": Tensor("m", (1, 4, 1, 1), "fp32"),
        "w": Tensor("w", (1, 1), "fp32", constant=True),
        "b": Tensor("b", (1, 8, 4, 4), "fp32"),
    }
    nodes = [
        Node("turn", "Transpose", ("a",), ("t",), {"perm": (0, 2, 3, 1)}),
        Node("pool", "GlobalAveragePool", ("t",), ("p",), {}),
        Node("product", "MatMul", ("p", "w"), ("m",), {}),
        Node("add", "Add", ("a", "m"), ("b",), {}),
    ]
    graph = _chain(nodes[:1], extra, ())
    first, second = graph.nodes[0], graph.nodes[-1]
    assert not Channels.of(replace(graph, nodes=(first, *nodes, second))).groups


def test_a_weight_that_another_operator_reads_keeps_its_shape() -> None:
    extra = {"norm": Tensor("norm", (8,), "fp32")}
    graph = _chain([Node("norm", "Foreign", ("w2",), ("norm",), {})], extra, ())
    assert not Channels.of(graph).groups
    assert Channels.of(_chain([], {}, ())).groups


@pytest.mark.parametrize("shape", [(8, 1, 1), (1, 8, 1, 1), (1, 1, 1)])
def test_a_slope_for_each_channel_is_pruned_or_freezes(shape: tuple[int, ...]) -> None:
    extra = {
        "slope": Tensor("slope", shape, "fp32", constant=True),
        "b": Tensor("b", (1, 8, 4, 4), "fp32"),
    }
    graph = _chain([Node("prelu", "PRelu", ("a", "slope"), ("b",), {})], extra, ())
    channels = Channels.of(graph)
    for group in channels.groups:
        pruned = channels.pruned({group.index: 4})
        wanted = (4, 1, 1) if shape == (8, 1, 1) else shape
        assert pruned.tensors["slope"].shape == wanted
    assert bool(channels.groups) == (shape != (1, 8, 1, 1))


@pytest.mark.shared
def test_a_detector_exported_elsewhere_is_pruned_whole(shared: Path) -> None:
    graph = read_graph(shared / "inputs/graphs/yolov8n_640.json")
    channels = Channels.of(graph)
    assert len(channels.groups) > 30
    pruned = channels.pruned({g.index: max(g.size // 2, 1) for g in channels.groups})
    _promises(pruned, graph)

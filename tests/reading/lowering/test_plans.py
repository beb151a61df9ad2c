"""Graphs of one structure: lowered by a plan, they are what they are when lowered alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprofiler.core.alike import alike
from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Columns, Network
from edgeprofiler.reading.graphs import GraphBuilder, with_batch, with_input_shapes
from edgeprofiler.reading.lowering import BuildTarget, Plans, lower
from edgeprofiler.reading.lowering.sizes import Trace
from edgeprofiler.reading.zoo import zoo_graph

TARGETS = [BuildTarget.of(load_device(name)) for name in ("jetson-nano", "jetson-orin-nano")]
FAMILIES = {
    "resnet18": {"width": st.sampled_from([0.25, 0.5, 0.8, 1.0])},
    "resnext50_32x4d": {"width": st.sampled_from([0.5, 1.0])},
    "mobilenet_v2": {"width": st.sampled_from([0.35, 0.5, 0.77, 1.4])},
    "mobilenet_v3_small": {"width": st.sampled_from([0.5, 1.0])},
    "efficientnet_b0": {"width": st.sampled_from([0.5, 0.9])},
    "shufflenet_v2_x1_0": {
        "widths": st.sampled_from([(48, 96, 192, 512), (80, 96, 64, 512)])
    },
    "convnext_tiny": {"width": st.sampled_from([32, 48])},
}  # fmt: skip


def _same(found: Network, alone: Network) -> bool:
    columns = alike(vars(found.columns), vars(alone.columns))
    derived = alike(vars(Columns.of(found.layers)), vars(alone.columns))
    types = [[type(count) for count in (layer.macs, layer.flops, layer.bytes_moved)]
             for network in (found, alone) for layer in network.layers]  # fmt: skip
    half = len(types) // 2
    return found == alone and columns and derived and types[:half] == types[half:]


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_networks_that_share_a_plan_are_those_lowered_alone(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FAMILIES)))
    precision = data.draw(st.sampled_from(["fp32", "fp16", "int8"]))
    builder = data.draw(st.sampled_from(["trtexec", "torch-tensorrt"]))
    target = data.draw(st.sampled_from(TARGETS))
    plans = Plans()
    for _ in range(4):
        chosen = {key: data.draw(values) for key, values in FAMILIES[name].items()}
        batch = data.draw(st.sampled_from([1, 2, 7]))
        resolution = data.draw(st.sampled_from([96, 128, 160]))
        graph = zoo_graph(name, batch, resolution, settings=chosen)
        alone = lower(graph, precision, builder=builder, target=target)
        assert _same(plans.lower(graph, precision, builder, target), alone)


def test_a_graph_changed_to_other_sizes_shares_the_plan_too() -> None:
    plans, graph = Plans(), zoo_graph("googlenet")
    changed = [with_batch(graph, 3), with_input_shapes(graph, {"input": (2, 3, 192, 256)})]
    for other in (graph, *changed, with_batch(changed[1], 5)):
        assert _same(
            plans.lower(other, "fp16", "trtexec", TARGETS[1]), lower(other, target=TARGETS[1])
        )


def _pooled(size: int) -> Graph:
    """A mean over windows of 8x8, which is one over all positions where there are no more."""
    build = GraphBuilder("pooled")
    x = build.conv(build.input((1, 8, size, size)), 16, 3, name="conv")
    return build.graph(build.avg_pool(x, 8, name="pool"))


def test_rules_that_decide_otherwise_at_another_size_are_asked_again() -> None:
    plans = Plans()
    ops = []
    for size in (16, 24, 32, 8, 40, 8):
        graph = _pooled(size)
        found = plans.lower(graph, "fp16", "trtexec", TARGETS[1])
        assert _same(found, lower(graph, target=TARGETS[1]))
        ops.append("global_pool" in [layer.op for layer in found.layers])
    assert ops == [False, False, False, True, False, True]


def test_a_plan_keeps_a_graphs_own_name() -> None:
    plans, graph = Plans(), zoo_graph("lenet")
    names = ("one", "two", "three")
    found = [
        plans.lower(replace(graph, name=name), "fp16", "trtexec", TARGETS[1]) for name in names
    ]
    assert [(network.name, network.source.name) for network in found] == [(n, n) for n in names]


def test_a_graph_that_cannot_be_lowered_is_refused_with_a_plan_as_without() -> None:
    plans, graph = Plans(), zoo_graph("lenet")
    broken = replace(graph, outputs=("nothing",), tensors={"input": graph.tensors["input"]})
    for _ in range(3):
        with pytest.raises(EdgeProfilerError) as alone:
            lower(broken)
        with pytest.raises(EdgeProfilerError) as shared:
            plans.lower(broken, "fp16", "trtexec", TARGETS[1])
        assert str(shared.value) == str(alone.value)


def _with_attribute(size: int, op: str, name: str, value: object) -> Graph:
    build = GraphBuilder("odd")
    graph = build.graph(build.relu(build.conv(build.input((1, 8, size, size)), 16, 3, name="conv")))
    nodes = [
        replace(node, attributes={**node.attributes, name: value}) if node.op == op else node  # type: ignore[dict-item]
        for node in graph.nodes
    ]
    return replace(graph, nodes=tuple(nodes))


@pytest.mark.parametrize("group", ["a", (1, 2), (), 2.5, True, 0, 2])
def test_groups_that_are_no_number_are_no_length(group: object) -> None:
    """A file may hold anything there; only whole numbers follow a network's width."""
    plans = Plans()
    for size in (16, 24, 32, 40):
        graph = _with_attribute(size, "Conv", "group", group)
        found = plans.lower(graph, "fp16", "trtexec", TARGETS[1])
        assert _same(found, lower(graph, target=TARGETS[1]))


def test_an_attribute_of_another_type_is_of_another_structure() -> None:
    """A stride of 2 is one; of 2.0 it is none, as ONNX has it, and the default is taken."""
    plans = Plans()
    strides = []
    for size, stride in [(16, 2), (24, 2), (32, 2), (32, 2.0), (40, 2.0), (48, 2.0)]:
        graph = _with_attribute(size, "Conv", "strides", stride)
        found = plans.lower(graph, "fp16", "trtexec", TARGETS[1])
        assert _same(found, lower(graph, target=TARGETS[1]))
        strides += [layer.stride for layer in found.layers if layer.kind == "convolutional"]
    assert len(set(strides)) == 2


BOARDS = ("jetson-nano", "jetson-tx2", "jetson-xavier-nx", "jetson-orin-nano", "jetson-agx-thor")


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("expected", [False, True])
def test_boards_that_share_plans_get_what_each_gets_alone(precision: str, expected: bool) -> None:
    targets = [BuildTarget.of(load_device(board)) for board in BOARDS]
    graphs = [zoo_graph("mobilenet_v3_small", resolution=size) for size in (128, 96, 160)]
    plans = Plans(graphs if expected else ())
    for graph in graphs:
        for target in targets:
            found = plans.lower(graph, precision, "trtexec", target)
            assert _same(found, lower(graph, precision, target=target))


def test_boards_that_the_rules_see_alike_share_one_network() -> None:
    orin, thor, nano = (
        BuildTarget.of(load_device(board))
        for board in ("jetson-orin-nano", "jetson-agx-thor", "jetson-nano")
    )
    plans = Plans()
    for size in (128, 160):
        graph = zoo_graph("squeezenet1_1", resolution=size)
        one, other, old = (
            plans.lower(graph, "fp16", "trtexec", target) for target in (orin, thor, nano)
        )
        assert one is other
        assert one is not old


def test_steps_are_taken_again_with_other_lengths() -> None:
    trace = Trace((3, 4))
    a, b = trace.lengths
    area = a * b
    assert area > 10
    assert trace.again((5, 6))[area.place] == 30  # type: ignore[index]
    assert trace.again((1, 2)) is None


def test_a_number_that_leaves_the_trace_holds_for_itself_alone() -> None:
    for leave in (int, float, hash, str, lambda size: [0] * size):
        trace = Trace((3,))
        leave(trace.lengths[0] * 2)
        assert trace.again((3,)) is not None
        assert trace.again((4,)) is None


def test_a_division_by_nothing_is_no_answer() -> None:
    trace = Trace((8, 2))
    a, b = trace.lengths
    assert a // b == 4
    assert trace.again((8, 0)) is None

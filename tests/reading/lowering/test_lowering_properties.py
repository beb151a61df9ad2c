"""What holds for every graph: no node is lost, no work is invented, order is kept."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.core.network import elements
from edgeprofiler.reading.graphs.build import GraphBuilder
from edgeprofiler.reading.lowering import lower, lower_traced
from edgeprofiler.reading.zoo import names, zoo_graph

STEPS = (
    "conv", "depthwise", "relu", "silu", "gelu", "bn", "add", "mul", "concat", "chunk", "pool",
    "shuffle", "permute", "gate", "softmax", "dead",
)  # fmt: skip
CHANNELS, SIZE = 8, 6


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A network of random operators, each reading random earlier tensors of one shape."""
    build = GraphBuilder("random")
    made = [build.input((1, CHANNELS, SIZE, SIZE))]
    for place, step in enumerate(draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=25))):
        x = made[draw(st.integers(0, len(made) - 1))]
        y = made[draw(st.integers(max(0, len(made) - 3), len(made) - 1))]
        name = f"n{place}"
        if step in ("conv", "depthwise"):
            groups = CHANNELS if step == "depthwise" else 1
            made.append(build.conv(x, CHANNELS, 3, name=name, groups=groups))
        elif step in ("relu", "silu", "gelu"):
            made.append(build.act(x, step, name=name))
        elif step == "bn":
            made.append(build.bn(x, name=name))
        elif step in ("add", "mul"):
            made.append(getattr(build, step)(x, y, name=name))
        elif step == "concat":
            joined = build.concat(x, y, name=name)
            made.append(build.conv(joined, CHANNELS, 1, name=f"{name}.conv"))
        elif step == "chunk":
            made.append(build.concat(*reversed(build.chunk(x, 2, name=name)), name=f"{name}.cat"))
        elif step == "pool":
            made.append(build.max_pool(x, 3, name=name, stride=1, padding=1))
        elif step == "shuffle":
            made.append(build.channel_shuffle(x, 2, name=name))
        elif step == "permute":
            turned = build.permute(x, (0, 2, 3, 1), name=name)
            made.append(build.permute(turned, (0, 3, 1, 2), name=f"{name}.back"))
        elif step == "gate":
            gate = build.conv(build.global_avg_pool(x, name=name), CHANNELS, 1, name=f"{name}.fc")
            made.append(build.mul(x, gate, name=f"{name}.mul"))
        elif step == "softmax":
            made.append(build.softmax(x, name=name, axis=1))
        else:
            build.conv(x, 4, 1, name=name)
    outputs = draw(st.lists(st.sampled_from(made[1:] or made), min_size=1, max_size=2, unique=True))
    return build.graph(*outputs)


def own_macs(graph: Graph) -> dict[str, int]:
    """Multiply-accumulates of each convolution by definition."""
    return {
        node.name: elements(
            graph.tensors[(node.outputs if node.op == "Conv" else node.inputs)[0]].shape
        )
        * elements(graph.tensors[node.inputs[1]].shape[1:])
        for node in graph.nodes
        if node.op in ("Conv", "ConvTranspose")
    }


def check(graph: Graph, precision: str) -> None:
    traced = lower_traced(graph, precision)
    network = traced.network
    count = Counter(name for layer in network.layers for name in layer.nodes)
    for node in graph.nodes:
        expected = 0 if node.name in traced.no_work else 1
        assert count[node.name] == expected, (node.name, node.op)
    dead = {name for name, why in traced.no_work.items() if why == "dead"}
    convolutions = {k: v for k, v in own_macs(graph).items() if k not in dead}
    if all(node.op not in ("Gemm", "MatMul") for node in graph.nodes):
        assert network.macs == sum(convolutions.values())
    place = {node.name: index for index, node in enumerate(graph.nodes)}
    done: set[str] = set(traced.no_work)
    for layer in network.layers:
        done.update(layer.nodes)
        for name in layer.nodes:
            node = graph.nodes[place[name]]
            for source in node.inputs:
                producer = graph.producers.get(source)
                assert producer is None or producer.name in done, (layer.name, source)
    assert all(layer.bytes_moved is None or layer.bytes_moved >= 0 for layer in network.layers)


@settings(max_examples=150, deadline=None)
@given(graphs(), st.sampled_from(["fp32", "fp16", "int8"]))
def test_every_node_is_in_one_layer_or_takes_no_work(graph: Graph, precision: str) -> None:
    """and layers run after what they read, with the MACs of the graph's convolutions."""
    check(graph, precision)


def test_every_network_of_the_zoo_is_lowered_whole() -> None:
    for name in names():
        graph = zoo_graph(name)
        check(graph, "fp16")
        assert not lower(graph).warnings or "nodes reach no output" in lower(graph).warnings[0]


def test_a_chain_of_ten_thousand_nodes_is_one_kernel() -> None:
    """no step's work grows with the length of what it joins."""
    tensors = {"t0": Tensor("t0", (1, 4))}
    nodes = []
    for place in range(10_000):
        tensors[f"t{place + 1}"] = Tensor(f"t{place + 1}", (1, 4))
        nodes.append(Node(f"n{place}", "Exp", (f"t{place}",), (f"t{place + 1}",)))
    graph = Graph("chain", tuple(nodes), tensors, ("t0",), ("t10000",))
    network = lower(graph, "fp32")
    assert len(network) == 1
    assert network.layers[0].nodes[0] == "n0"
    assert len(network.layers[0].nodes) == 10_000

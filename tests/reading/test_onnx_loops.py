"""Branches and loops in ONNX files: what runs how often."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_models import model, node, ops, out, read

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs import with_input_shapes
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.onnx.front_end import read_model
from edgeprofiler.reading.operators.macs import graph_macs

FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
WEIGHTS = {"w": (8, 8, 3, 3), "b": (8,)}


def info(name: str, kind: int = FLOAT, shape: Any = None) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def body(nodes: list[Any], inputs: list[Any], outputs: list[Any]) -> Any:
    return helper.make_graph(nodes, "body", inputs, outputs)


def block(source: str, result: str, at: str = "") -> list[Any]:
    """A convolution, a ReLU and a sum with what came in: 8 x 8 x 9 x 256 multiplications."""
    return [
        node("Conv", f"{source} w b", f"c{at}", pads=[1, 1, 1, 1]),
        node("Relu", f"c{at}", f"r{at}"),
        node("Add", f"r{at} {source}", result),
    ]


BLOCK_MACS = 8 * 8 * 9 * 256


def loop(nodes: list[Any], *, count: str = "count", condition: str = "goes", **more: Any) -> Any:
    """A loop of one state, which `nodes` make `after` from `before`."""
    inside = body(
        [*nodes, *more.get("conditions", [node("Identity", "on", "still")])],
        [info("i", INT, []), info("on", BOOL, []), info("before")],
        [info("still", BOOL, []), info("after")],
    )
    return node("Loop", f"{count} {condition} x", "y", body=inside)


def looped(count: Any = 5, shape: Any = (1, 8, 16, 16), **more: Any) -> Any:
    weights = {**WEIGHTS, "count": np.array(count), "goes": np.array(True)}
    return model(
        [loop(block("before", "after"), **more)], {"x": shape}, ["y"], {**weights, **SMALL},
    )  # fmt: skip


SMALL = {"seven": np.array(7), "one": np.array(1), "nought": np.array(0)}


def work(graph: Graph, precision: str = "fp16") -> list[Any]:
    """Operation, runs and size of all layers but conversions, in any order."""
    found: dict[Any, int] = {}
    for layer in lower(graph, precision).layers:
        if layer.op != "reformat":
            key = (layer.op, layer.fused_ops, layer.input_shapes, layer.output_shapes)
            found[key] = found.get(key, 0) + layer.repeats
    return sorted(found.items(), key=str)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_loop_costs_what_the_same_graph_unrolled_does(count: int) -> None:
    nodes = []
    for i in range(count):
        nodes += block("x" if i == 0 else f"y{i - 1}", "y" if i == count - 1 else f"y{i}", f"{i}")
    plain = read(model(nodes, {"x": [1, 8, 16, 16]}, ["y"], WEIGHTS))
    graph = read(looped(count))
    assert graph_macs(graph) == graph_macs(plain) == count * BLOCK_MACS
    assert work(graph) == work(plain)
    layers = [la for la in lower(graph).layers if la.macs]
    assert [(la.repeats, la.macs) for la in layers] == [(count, count * BLOCK_MACS)]
    assert sum(la.bytes_moved or 0 for la in layers) == sum(
        la.bytes_moved or 0 for la in lower(plain).layers if la.macs
    )
    assert graph.parameters == plain.parameters
    assert not graph.warnings


def test_loops_within_loops_multiply() -> None:
    inner = body(
        [*block("before", "after"), node("Identity", "on", "still")],
        [info("i", INT, []), info("on", BOOL, []), info("before")],
        [info("still", BOOL, []), info("after")],
    )
    outer = body(
        [node("Loop", "count goes before", "after", body=inner), node("Identity", "on", "still")],
        [info("i", INT, []), info("on", BOOL, []), info("before")],
        [info("still", BOOL, []), info("after")],
    )
    weights = {**WEIGHTS, "count": np.array(3), "goes": np.array(True)}
    built = model(
        [node("Loop", "count goes x", "y", body=outer)], {"x": [1, 8, 16, 16]}, ["y"], weights
    )
    assert graph_macs(read(built)) == 9 * BLOCK_MACS


def test_a_loop_that_counts_is_followed() -> None:
    """`while i < 7: i += 1`, with the counter among the loop's states and no other count."""
    inside = body(
        [*block("before", "after"), node("Add", "k one", "next"),
         node("Less", "next seven", "still")],
        [info("i", INT, []), info("on", BOOL, []), info("k", INT, []), info("before")],
        [info("still", BOOL, []), info("next", INT, []), info("after")],
    )  # fmt: skip
    weights = {**WEIGHTS, **SMALL, "goes": np.array(True)}
    nodes = [node("Loop", "- goes nought x", "k_end y", body=inside)]
    graph = read(model(nodes, {"x": [1, 8, 16, 16]}, ["y"], weights))
    assert graph_macs(graph) == 7 * BLOCK_MACS


def test_a_loop_as_long_as_a_dimension_follows_it() -> None:
    nodes = [
        node("Shape", "x", "s"), node("Gather", "s nought", "count"),
        loop(block("before", "after")),
    ]  # fmt: skip
    weights = {**WEIGHTS, **SMALL, "goes": np.array(True)}
    built = model(nodes, {"x": ["n", 8, 16, 16]}, ["y"], weights)
    graph = read(built, x=(3, 8, 16, 16))
    assert graph_macs(graph) == 3 * 3 * BLOCK_MACS
    assert with_input_shapes(graph, {"x": (5, 8, 16, 16)}) == read(built, x=(5, 8, 16, 16))
    assert graph_macs(with_input_shapes(graph, {"x": (5, 8, 16, 16)})) == 25 * BLOCK_MACS


ENDLESS = [node("ReduceSum", "after", "sum", keepdims=0), node("Less", "sum limit", "still")]


def on_data(**more: Any) -> Any:
    """A loop that data ends."""
    built = looped(2**63 - 1, conditions=ENDLESS)
    built.graph.initializer.append(helper.make_tensor("limit", FLOAT, [], [9.0]))
    return built


def test_a_loop_that_data_ends_is_open_upward_unless_its_runs_are_said() -> None:
    graph = read(on_data())
    assert "is known only while the model runs" in graph.warnings[0]
    assert "`trips`" in graph.warnings[0]
    network = lower(graph)
    convolutions = [la for la in network.layers if la.macs]
    assert [(la.repeats, la.unbounded) for la in convolutions] == [(1, True)]
    assert network.least is not None
    assert network.most is None
    said = read_model(on_data().SerializeToString(), "t", ReadOptions(trips=12))
    assert graph_macs(said) == 12 * BLOCK_MACS
    assert lower(said).most is None is lower(said).least
    assert not said.warnings


def test_runs_of_a_loop_that_says_them_are_not_asked_for() -> None:
    with pytest.raises(UsageError, match="`trips`: t has no loop whose runs are known only"):
        read_model(looped().SerializeToString(), "t", ReadOptions(trips=12))


def test_a_loop_that_data_may_end_early_runs_at_most_as_often_as_it_says() -> None:
    built = looped(6, conditions=ENDLESS)
    built.graph.initializer.append(helper.make_tensor("limit", FLOAT, [], [9.0]))
    graph = read(built)
    assert "runs 1 to 6 times: 6 is assumed" in graph.warnings[0]
    network = lower(graph)
    assert network.macs == 6 * BLOCK_MACS
    assert network.least is not None
    assert network.most is not None
    assert (network.least.macs, network.most.macs) == (BLOCK_MACS, 6 * BLOCK_MACS)


def test_what_the_runs_give_out_is_put_side_by_side() -> None:
    inside = body(
        [*block("before", "after"), node("Identity", "on", "still"), node("Relu", "after", "each")],
        [info("i", INT, []), info("on", BOOL, []), info("before")],
        [info("still", BOOL, []), info("after"), info("each")],
    )
    weights = {**WEIGHTS, "count": np.array(4), "goes": np.array(True)}
    nodes = [node("Loop", "count goes x", "last y", body=inside)]
    graph = read(model(nodes, {"x": [1, 8, 16, 16]}, ["y", "last"], weights))
    assert out(graph) == (4, 1, 8, 16, 16)
    assert out(graph, 1) == (1, 8, 16, 16)


def test_a_loop_whose_tensors_grow_is_read_run_by_run() -> None:
    """Each run's result is as long as all before it: 1, 2, 4, 8."""
    nodes = [node("Concat", "before before", "after", axis=0)]
    weights = {"count": np.array(3), "goes": np.array(True)}
    graph = read(model([loop(nodes)], {"x": [1, 4]}, ["y"], weights))
    assert out(graph) == (8, 4)
    assert ops(graph).count("Concat") == 3


def test_a_scan_runs_once_for_each_slice() -> None:
    """A recurrent layer written as a scan: steps x hidden x (inputs + hidden)."""
    inside = body(
        [node("MatMul", "h r", "a"), node("MatMul", "s u", "c"), node("Add", "a c", "d"),
         node("Tanh", "d", "h2"), node("Identity", "h2", "each")],
        [info("h"), info("s")], [info("h2"), info("each")],
    )  # fmt: skip
    nodes = [node("Scan", "h0 x", "h_end y", body=inside, num_scan_inputs=1)]
    built = model(
        nodes, {"x": ["t", 1, 6], "h0": [1, 5]}, ["y"], {"r": (5, 5), "u": (6, 5)}, opset=16
    )
    graph = read(built, x=(20, 1, 6))
    assert out(graph) == (20, 1, 5)
    assert graph_macs(graph) == 20 * 5 * (6 + 5)
    longer = with_input_shapes(graph, {"x": (31, 1, 6)})
    assert graph_macs(longer) == 31 * 55
    assert longer == read(built, x=(31, 1, 6))


def branch(name: str, nodes: list[Any]) -> Any:
    return helper.make_graph(nodes, name, [], [info(nodes[-1].output[0])])


def branching(small: int = 1, large: int = 3, other: Any = None) -> Any:
    """A choice by data between convolutions of two sizes."""
    second = other or node("Conv", "x large", "n", pads=[1, 1, 1, 1])
    return model(
        [
            node("ReduceSum", "x", "sum", keepdims=0), node("Less", "sum limit", "yes"),
            node("If", "yes", "y", then_branch=branch("t", [node("Conv", "x small", "m")]),
                 else_branch=branch("e", [second])),
        ],
        {"x": [1, 8, 16, 16]}, ["y"],
        {"small": (8, 8, small, small), "large": (8, 8, large, large), "limit": np.float32(9)},
    )  # fmt: skip


def test_of_two_branches_the_larger_runs_and_the_smaller_is_the_low_end() -> None:
    network = lower(read(branching()))
    assert network.macs == 9 * 64 * 256
    assert network.least is not None
    assert network.most is not None
    assert (network.least.macs, network.most.macs) == (64 * 256, 9 * 64 * 256)
    assert not any(la.unbounded for la in network.layers)
    assert "reduce" in {la.op for la in network.layers}, "the condition is computed too"


def test_a_branch_that_cannot_run_at_this_size_is_not_taken() -> None:
    """As of a network for two sampling rates, whose branches want inputs of their own lengths."""
    wrong = node("MatMul", "x small", "n")
    graph = read(branching(other=wrong))
    assert graph_macs(graph) == 64 * 256
    assert "cannot run at this size" in graph.warnings[0]


def test_branches_that_sizes_decide_are_decided_anew_by_reading() -> None:
    """A changed graph has the nodes that were read: sizes that decide otherwise are refused."""
    built = model(
        [
            node("Shape", "x", "s"), node("Gather", "s nought", "n"),
            node("Less", "n seven", "yes"),
            node("If", "yes", "y", then_branch=branch("t", [node("Conv", "x w b", "m")]),
                 else_branch=branch("e", [node("Relu", "x", "k")])),
        ],
        {"x": ["n", 8, 16, 16]}, ["y"], {**WEIGHTS, **SMALL},
    )  # fmt: skip
    graph = read(built, x=(2, 8, 16, 16))
    assert ops(graph) == ["Conv", "Identity"]
    assert with_input_shapes(graph, {"x": (6, 8, 16, 16)}) == read(built, x=(6, 8, 16, 16))
    with pytest.raises(Unsupported, match="other branches or loops at that size"):
        with_input_shapes(graph, {"x": (9, 8, 16, 16)})
    assert ops(read(built, x=(9, 8, 16, 16))) == ["Relu", "Identity"]


BROKEN = {
    "If": [node("If", "", "y", then_branch=branch("t", [node("Relu", "x", "m")]))],
    "no body": [node("Loop", "count goes x", "y")],
    "states": [node("Loop", "count goes x x", "y", body=body([], [info("i")], [info("i")]))],
    "scan": [node("Scan", "x", "y", body=body([], [info("i")], [info("i")]))],
    "scanned": [node("Scan", "x", "y", num_scan_inputs=1, scan_input_axes=[7],
                     body=body([], [info("i")], [info("i")]))],
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_body_that_does_not_fit_is_named(case: str) -> None:
    weights = {"count": np.array(3), "goes": np.array(True)}
    with pytest.raises(InvalidInput, match="node 'n_y'"):
        read(model(BROKEN[case], {"x": [1, 8]}, ["y"], weights))


def test_a_body_that_cannot_be_read_leaves_an_operator_that_nobody_knows() -> None:
    """Where the file says what it makes; its cost is not known, and not nothing."""
    odd = helper.make_node("Odd", ["before"], ["found"], domain="strange")
    nodes = [odd, node("Relu", "found", "after")]
    weights = {"count": np.array(3), "goes": np.array(True)}
    built = model([loop(nodes)], {"x": [1, 8]}, ["y"], weights, value_info={"y": [1, 8]},
                  domains=["strange"])  # fmt: skip
    graph = read(built)
    assert ops(graph) == ["Loop"]
    assert not lower(graph).columns.covered.all()
    with pytest.raises(Unsupported, match="Odd"):
        read(model([loop(nodes)], {"x": [1, 8]}, ["y"], weights, domains=["strange"]))


def test_lists_that_loops_make_are_read_as_their_elements() -> None:
    """As scripted modules write `out.append(...)` and `torch.stack(out)`."""
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
    inside = body(
        [node("Gather", "x i", "row"), node("SequenceInsert", "list row", "longer"),
         node("Identity", "on", "still")],
        [info("i", INT, []), info("on", BOOL, []), helper.make_value_info("list", kind)],
        [info("still", BOOL, []), helper.make_value_info("longer", kind)],
    )  # fmt: skip
    weights = {"count": np.array(3), "goes": np.array(True)}
    nodes = [
        node("SequenceEmpty", "", "none"), node("Loop", "count goes none", "all", body=inside),
        node("ConcatFromSequence", "all", "y", axis=0, new_axis=1),
    ]  # fmt: skip
    assert out(read(model(nodes, {"x": [3, 4]}, ["y"], weights))) == (3, 4)


def recurrence(step: list[Any]) -> Any:
    return body(step, [info("h"), info("s")], [info("h2"), info("each")])


STEP = [
    node("MatMul", "h r", "a"), node("MatMul", "s u", "c"), node("Add", "a c", "d"),
    node("Tanh", "d", "h2"), node("Identity", "h2", "each"),
]  # fmt: skip


@pytest.mark.parametrize("more", [
    {}, {"scan_input_directions": [1], "scan_output_directions": [1]},
    {"scan_input_axes": [1], "scan_output_axes": [1]},
    {"scan_input_axes": [-2], "scan_output_axes": [-2]},
])  # fmt: skip
def test_a_state_that_begins_with_zeros_is_no_constant(more: dict[str, Any]) -> None:
    """A scan's recurrence costs hidden x (inputs + hidden) a step, whatever its state begins as."""
    along = 1 if "scan_input_axes" in more else 0
    nodes = [node("Scan", "h0 x", "h_end y", body=recurrence(STEP), num_scan_inputs=1, **more)]
    shape = [1, 20, 6] if along else [20, 1, 6]
    graph = read(model(nodes, {"x": shape}, ["y"], {"r": (5, 5), "u": (6, 5), "h0": (1, 5)}))
    assert graph_macs(graph) == 20 * 5 * (6 + 5)
    assert out(graph) == ((1, 20, 5) if along else (20, 1, 5))


def parity(then: list[Any], other: list[Any]) -> list[Any]:
    """A body that does one thing in runs 0, 2, ... and another in runs 1, 3, ..."""
    return [
        node("Mod", "i two", "odd"), node("Equal", "odd nought", "even"),
        node("If", "even", "after", then_branch=branch("t", then), else_branch=branch("e", other)),
    ]  # fmt: skip


def test_what_depends_on_the_number_of_the_run_is_read_run_by_run() -> None:
    """A convolution in every other of five runs: three times, and not five."""
    then, other = (
        [node("Conv", "before w b", "m", pads=[1, 1, 1, 1])],
        [node("Relu", "before", "k")],
    )
    weights = {**WEIGHTS, **SMALL, "two": np.array(2), "count": np.array(5), "goes": np.array(True)}
    weights["nought"] = np.array(0)
    built = model([loop(parity(then, other))], {"x": [1, 8, 16, 16]}, ["y"], weights)
    assert graph_macs(read(built)) == 3 * BLOCK_MACS
    endless = model(
        [loop(parity(then, other), count="-", conditions=ENDLESS)], {"x": [1, 8, 16, 16]}, ["y"],
        {**weights, "limit": np.float32(9)},
    )  # fmt: skip
    graph = read(endless)
    assert any("depends on the number of its run" in text for text in graph.warnings)
    network = lower(graph)
    assert network.least is not None
    assert network.least.macs == 0


def test_a_loop_within_a_loop_may_run_as_often_as_the_outer_one_has() -> None:
    """0 + 1 + 2 + 3 convolutions."""
    inner = node("Loop", "i goes before", "after", body=body(
        [node("Conv", "p w b", "p2", pads=[1, 1, 1, 1]), node("Identity", "go", "go2")],
        [info("j", INT, []), info("go", BOOL, []), info("p")], [info("go2", BOOL, []), info("p2")],
    ))  # fmt: skip
    weights = {**WEIGHTS, "count": np.array(4), "goes": np.array(True)}
    graph = read(model([loop([inner])], {"x": [1, 8, 16, 16]}, ["y"], weights))
    assert graph_macs(graph) == 6 * BLOCK_MACS


def test_slices_that_grow_with_the_run_are_read_run_by_run() -> None:
    """Causal attention written as a loop: the first i + 1 rows, 1 + 2 + 3 + 4 of them."""
    nodes = [
        node("Add", "i one", "end"), node("Unsqueeze", "end nil", "ends"),
        node("Slice", "x nil ends nil", "rows"), node("MatMul", "rows m", "made"),
        node("ReduceSum", "made nil", "sum", keepdims=1), node("Add", "before sum", "after"),
    ]  # fmt: skip
    weights = {"m": (8, 8), "one": np.array(1), "nil": np.array([0]), "count": np.array(4),
               "goes": np.array(True)}  # fmt: skip
    graph = read(model([loop(nodes)], {"x": [4, 8]}, ["y"], weights, opset=13))
    assert graph_macs(graph) == (1 + 2 + 3 + 4) * 64


def test_results_of_a_declared_size_say_how_often_a_loop_runs() -> None:
    inside = body(
        [*block("before", "after"), *ENDLESS, node("Identity", "after", "each")],
        [info("i", INT, []), info("on", BOOL, []), info("before")],
        [info("still", BOOL, []), info("after"), info("each")],
    )
    weights = {**WEIGHTS, "limit": np.float32(9), "goes": np.array(True)}
    nodes = [node("Loop", "- goes x", "last y", body=inside)]
    built = model(nodes, {"x": [1, 8, 16, 16]}, ["y"], weights)
    built.graph.output[0].CopyFrom(info("y", FLOAT, [4, 1, 8, 16, 16]))
    graph = read(built)
    assert graph_macs(graph) == 4 * BLOCK_MACS
    assert not any("`trips`" in text for text in graph.warnings)


def test_what_a_node_omits_makes_nothing_depend_on_data() -> None:
    """`while min(i + 1, 9) < 7` around a GRU that gives out its last state alone."""
    recurrent = helper.make_node("GRU", ["before", "gates", "own"], ["", "after"], hidden_size=8)
    counts = [
        node("Add", "i one", "next"), node("Clip", "next - nine", "held"),
        node("Less", "held seven", "still"),
    ]  # fmt: skip
    weights = {**SMALL, "nine": np.array(9), "gates": (1, 24, 8), "own": (1, 24, 8),
               "goes": np.array(True)}  # fmt: skip
    nodes = [loop([recurrent], count="-", conditions=counts)]
    graph = read(model(nodes, {"x": [1, 1, 8]}, ["y"], weights))
    assert graph_macs(graph) == 7 * 2 * 24 * 8
    assert not graph.warnings


@pytest.mark.parametrize("never", [{"count": np.array(0)}, {"goes": np.array(False)}])
def test_a_loop_that_never_runs_hands_on_what_it_begins_with(never: dict[str, Any]) -> None:
    """What follows it is read from the loop's input, and costs what it does without the loop."""
    weights = {**WEIGHTS, "count": np.array(5), "goes": np.array(True), **never}
    nodes = [loop(block("before", "after")), *block("y", "z")]
    network = lower(read(model(nodes, {"x": [1, 8, 16, 16]}, ["z"], weights)))
    assert network.macs == BLOCK_MACS
    assert sum(layer.weight_bytes or 0 for layer in network.layers) == 2 * (8 * 8 * 9 + 8)


def test_what_follows_a_loop_is_in_the_low_end_that_never_enters_it() -> None:
    nodes = [
        node("ReduceSum", "x", "sum", keepdims=0), node("Less", "sum limit", "goes"),
        loop(block("before", "after")), *block("y", "z"),
    ]  # fmt: skip
    weights = {**WEIGHTS, "count": np.array(4), "limit": np.float32(9)}
    network = lower(read(model(nodes, {"x": [1, 8, 16, 16]}, ["z"], weights)))
    assert network.macs == 5 * BLOCK_MACS
    assert network.least is not None
    assert network.least.macs == BLOCK_MACS


@pytest.mark.parametrize("lengths", [False, True])
def test_a_scan_of_opset_8_runs_for_each_element_of_its_batch(lengths: bool) -> None:
    """Batch x steps x hidden x (inputs + hidden); its results have the batch in front."""
    inputs: dict[str, Any] = {"x": [3, 11, 1, 7], "h0": [3, 1, 5]}
    scan = node("Scan", f"{'n' if lengths else '-'} h0 x", "h y", num_scan_inputs=1,
                body=recurrence(STEP))  # fmt: skip
    weights = {"r": (5, 5), "u": (7, 5), **({"n": np.full(3, 11)} if lengths else {})}
    graph = read(model([scan], inputs, ["h", "y"], weights, opset=8))
    assert graph_macs(graph) == 3 * 11 * 5 * (7 + 5)
    assert [out(graph, place) for place in range(2)] == [(3, 1, 5), (3, 11, 1, 5)]
    assert any("full length" in warning for warning in graph.warnings) == lengths


def test_a_map_over_a_list_runs_once_for_each_element() -> None:
    inside = body(
        [node("Conv", "part k", "made", pads=[1, 1, 1, 1])], [info("part")], [info("made")]
    )
    nodes = [
        node("SplitToSequence", "x", "parts", axis=1),
        node("SequenceMap", "parts", "all", body=inside),
        node("ConcatFromSequence", "all", "y", axis=1),
    ]  # fmt: skip
    graph = read(model(nodes, {"x": [1, 8, 16, 16]}, ["y"], {"k": (4, 1, 3, 3)}))
    assert graph_macs(graph) == 8 * 4 * 9 * 256
    assert out(graph) == (1, 32, 16, 16)


def listing(name: str, parts: str, nodes: Any = ()) -> Any:
    """A branch that gives out a list of tensors."""
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
    made = [*nodes, node("SequenceConstruct", parts, name)]
    return helper.make_graph(made, name, [], [helper.make_value_info(name, kind)])


def test_lists_that_branches_make_are_the_larger_branchs() -> None:
    def choice(other: str) -> Any:
        nodes = [
            node("ReduceSum", "x", "sum", keepdims=0), node("Less", "sum limit", "yes"),
            node("If", "yes", "all", then_branch=listing("t", other),
                 else_branch=listing("e", "m m", [node("Conv", "x w b", "m", pads=[1, 1, 1, 1])])),
            node("ConcatFromSequence", "all", "y", axis=1),
        ]  # fmt: skip
        return model(nodes, {"x": [1, 8, 16, 16]}, ["y"], {**WEIGHTS, "limit": np.float32(9)})

    graph = read(choice("x x"))
    network = lower(graph)
    assert out(graph) == (1, 16, 16, 16)
    assert network.macs == BLOCK_MACS
    assert network.least is not None
    assert network.least.macs == 0
    with pytest.raises(Unsupported, match="lists of 2 or 3 tensors"):
        read(choice("x x x"))


def test_what_may_be_missing_is_decided_where_the_graph_says_whether_it_is() -> None:
    def chosen(*inputs: str) -> Graph:
        given = node("OptionalGetElement", "maybe", "found")
        branches = {
            "then_branch": branch("t", [given, node("Conv", "found w b", "m", pads=[1, 1, 1, 1])]),
            "else_branch": branch("e", [node("Identity", "x", "n")]),
        }
        kind = helper.make_tensor_type_proto(FLOAT, [1, 8, 16, 16])
        nodes = [
            helper.make_node("Optional", list(inputs), ["maybe"], type=kind),
            node("OptionalHasElement", "maybe", "there"), node("If", "there", "y", **branches),
            node("Relu", "y", "z"),
        ]  # fmt: skip
        return read(model(nodes, {"x": [1, 8, 16, 16]}, ["z"], WEIGHTS, opset=18))

    assert graph_macs(chosen("x")) == BLOCK_MACS
    assert graph_macs(chosen()) == 0


def test_an_input_that_may_be_left_out_is_counted_as_given() -> None:
    nodes = [node("OptionalGetElement", "x", "a"), node("Conv", "a w b", "y", pads=[1, 1, 1, 1])]
    built = model(nodes, {"x": [1, 8, 16, 16]}, ["y"], WEIGHTS, opset=18)
    kind = helper.make_optional_type_proto(built.graph.input[0].type)
    built.graph.input[0].CopyFrom(helper.make_value_info("x", kind))
    graph = read(built)
    assert graph_macs(graph) == BLOCK_MACS
    assert "the input 'x' may be left out: it is counted as given" in graph.warnings


def test_a_list_from_outside_asks_for_a_model_without_it() -> None:
    nodes = [node("ConcatFromSequence", "x", "y", axis=0)]
    built = model(nodes, {"x": [1, 8]}, ["y"], {})
    kind = helper.make_sequence_type_proto(built.graph.input[0].type)
    built.graph.input[0].CopyFrom(helper.make_value_info("x", kind))
    with pytest.raises(Unsupported, match="with its tensors as inputs of their own"):
        read(built)


@pytest.mark.parametrize("place", ["then_branch", "else_branch"])
def test_a_branch_whose_work_nobody_can_count_is_the_larger_one(place: str) -> None:
    """It may cost anything: what runs is not covered, and the branch that is known the low end."""
    odd = helper.make_node("Odd", ["x"], ["m"], domain="strange")
    other = ({"then_branch", "else_branch"} - {place}).pop()
    unknown = branch("u", [odd])
    unknown.output[0].CopyFrom(info("m", FLOAT, [1, 8, 16, 16]))
    branches = {place: unknown,
                other: branch("c", [node("Conv", "x w b", "n", pads=[1, 1, 1, 1])])}  # fmt: skip
    nodes = [
        node("ReduceSum", "x", "sum", keepdims=0), node("Less", "sum limit", "yes"),
        node("If", "yes", "y", **branches),
    ]  # fmt: skip
    weights = {**WEIGHTS, "limit": np.float32(9)}
    built = model(nodes, {"x": [1, 8, 16, 16]}, ["y"], weights, domains=["strange"])
    network = lower(read(built))
    assert not network.whole
    assert network.least is not None
    assert network.least.macs == BLOCK_MACS

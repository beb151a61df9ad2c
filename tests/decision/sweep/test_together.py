"""Networks of a sweep are predicted together, and each row is what it would be alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprofiler.core.graph import Graph
from edgeprofiler.core.profile.words import cautions
from edgeprofiler.decision.sweep import Sweep, sweep
from edgeprofiler.prediction.predict import predict
from edgeprofiler.reading.graphs import GraphBuilder

NUMBERS = (
    "end_to_end_s", "end_to_end_s_low", "end_to_end_s_high", "energy_j", "energy_j_low",
    "energy_j_high", "power_w", "memory_bytes", "memory_bytes_high", "covered_bytes", "batch",
)  # fmt: skip


def _equal(found: Sweep, places: slice, alone: Sweep) -> bool:
    return all(
        np.array_equal(getattr(found, name)[places], getattr(alone, name), equal_nan=True)
        for name in NUMBERS
    )


def test_candidates_of_one_sweep_are_to_the_bit_those_of_a_sweep_each() -> None:
    candidates = [
        {"width": 0.5}, {"width": 0.75}, {"width": 0.9}, {"width": 0.75, "depths": (1, 1, 2, 1)},
        {"model": "zoo:mobilenet_v2", "width": 0.6},
    ]  # fmt: skip
    asked = {"device": ["jetson-nano", "jetson-orin-nano"], "batch": "1,3", "resolution": "96,128",
             "precision": "fp32,int8"}  # fmt: skip
    found = sweep("zoo:resnet18", variants=candidates, **asked)  # type: ignore[arg-type]
    each = len(found) // len(candidates)
    for place, candidate in enumerate(candidates):
        alone = sweep("zoo:resnet18", variants=[candidate], **asked)  # type: ignore[arg-type]
        assert _equal(found, slice(place * each, (place + 1) * each), alone)
        assert set(alone.warnings) <= set(found.warnings)


def test_a_warning_names_every_board_that_it_holds_for() -> None:
    """Boards that build the same engines share them, and no board's name."""
    boards = ("jetson-tx2", "jetson-nano")
    found = sweep("zoo:lenet", device=boards, precision="int8")
    said = [text for text in found.warnings if "multiplies INT8 no faster" in text]
    assert [text.partition(" ")[0] for text in said] == [*boards]


def _ending_in(op: str) -> Graph:
    build = GraphBuilder(f"ends in {op}")
    x = build.conv(build.input((1, 3, 64, 64)), 32, 3, name="conv")
    graph = build.graph(build.relu(x))
    *before, last = graph.nodes
    return replace(graph, nodes=(*before, replace(last, op=op)))


def test_only_the_network_that_has_a_layer_without_a_cost_has_no_upper_end() -> None:
    found = sweep(_ending_in, variants=[{"op": "Relu"}, {"op": "Mystery"}, {"op": "Tanh"}])
    assert np.isnan(found.end_to_end_s_high).tolist() == [False, True, False]
    assert any("not covered" in text for text in found.warnings)


def test_the_warnings_of_a_sweep_are_those_of_its_predictions() -> None:
    found = sweep("zoo:mobilenet_v3_small", device="jetson-tx2", batch="1")
    alone = predict("zoo:mobilenet_v3_small", "jetson-tx2", batch=1)
    assert found.warnings == cautions(alone)

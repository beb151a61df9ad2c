"""What is alive at once, on networks small enough to say by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.arrays import peak
from edgeprofiler.core.network import Source
from edgeprofiler.reading.engine import engine_document
from edgeprofiler.reading.engine.parse import network_from_engine
from edgeprofiler.reading.graphs.build import GraphBuilder
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.read import read

SIDE = 32
IMAGE = 4 * 4 * SIDE * SIDE
"""Bytes of the caller's FP32 image of four channels."""


def _plane(channels: int) -> int:
    """Bytes of an FP32 activation."""
    return 4 * channels * SIDE * SIDE


def _chain(*channels: int) -> tuple[GraphBuilder, str]:
    build = GraphBuilder("net")
    x = build.input((1, 4, SIDE, SIDE))
    for place, count in enumerate(channels):
        x = build.conv(x, count, 3, name=f"conv{place}")
    return build, x


def test_of_a_chain_two_tensors_are_alive_beside_input_and_output() -> None:
    build, x = _chain(8, 64, 32, 4)
    network = lower(build.graph(x), "fp32")
    caller = IMAGE + _plane(4)
    assert network.activation_bytes == pytest.approx(caller + _plane(64) + _plane(32), rel=0.2)
    assert network.activation_bytes >= caller + _plane(64) + _plane(32)


def test_what_is_added_later_stays_alive_until_then() -> None:
    def alive(*, kept: bool) -> int:
        build, x = _chain(64)
        y = build.conv(build.conv(x, 8, 3, name="a"), 8, 3, name="b")
        y = build.conv(y, 64, 3, name="c")
        z = build.add(y, x) if kept else y
        found = lower(build.graph(build.conv(z, 4, 3, name="last")), "fp32").activation_bytes
        assert found is not None
        return found

    assert alive(kept=True) >= alive(kept=False) + _plane(64) - _plane(8)


def test_what_a_concatenation_joins_lies_in_it() -> None:
    build, x = _chain(16)
    parts = [build.conv(x, 32, 3, name=f"part{i}") for i in range(2)]
    y = build.conv(build.concat(*parts), 4, 3, name="last")
    found = lower(build.graph(y), "fp32").activation_bytes
    caller = IMAGE + _plane(4)
    assert found is not None
    assert caller + _plane(16) + _plane(64) <= found < caller + _plane(16) + 2 * _plane(64)


def test_activations_grow_with_the_batch_and_weights_do_not() -> None:
    one, four = (read("zoo:mobilenet_v2", batch=batch) for batch in (1, 4))
    assert one.activation_bytes is not None
    assert four.activation_bytes == pytest.approx(4 * one.activation_bytes, rel=0.01)
    assert sum(a.weight_bytes or 0 for a in one.layers) == sum(
        a.weight_bytes or 0 for a in four.layers
    )


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "densenet121", "googlenet"])
def test_at_least_what_a_layer_reads_and_writes_and_at_most_all_tensors(name: str) -> None:
    network = read(f"zoo:{name}")
    moved = [
        (layer.bytes_moved or 0) - (layer.weight_bytes or 0)
        for layer in network.layers
        if layer.op == "convolution"
    ]
    assert network.activation_bytes is not None
    assert max(moved) <= network.activation_bytes < sum(moved)


def test_an_engine_says_its_tensors_and_so_what_is_alive() -> None:
    def layer(place: int, size: int, following: int) -> dict:
        def tensor(number: int, elements: int) -> dict:
            return {"Name": f"t{number}", "Dimensions": [1, elements, 1, 1],
                    "Format/Datatype": "Row major linear FP32"}  # fmt: skip

        return {
            "Name": f"l{place}", "LayerType": "PointWiseV2", "ParameterType": "PointWise",
            "Inputs": [tensor(place, size)], "Outputs": [tensor(place + 1, following)],
        }  # fmt: skip

    sizes = (100, 300, 500, 20)
    layers = [layer(i, a, b) for i, (a, b) in enumerate(pairwise(sizes))]
    network = network_from_engine({"Layers": layers}, Source("e.json", "tensorrt"))
    assert network.activation_bytes == 4 * (100 + 300 + 500 + 20)
    stated = engine_document(read("zoo:lenet"))
    assert network_from_engine(stated, Source("s", "t")).activation_bytes == (
        read("zoo:lenet").activation_bytes
    )


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 99)), max_size=12))
def test_the_peak_is_the_largest_sum_over_steps(spans: list[tuple[int, int, int]]) -> None:
    ordered = [(min(a, b), max(a, b), float(size)) for a, b, size in spans]
    sums = [sum(size for a, b, size in ordered if a <= step <= b) for step in range(10)]
    assert math.isclose(peak(ordered), max(sums, default=0.0), abs_tol=1e-9)

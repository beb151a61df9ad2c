"""Hypothesis strategies for networks and profiles, for every test that needs one."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from edgeprofiler.core.device.clocks import Clocks
from edgeprofiler.core.network import KINDS, OPS, Layer, Network, Source
from edgeprofiler.core.profile import Costs, DeviceLabel, Origin, Part, Profile

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
shapes = st.lists(st.integers(0, 300), max_size=4).map(tuple)
_sizes = st.lists(st.integers(0, 9), max_size=3).map(tuple)
_counts = st.none() | st.integers(0, 2**60)
dtypes = st.sampled_from(["fp32", "tf32", "fp16", "bf16", "int8", "int64", "bool", "fp8"])

layers = st.builds(
    Layer,
    name=texts,
    kind=st.sampled_from(KINDS),
    op=st.sampled_from(sorted(OPS)),
    input_shapes=st.lists(shapes, max_size=3).map(tuple),
    output_shapes=st.lists(shapes, max_size=2).map(tuple),
    dtype=dtypes,
    input_dtypes=st.lists(dtypes, max_size=3).map(tuple),
    output_dtypes=st.lists(dtypes, max_size=2).map(tuple),
    kernel=_sizes,
    stride=_sizes,
    padding_before=_sizes,
    padding_after=_sizes,
    dilation=_sizes,
    groups=st.integers(1, 64),
    macs=_counts,
    flops=_counts,
    weight_bytes=_counts,
    bytes_moved=_counts,
    fused_ops=st.lists(texts, max_size=3).map(tuple),
    engine_type=st.none() | texts | st.sampled_from(["kgen", "CaskConvolution", "NoOp", "gemm"]),
    nodes=st.lists(texts, max_size=3).map(tuple),
)
"""Layers whose fields need not agree with one another."""

sources = st.builds(Source, name=texts, front_end=texts, version=texts)

CLOCKS = st.builds(
    Clocks,
    gpu_hz=st.floats(0, 1e11),
    emc_hz=st.none() | st.floats(0, 1e11),
    cpu_hz=st.none() | st.floats(0, 1e11),
    cpu_cores=st.none() | st.integers(0, 1024),
    sms=st.integers(0, 1024),
)


def networks(max_layers: int = 4) -> st.SearchStrategy[Network]:
    """Return a strategy for networks of up to `max_layers` layers."""
    return st.builds(
        Network,
        name=texts,
        layers=st.lists(layers, max_size=max_layers).map(tuple),
        source=sources,
        batch=st.integers(1, 512),
        precision=st.sampled_from(["fp32", "fp16", "int8", "mixed"]),
        warnings=st.lists(texts, max_size=2).map(tuple),
    )


positive = st.floats(0, 1e6, allow_subnormal=False)
below = st.floats(0, 1, allow_subnormal=False)
above = st.floats(1, 1e3)
unknown = st.just(math.nan)


def columns(length: int, values: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    """Return a strategy for read-only arrays of a length."""

    def array(items: list[float]) -> Any:
        column = np.array(items, dtype=np.float64)
        column.setflags(write=False)
        return column

    return st.lists(values, min_size=length, max_size=length).map(array)


@st.composite
def profiles(draw: st.DrawFn, max_layers: int = 4) -> Profile:
    """Draw a profile of a network, with unknown layers, intervals or neither."""
    network = draw(networks(max_layers))
    size = len(network)
    covered = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=np.bool_)
    covered.setflags(write=False)
    words = st.lists(texts, min_size=size, max_size=size).map(tuple)
    optional = st.none() | columns(size, positive | unknown)
    costs = Costs(
        runtime_s=draw(columns(size, positive | unknown)),
        power_w=draw(columns(size, positive | unknown)),
        covered=covered,
        bound=draw(words),
        known_by=draw(words),
        standard_error_w=draw(optional),
        samples=draw(optional),
    )
    ends = {
        f"{name}_{end}": draw(st.none() | columns(size, times | unknown).map(value_times))
        for name in ("runtime_s", "power_w", "energy_j")
        for value_times in (partial(_times, getattr(costs, name)),)
        for end, times in (("low", below), ("high", above))
    }
    costs = replace(costs, **ends)
    part = st.builds(Part, runtime_s=positive | unknown, power_w=positive | unknown)
    profile = Profile(
        network=network,
        device=draw(
            st.builds(
                DeviceLabel,
                name=texts,
                mode=texts,
                runtime=texts,
                provenance=texts,
                clocks=st.none() | CLOCKS,
            )
        ),
        origin=draw(
            st.builds(
                Origin, kind=st.sampled_from(["measured", "predicted"]), by=texts, version=texts
            )
        ),
        idle_power_w=draw(positive | unknown),
        costs=costs,
        fixed=draw(part),
        host_gap=draw(part),
        confidence=draw(st.floats(0.01, 0.99)),
        interval_kind=draw(texts),
        time_lower_bound_s=draw(positive | unknown),
        warnings=draw(st.lists(texts, max_size=2).map(tuple)),
        simulated=draw(st.booleans()),
    )
    wide = draw(
        st.dictionaries(
            st.sampled_from(["runtime_s", "end_to_end_s", "energy_j", "power_w"]),
            st.tuples(below | unknown, above | unknown),
        )
    )
    values = {name: getattr(profile.totals, name).value for name in wide}
    intervals = {
        name: (values[name] * low, values[name] * high) for name, (low, high) in wide.items()
    }
    return replace(profile, total_intervals=intervals)


def _times(values: Any, factors: Any) -> Any:
    product = values * factors
    product.setflags(write=False)
    return product

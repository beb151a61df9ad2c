"""The cost model of time: what each physical term does to a layer."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from cost_layers import NANO, NUMBERS, ORIN, XAVIER, convolution, other, seconds, times, work
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.network import make_layer
from edgeprofiler.prediction.costmodel.hardware import Hardware
from edgeprofiler.prediction.costmodel.model import BOUNDS, bound_codes, layer_times, slopes
from edgeprofiler.prediction.costmodel.parameters import Parameters


def test_a_layer_costs_its_launch_its_products_and_its_bytes() -> None:
    found = times(convolution(), other("pointwise"))
    hidden = found.overlap * np.minimum(found.compute_s, found.memory_s)
    parts = found.launch_s + found.compute_s + found.memory_s - hidden
    assert found.runtime_s == pytest.approx(parts)
    assert (found.memory_s > 0).all()
    assert found.compute_s.tolist()[1] == 0


def test_loads_hide_behind_products_where_many_blocks_share_a_multiprocessor() -> None:
    large, small = times(convolution(size=112), convolution(size=7)).overlap
    assert large > 2 * small > 0
    assert times(convolution(size=112), on=NANO).overlap[0] == 0


def test_weights_come_from_memory_and_small_tensors_from_the_cache() -> None:
    """A cache may serve small tensors faster than DRAM could; never the weights of VGG."""
    large = make_layer(
        name="fc", kind="dense", op="gemm", input_shapes=[(1, 25088)], output_shapes=[(1, 4096)],
        dtype="fp16", weight_elements=25088 * 4096,
    )  # fmt: skip
    small = make_layer(
        name="p", kind="other", op="pointwise", input_shapes=[(1, 64, 14, 14)],
        output_shapes=[(1, 64, 14, 14)], dtype="fp16",
    )  # fmt: skip
    found, layers = times(large, small), work(large, small)
    dram = found.memory_s * found.missed
    least = layers.bytes_moved / ORIN.bandwidth_bytes_per_s
    assert dram[0] >= 0.99 * layers.weight_bytes[0] / ORIN.bandwidth_bytes_per_s
    assert dram[1] < 0.1 * least[1]


def test_no_efficiency_beyond_one_counts() -> None:
    full = replace(NUMBERS, efficiency_memory=1.0, efficiency_tensor=1.0, efficiency_lanes=1.0)
    more = replace(full, efficiency_memory=3.0, efficiency_tensor=2.0, efficiency_lanes=2.0)
    for layer in (convolution(), convolution(dtype="fp32"), other("pointwise")):
        for board in (ORIN, NANO):
            assert seconds(layer, board, more) == seconds(layer, board, full)


def test_a_noop_takes_no_time_and_an_unknown_layer_has_none() -> None:
    found = times(other("noop"), other("plugin")).runtime_s
    assert found[0] == 0
    assert np.isnan(found[1])


def test_element_wise_kernels_start_faster_than_pooling_and_moves() -> None:
    simple, pool, copy = times(
        other("pointwise"), other("max_pool", kind="pooling"), other("copy")
    ).launch_s
    assert simple < pool == copy


def test_winograd_helps_3x3_of_stride_1_alone_and_by_no_more_than_it_saves() -> None:
    """On CUDA cores: tensor cores multiply faster than it saves."""
    plain, dilated = convolution(dtype="fp32"), convolution(dtype="fp32", dilation=2)
    one = times(plain, on=NANO).compute_s[0]
    assert 1.2 < times(dilated, on=NANO).compute_s[0] / one < 2.25
    assert NUMBERS.winograd < 2.25
    without = replace(NUMBERS, winograd=1.0)
    for layer in (convolution(kernel=1), convolution(stride=2), convolution(groups=2), dilated):
        assert seconds(layer, NANO) == seconds(layer, NANO, without)


def test_a_narrow_product_uses_tensor_cores_badly() -> None:
    wide, narrow = convolution(64, 256), convolution(64, 16)
    rates = np.array([wide.macs or 0, narrow.macs or 0]) / times(wide, narrow).compute_s
    assert rates[0] > 2 * rates[1]


def test_int8_needs_twice_the_channels_to_fill_tensor_cores() -> None:
    share = [
        convolution(64, 64, dtype=t).macs / times(convolution(64, 64, dtype=t)).compute_s[0]
        / ORIN.peak_flops(t)
        for t in ("fp16", "int8")
    ]  # fmt: skip
    assert share[0] > share[1]


def test_small_work_leaves_multiprocessors_idle() -> None:
    large, small = convolution(size=56), convolution(size=7)
    rates = np.array([large.macs or 0, small.macs or 0]) / times(large, small).compute_s
    assert rates[0] > rates[1]


def test_a_depthwise_convolution_is_far_from_the_peak() -> None:
    depthwise, dense = convolution(groups=64), convolution()
    rates = np.array([depthwise.macs or 0, dense.macs or 0]) / times(depthwise, dense).compute_s
    assert rates[1] > 10 * rates[0]


def test_depthwise_work_scales_with_multiprocessors_and_clock_alone() -> None:
    """Volta has half of Ampere's lanes a multiprocessor, but as many schedulers and load units."""
    found = [times(convolution(groups=64), on=b).compute_s[0] for b in (ORIN, XAVIER)]
    issue = [board.mode.clocks.sms * board.gpu_clock_hz for board in (ORIN, XAVIER)]
    waste = [1 + NUMBERS.tail * board.mode.clocks.sms / 49 for board in (ORIN, XAVIER)]
    assert found[0] / found[1] == pytest.approx(issue[1] / issue[0] * waste[0] / waste[1], rel=1e-2)


def test_wider_depthwise_kernels_are_slower_a_multiplication() -> None:
    three, five = times(convolution(groups=64), convolution(groups=64, kernel=5)).compute_s
    assert five > three * 25 / 9


@pytest.mark.parametrize("groups", [1, 64])
def test_lower_precision_is_not_slower(groups: int) -> None:
    found = [seconds(convolution(groups=groups, dtype=t)) for t in ("int8", "fp16", "fp32")]
    assert found == sorted(found)


def test_the_bound_is_the_largest_part() -> None:
    codes = bound_codes(times(convolution(512, 512), other("pointwise"), convolution(8, 8, 7)))
    assert [BOUNDS[code] for code in codes] == ["compute", "memory", "launch"]


@given(
    channels=st.integers(1, 512), out=st.integers(1, 512), size=st.integers(1, 128),
    kernel=st.sampled_from([1, 3, 5, 7]),
)  # fmt: skip
def test_more_work_never_takes_less_time(channels: int, out: int, size: int, kernel: int) -> None:
    """A larger image, all else equal, is never predicted faster."""
    small = seconds(convolution(channels, out, size, kernel))
    large = seconds(convolution(channels, out, size + 8, kernel))
    assert 0 < small <= large


def test_layers_together_cost_what_they_cost_alone() -> None:
    layers = [convolution(), other("pointwise"), convolution(groups=64), other("noop")]
    assert times(*layers).runtime_s == pytest.approx([seconds(layer) for layer in layers])
    kinds, counts = work(*layers, *layers[:2]).distinct()
    assert sorted(counts) == [1, 1, 2, 2]
    assert len(kinds) == 4


@pytest.mark.parametrize("board", [ORIN, XAVIER, NANO], ids=lambda b: b.name)
def test_slopes_are_what_a_small_change_changes(board) -> None:  # type: ignore[no-untyped-def]
    layers = work(
        convolution(), convolution(512, 512, 28), convolution(groups=64), other("pointwise"),
        convolution(groups=64, kernel=5), convolution(groups=4), convolution(dtype="fp32"),
        convolution(kernel=1), convolution(groups=64, dtype="fp32"), other("max_pool"),
    )  # fmt: skip
    seen = Hardware.seen_by(layers, board)
    base = layer_times(layers, seen, NUMBERS)
    found = slopes(layers, seen, NUMBERS, base)
    assert set(found) <= {field.name for field in fields(Parameters)}
    for name, values in found.items():
        changed = replace(NUMBERS, **{name: getattr(NUMBERS, name) * np.exp(1e-5)})
        there = layer_times(layers, seen, changed).runtime_s
        by_difference = (there - base.runtime_s) / 1e-5
        assert values == pytest.approx(by_difference, abs=2e-4 * float(base.runtime_s.max())), name

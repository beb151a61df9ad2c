"""The cost model: what each physical term does to a layer's time and power."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import Columns, Layer, make_layer
from edgeprofiler.prediction.costmodel.model import (
    BOUNDS,
    Hardware,
    Work,
    bound_codes,
    host_gaps,
    kernel_counts,
    launch_seconds,
    layer_power,
    layer_times,
    start_table,
)
from edgeprofiler.prediction.costmodel.parameters import Parameters, shared_parameters

NUMBERS = shared_parameters()
ORIN = Hardware.of(load_device("jetson-orin-nano"))
NANO = Hardware.of(load_device("jetson-nano"))


def convolution(
    channels: int = 64, out: int = 64, size: int = 56, kernel: int = 3, groups: int = 1,
    fused: tuple[str, ...] = (), dtype: str = "fp16", engine_type: str | None = None,
) -> Layer:  # fmt: skip
    return make_layer(
        name="c", kind="convolutional", op="convolution",
        input_shapes=[(1, channels, size, size)], output_shapes=[(1, out, size, size)],
        dtype=dtype, weight_elements=out * channels // groups * kernel**2,
        kernel=(kernel, kernel), stride=(1, 1), groups=groups, fused_ops=fused,
        engine_type=engine_type,
    )  # fmt: skip


def other(op: str, *, kind: str = "other") -> Layer:
    return make_layer(
        name=op, kind=kind, op=op, input_shapes=[(1, 64, 56, 56)],  # type: ignore[arg-type]
        output_shapes=[(1, 64, 56, 56)], dtype="fp16",
    )  # fmt: skip


def work(*layers: Layer) -> Work:
    return Work.of(Columns.of(layers))


def seconds(layer: Layer, hardware: Hardware = ORIN, numbers: Parameters = NUMBERS) -> float:
    return float(layer_times(work(layer), hardware, numbers).runtime_s[0])


def test_a_layer_costs_its_launch_its_products_and_its_bytes() -> None:
    times = layer_times(work(convolution()), ORIN, NUMBERS)
    hidden = NUMBERS.overlap * np.minimum(times.compute_s, times.memory_s)
    parts = times.launch_s + times.compute_s + times.memory_s - hidden
    assert times.runtime_s == pytest.approx(parts)
    assert (times.compute_s > 0).all()
    assert (times.memory_s > 0).all()


def test_gpus_before_ampere_load_and_compute_one_after_another() -> None:
    xavier = Hardware.of(load_device("jetson-agx-xavier"))
    times = layer_times(work(convolution()), xavier, NUMBERS)
    parts = times.launch_s + times.compute_s + times.memory_s
    assert times.runtime_s == pytest.approx(parts)
    assert (ORIN.async_copy, xavier.async_copy, NANO.async_copy) == (True, False, False)


def test_weights_and_what_exceeds_the_cache_are_no_faster_than_dram() -> None:
    """A cache may serve small tensors faster than DRAM could; never the weights of VGG."""
    cached = replace(NUMBERS, efficiency_memory=3.0)
    large = make_layer(
        name="fc", kind="dense", op="gemm", input_shapes=[(1, 25088)], output_shapes=[(1, 4096)],
        dtype="fp16", weight_elements=25088 * 4096,
    )  # fmt: skip
    layers = work(large, other("pointwise"))
    times = layer_times(layers, ORIN, cached)
    peak = layers.bytes_moved / ORIN.bandwidth_bytes_per_s
    assert times.memory_s[0] == pytest.approx(layers.weight_bytes[0] / ORIN.bandwidth_bytes_per_s)
    assert times.memory_s[1] < peak[1]
    slow = layer_times(layers, ORIN, replace(NUMBERS, efficiency_memory=0.5))
    assert slow.memory_s == pytest.approx(2 * peak)


def test_a_noop_takes_no_time_and_an_unknown_layer_has_none() -> None:
    times = layer_times(work(other("noop"), other("plugin")), ORIN, NUMBERS)
    assert times.runtime_s[0] == 0
    assert np.isnan(times.runtime_s[1])


def test_a_launch_costs_about_as_many_cycles_at_any_clock() -> None:
    fast = replace(ORIN, gpu_clock_hz=2 * ORIN.gpu_clock_hz)
    ratio = launch_seconds(ORIN, NUMBERS) / launch_seconds(fast, NUMBERS)
    assert ratio == pytest.approx(2, rel=0.1)


def test_gpus_before_tensor_cores_launch_more_slowly() -> None:
    old = replace(ORIN, tensor_cores=False)
    assert launch_seconds(old, NUMBERS) > 2 * launch_seconds(ORIN, NUMBERS)


def test_pooling_starts_like_a_convolution() -> None:
    """A pooling kernel of few bytes takes longer to start than an element-wise one."""
    starts = work(other("max_pool", kind="pooling"), other("pointwise")).start_code
    table = start_table(ORIN, NUMBERS)
    assert table[starts[0]] == table[1] > table[starts[1]]


def test_a_concatenation_is_free_where_channels_lie_one_after_another() -> None:
    assert seconds(other("concat"), NANO) == 0
    assert seconds(other("concat"), ORIN) > 0


def test_a_narrow_product_uses_tensor_cores_badly() -> None:
    wide, narrow = convolution(64, 256), convolution(64, 16)
    times = layer_times(work(wide, narrow), ORIN, NUMBERS)
    rates = np.array([wide.macs or 0, narrow.macs or 0]) / times.compute_s
    assert rates[0] > 2 * rates[1]


def test_small_work_leaves_multiprocessors_idle() -> None:
    large, small = convolution(size=56), convolution(size=7)
    times = layer_times(work(large, small), ORIN, NUMBERS)
    rates = np.array([large.macs or 0, small.macs or 0]) / times.compute_s
    assert rates[0] > rates[1]


def test_a_depthwise_convolution_is_far_from_the_peak() -> None:
    depthwise = convolution(64, 64, groups=64)
    dense = convolution(64, 64)
    times = layer_times(work(depthwise, dense), ORIN, NUMBERS)
    rates = np.array([depthwise.macs or 0, dense.macs or 0]) / times.compute_s
    assert rates[1] > 10 * rates[0]


def test_depthwise_work_scales_with_multiprocessors_and_clock_alone() -> None:
    """Volta has half of Ampere's lanes a multiprocessor, but as many schedulers and load units."""
    xavier = Hardware.of(load_device("jetson-agx-xavier"))
    layer = work(convolution(groups=64))
    times = [layer_times(layer, board, NUMBERS).compute_s[0] for board in (ORIN, xavier)]
    issue = [board.sms * board.gpu_clock_hz for board in (ORIN, xavier)]
    assert times[0] / times[1] == pytest.approx(issue[1] / issue[0], rel=1e-3)


def test_depthwise_int8_is_no_slower_than_fp16() -> None:
    assert seconds(convolution(groups=64, dtype="int8")) <= seconds(convolution(groups=64))


def test_wider_depthwise_kernels_are_slower_a_multiplication() -> None:
    three, five = convolution(groups=64), convolution(groups=64, kernel=5)
    times = layer_times(work(three, five), ORIN, NUMBERS)
    assert times.compute_s[1] > times.compute_s[0] * 25 / 9


def test_old_builders_leave_silu_as_a_kernel_of_its_own() -> None:
    layer = convolution(fused=("Sigmoid", "Mul"))
    old = replace(NUMBERS, separate_activations=1.0)
    assert seconds(layer, numbers=old) > seconds(layer)
    assert seconds(convolution(fused=("Relu",)), numbers=old) == seconds(convolution())
    kernels, simple = kernel_counts(work(layer), old)
    assert (kernels[0], simple[0]) == (2, 1)


def test_an_engine_says_itself_what_it_fused() -> None:
    layer = convolution(fused=("Sigmoid", "Mul"), engine_type="CaskConvolution")
    old = replace(NUMBERS, separate_activations=1.0)
    assert seconds(layer, numbers=old) == seconds(layer)


def test_lower_precision_is_not_slower() -> None:
    assert seconds(convolution(dtype="fp32")) > seconds(convolution(dtype="fp16"))
    assert seconds(convolution(dtype="fp16")) > seconds(convolution(dtype="int8"))


def test_power_lies_between_base_and_full_load() -> None:
    """Arithmetic and memory draw power each; where half of the shorter is hidden, both do."""
    layers = work(convolution(512, 512), other("pointwise"), convolution(groups=64))
    times = layer_times(layers, ORIN, NUMBERS)
    power = layer_power(layers, times, 4.2, NUMBERS)
    assert (power > 4.2 + NUMBERS.base_power_w).all()
    both = 2 / (2 - NUMBERS.overlap)
    assert (power < 4.2 + NUMBERS.base_power_w + NUMBERS.busy_power_w * both).all()


def test_a_noop_leaves_the_board_idle() -> None:
    layers = work(other("noop"), other("unknown"))
    power = layer_power(layers, layer_times(layers, ORIN, NUMBERS), 4.2, NUMBERS)
    assert power[0] == 4.2
    assert np.isnan(power[1])


def test_depthwise_products_draw_less_than_dense_ones() -> None:
    layers = work(convolution(size=112), convolution(size=112, groups=64))
    power = layer_power(layers, layer_times(layers, ORIN, NUMBERS), 4.2, NUMBERS)
    assert power[1] < power[0]


def test_the_host_waits_longer_for_kernels_without_products() -> None:
    numbers = replace(NUMBERS, host_gap_per_layer_s=1e-5, host_gap_per_simple_s=2e-5)
    layers = work(convolution(), other("pointwise"), other("noop"))
    gaps = host_gaps(layers, layer_times(layers, ORIN, numbers), numbers)
    assert gaps == pytest.approx([1e-5, 3e-5, 0])


def test_the_bound_is_the_largest_part() -> None:
    layers = work(convolution(512, 512), other("pointwise"), convolution(8, 8, 7))
    codes = bound_codes(layer_times(layers, ORIN, NUMBERS))
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
    whole = layer_times(work(*layers), ORIN, NUMBERS).runtime_s
    assert whole == pytest.approx([seconds(layer) for layer in layers])
    joined = Work.concatenate([work(layer) for layer in layers])
    assert layer_times(joined, ORIN, NUMBERS).runtime_s == pytest.approx(whole)
    assert layer_times(joined.part(1, 3), ORIN, NUMBERS).runtime_s == pytest.approx(whole[1:3])

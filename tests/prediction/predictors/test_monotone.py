"""What must go one way whatever was fitted: more work, slower clocks and wider types cost more."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprofiler.core.choices import RUNTIMES
from edgeprofiler.core.device import Device, device_names, load_device
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.prediction.costmodel.parameters import parameters_of
from edgeprofiler.prediction.predictors.roofline import NetworkCosts, costs
from edgeprofiler.reading.graphs.build import GraphBuilder
from edgeprofiler.reading.lowering import BuildTarget, lower
from edgeprofiler.reading.read import read

BOARDS = [name for name in device_names() if name != "generic"]
SPECS = [f"{name}@{mode.name}" for name in device_names() for mode in load_device(name).modes]
NETWORKS = ("alexnet", "vgg16", "resnet18", "mobilenet_v2", "densenet121", "efficientnet_b0",
            "convnext_tiny", "shufflenet_v2_x0_5")  # fmt: skip
"""The last is bound by launches."""
SLACK = 1 + 1e-9


@cache
def zoo(name: str, precision: str = "fp16", runtime: str = "trtexec", board: str = "") -> Network:
    return read(f"zoo:{name}", precision=precision, runtime=runtime, device=board or None)


def totals(network: Network, device: Device) -> tuple[float, float]:
    """Return GPU time and energy of an inference."""
    offsets = np.array([0, len(network)])
    found = NetworkCosts.of(network.columns, offsets, [0.0], device).totals
    return float(found.runtime_s[0]), float(found.energy_j[0])


def small_network(size: int, batch: int, channels: int, kernel: int, groups: int) -> Network:
    build = GraphBuilder("net")
    x = build.conv(
        build.input((batch, channels, size, size)), channels, kernel, name="a", groups=groups
    )
    x = build.conv(build.relu(x), 2 * channels, 1, name="b")
    return lower(build.graph(x))


@settings(deadline=None, max_examples=60)
@given(
    spec=st.sampled_from(SPECS),
    runtime=st.sampled_from(RUNTIMES),
    size=st.integers(4, 256),
    more=st.integers(1, 64),
    batch=st.integers(1, 8),
    channels=st.integers(1, 8).map(lambda n: 8 * n),
    kernel=st.sampled_from([1, 3, 5, 7]),
    depthwise=st.booleans(),
)
def test_more_pixels_and_more_images_take_more(
    spec: str,
    runtime: str,
    size: int,
    more: int,
    batch: int,
    channels: int,
    kernel: int,
    depthwise: bool,
) -> None:
    """Neither time nor energy falls; an image in a larger batch takes no longer than alone, but
    for what no longer stays in the cache."""
    device = load_device(spec, runtime)
    groups = channels if depthwise else 1
    network = small_network(size, batch, channels, kernel, groups)
    one = totals(network, device)
    again = 2 * float(network.columns.bytes_moved.sum()) / device.bandwidth_bytes_per_s
    larger = totals(small_network(size + more, batch, channels, kernel, groups), device)
    several = totals(small_network(size, 2 * batch, channels, kernel, groups), device)
    for a, b, c in zip(one, larger, several, strict=True):
        assert a <= b * SLACK
        assert a <= c * SLACK
    assert several[0] <= 2 * one[0] * SLACK + again / parameters_of(device).efficiency_memory


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", BOARDS)
def test_a_mode_that_caps_more_is_no_faster(name: str, runtime: str) -> None:
    board = load_device(name, runtime)
    networks = [zoo(n, runtime=runtime) for n in NETWORKS]
    for low in board.modes:
        for high in board.modes:
            caps = [(m.clocks.sms, m.clocks.gpu_hz, m.bandwidth_bytes_per_s) for m in (low, high)]
            if low is high or any(a > b for a, b in zip(*caps, strict=True)):
                continue
            slow, fast = board.with_mode(low.name), board.with_mode(high.name)
            for network in networks:
                assert totals(network, fast)[0] <= totals(network, slow)[0] * SLACK


def layer_watts(device: Device) -> FloatArray:
    found = [costs(zoo(n, p).columns, device).power_w for n in NETWORKS for p in ("fp16", "int8")]
    return np.concatenate(found)


@pytest.mark.parametrize("spec", SPECS)
def test_a_layer_draws_more_than_idle_and_no_more_than_its_mode_may(spec: str) -> None:
    device = load_device(spec)
    watts = layer_watts(device)
    assert watts.min() >= device.idle_power_w
    if np.isfinite(device.mode.power_budget_w):
        assert watts.max() <= device.mode.power_budget_w


@pytest.mark.parametrize("name", ["jetson-nano", "jetson-tx2", "jetson-xavier-nx"])
def test_without_tf32_an_fp32_engine_stays_in_fp32_and_in_rows(name: str) -> None:
    """Also depthwise and grouped convolutions, and matrix products of several rows."""
    board = load_device(name)
    assert BuildTarget.of(board).tf32_ratio == 0
    for model in ("resnet18", "mobilenet_v2", "resnext50_32x4d", "efficientnet_b0"):
        network = zoo(model, "fp32", board=name)
        assert {layer.dtype for layer in network.layers} == {"fp32"}
        assert not any(layer.op == "reformat" for layer in network.layers)
    assert {layer.dtype for layer in zoo("convnext_tiny", "fp32", board=name).layers} == {"fp32"}


@pytest.mark.parametrize("name", ["jetson-orin-nano", "jetson-agx-orin-32gb", "generic"])
def test_with_tf32_it_multiplies_in_tf32(name: str) -> None:
    assert BuildTarget.of(load_device(name)).tf32_ratio == pytest.approx(4, rel=1e-3)
    network = zoo("resnet18", "fp32", board=name)
    assert {layer.dtype for layer in network.layers if layer.op == "convolution"} == {"tf32"}


@pytest.mark.parametrize("network", ["resnet18", "mobilenet_v2"])
def test_an_fp16_engine_is_the_same_on_every_board_of_one_builder(network: str) -> None:
    built: dict[object, set[tuple[object, ...]]] = {}
    for name in BOARDS:
        board = load_device(name)
        kind = board.tensorrt, board.datasheet.tensor_cores
        built.setdefault(kind, set()).add(tuple(zoo(network, board=name).layers))
    assert {len(layers) for layers in built.values()} == {1}

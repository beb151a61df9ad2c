"""What must hold for every network of the zoo on every board, in every mode and precision."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprofiler.core.choices import PRECISIONS, RUNTIMES
from edgeprofiler.core.device import Device, device_names, load_device
from edgeprofiler.core.network import Network
from edgeprofiler.prediction.costmodel.hardware import Hardware
from edgeprofiler.prediction.costmodel.work import DEPTHWISE, WINOGRAD
from edgeprofiler.prediction.predictors.roofline import NetworkCosts, RooflinePredictor
from edgeprofiler.reading.read import read

BOARDS = [name for name in device_names() if name != "generic"]
SPECS = [f"{name}@{mode.name}" for name in BOARDS for mode in load_device(name).modes]
NETWORKS = [
    "lenet", "alexnet", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x0_5", "squeezenet1_1",
    "efficientnet_b0", "resnet18", "resnext50_32x4d", "densenet121", "vgg16", "mixnet_s",
    "convnext_tiny", "googlenet",
]  # fmt: skip
"""One of every kind in the zoo; scripts/check_invariants.py goes through all."""
SLACK = 1 + 1e-9
ORDER = 1.03
WINOGRAD_SAVING = 36 / 16


@cache
def lowered(name: str, precision: str, batch: int, board: str) -> Network:
    return read(f"zoo:{name}", precision=precision, batch=batch, device=board)


def found(name: str, precision: str, batch: int, device: Device) -> NetworkCosts:
    asked = lowered(name, precision, batch, device.name)
    (network,) = RooflinePredictor(device).built([asked])
    offsets = np.array([0, len(network)])
    return NetworkCosts.of(network.columns, offsets, [float(network.io_bytes or 0)], device)


networks, batches = st.sampled_from(NETWORKS), st.sampled_from([1, 4, 16])
precisions, hosts = st.sampled_from(PRECISIONS), st.sampled_from(RUNTIMES)


@settings(deadline=None, max_examples=25)
@given(networks, st.sampled_from(SPECS), batches)
def test_a_narrower_type_is_no_slower(name: str, spec: str, batch: int) -> None:
    """To 3 %: a builder that may use wider kernels keeps those where they are faster."""
    device = load_device(spec)
    fp32, fp16, int8 = (float(found(name, p, batch, device).wall.gpu_s[0]) for p in PRECISIONS)
    assert fp16 <= ORDER * fp32
    assert int8 <= ORDER * fp16


def more_of_everything(more: Device, less: Device) -> bool:
    if more.datasheet.compute_capability < less.datasheet.compute_capability:
        return False
    sheets = [(d.mode.clocks.sms, d.gpu_clock_hz, d.bandwidth_bytes_per_s, d.cpu_speed,
               d.datasheet.l2_bytes, *(d.peak_flops(p) for p in PRECISIONS),
               *(d.vector_flops(p) for p in PRECISIONS)) for d in (more, less)]  # fmt: skip
    return all(a >= b for a, b in zip(*sheets, strict=True))


PAIRS = [
    (more, less)
    for more in SPECS
    for less in SPECS
    if more != less and more_of_everything(load_device(more), load_device(less))
]


@settings(deadline=None, max_examples=25)
@given(networks, st.sampled_from(PAIRS), precisions, batches, hosts)
def test_a_board_with_more_of_everything_is_never_slower(
    name: str, pair: tuple[str, str], precision: str, batch: int, runtime: str
) -> None:
    """But by what two boards of one chip were measured to differ, a few per cent."""
    more, less = (load_device(spec, runtime) for spec in pair)
    fast, slow = (
        float(found(name, precision, batch, board).totals.end_to_end_s[0]) for board in (more, less)
    )
    assert fast <= slow * (SLACK if more.name == less.name else 1.1)


@settings(deadline=None, max_examples=25)
@given(networks, st.sampled_from(SPECS), precisions, batches)
def test_no_layer_runs_beyond_the_peak_nor_draws_more_than_the_budget(
    name: str, spec: str, precision: str, batch: int
) -> None:
    """Winograd's algorithm may seem to, by what it saves."""
    device = load_device(spec)
    costs = found(name, precision, batch, device)
    work, seen = costs.layers.work, Hardware.seen_by(costs.layers.work, device)
    peak = np.maximum(seen.tensor_flops, seen.lane_flops)
    peak = np.where(work.class_code >= DEPTHWISE, seen.depthwise_flops, peak)
    peak = peak * np.where(work.class_code == WINOGRAD, WINOGRAD_SAVING, 1.0)
    assert (work.flops <= peak * costs.layers.runtime_s).all()
    power = costs.layers.power_w
    assert (power >= device.idle_power_w).all()
    if np.isfinite(device.mode.power_budget_w):
        assert power.max() <= device.mode.power_budget_w * SLACK
        assert costs.totals.power_w[0] <= device.mode.power_budget_w * SLACK


@settings(deadline=None, max_examples=25)
@given(networks, st.sampled_from(SPECS), precisions, hosts)
def test_what_is_bound_by_the_host_says_so(
    name: str, spec: str, precision: str, runtime: str
) -> None:
    costs = found(name, precision, 1, load_device(spec, runtime))
    slow = bool(costs.wall.enqueue_s[0] > costs.wall.gpu_s[0])
    assert (costs.bound(0) == "host") is slow


@settings(deadline=None, max_examples=20)
@given(networks, st.sampled_from(SPECS), precisions, st.sampled_from([2, 8]))
def test_an_image_in_a_batch_costs_no_more_than_alone(
    name: str, spec: str, precision: str, batch: int
) -> None:
    device = load_device(spec)
    one, several = (float(found(name, precision, b, device).wall.gpu_s[0]) for b in (1, batch))
    assert one * SLACK >= several / batch * (1 - 0.03)
    assert several * SLACK >= one * (1 - 1e-9)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_doubt_is_told_for_every_host(runtime: str) -> None:
    for spec in SPECS:
        for deviation in found("resnet50", "fp16", 1, load_device(spec, runtime)).deviations:
            assert 0.05 < deviation[0] < 1.0

"""The default predictor: sums, uncovered layers, intervals, many networks at once."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprofiler.core.choices import RUNTIMES
from edgeprofiler.core.device import device_names, load_device
from edgeprofiler.core.network import Layer, Network, Source, make_layer
from edgeprofiler.core.profile import Profile
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor, costs
from edgeprofiler.reading.read import read


def layer(op: str = "convolution", size: int = 28, channels: int = 64) -> Layer:
    shape = (1, channels, size, size)
    return make_layer(
        name=op, kind="convolutional" if op == "convolution" else "other", op=op,
        input_shapes=[shape], output_shapes=[shape], dtype="fp16",
        weight_elements=channels**2 * 9 if op == "convolution" else 0,
        kernel=(3, 3) if op == "convolution" else (), stride=(1, 1) if op == "convolution" else (),
    )  # fmt: skip


def network(*layers: Layer) -> Network:
    return Network("n", layers, Source("n", "test"))


def predicted(*layers: Layer, device: str = "jetson-orin-nano") -> Profile:
    return RooflinePredictor(load_device(device)).predict(network(*layers))


OPS = st.sampled_from(["convolution", "pointwise", "noop", "concat", "max_pool", "plugin"])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(OPS, st.integers(1, 64), st.integers(1, 128)), max_size=12),
    st.sampled_from(device_names()), st.sampled_from(RUNTIMES), st.floats(0.05, 0.995),
)  # fmt: skip
def test_parts_add_up_and_intervals_hold_their_value(
    parts: list[tuple[str, int, int]], device: str, runtime: str, confidence: float
) -> None:
    """Energies and times of layers, fixed part and host gap sum to the inference's."""
    board = load_device(device, runtime)
    profile = RooflinePredictor(board, confidence).predict(network(*(layer(*p) for p in parts)))
    totals, covered = profile.totals, profile.costs.covered
    energy = profile.costs.energy_j[covered].sum() + profile.fixed.energy_j
    assert totals.energy_j.value == pytest.approx(energy + profile.host_gap.energy_j, rel=1e-9)
    time = profile.costs.runtime_s[covered].sum() + profile.fixed.runtime_s
    assert totals.end_to_end_s.value == pytest.approx(time + profile.host_gap.runtime_s, rel=1e-9)
    for estimate in vars(totals).values():
        if profile.whole:
            assert 0 < estimate.low <= estimate.value <= estimate.high < math.inf
        else:  # nobody knows how much the others add
            assert estimate.low >= 0
            assert math.isnan(estimate.high)
    assert totals.end_to_end_s.low >= profile.time_lower_bound_s
    for cost in profile:
        if not cost.covered:
            assert math.isnan(cost.runtime_s.value)
            continue
        for estimate in (cost.runtime_s, cost.power_w, cost.energy_j):
            assert 0 <= estimate.low <= estimate.value <= estimate.high


def test_a_noop_is_covered_and_costs_nothing() -> None:
    profile = predicted(layer("noop"))
    assert profile[0].covered
    assert profile[0].known_by == "noop"
    assert profile[0].energy_j.value == 0


def test_what_no_rule_knows_is_uncovered_and_bounded_from_below() -> None:
    profile = predicted(layer(), layer("plugin"))
    assert profile.uncovered == (1,)
    assert profile[1].known_by == ""
    assert profile.time_lower_bound_s > 0


def test_many_networks_at_once_give_what_each_gives_alone() -> None:
    networks = [network(layer()), network(), network(layer("pointwise"), layer(size=56))]
    predictor = RooflinePredictor(load_device())
    together = predictor.predict_many(networks)
    assert len(together) == 3
    assert together.offsets.tolist() == [0, 1, 1, 3]
    for one, many in zip(networks, together, strict=True):
        alone = predictor.predict(one)
        assert many.totals.energy_j.value == pytest.approx(alone.totals.energy_j.value)
    energies = [p.totals.energy_j.value for p in together]
    assert together.totals.energy_j == pytest.approx(energies)
    runtimes = [p.totals.runtime_s.value for p in together]
    assert together.totals.runtime_s == pytest.approx(runtimes)


def test_profiles_are_a_sequence() -> None:
    profiles = RooflinePredictor(load_device()).predict_many([network(layer())] * 3)
    assert profiles[-1] == profiles[2]
    assert len(profiles[:2]) == 2
    with pytest.raises(IndexError):
        profiles[3]
    assert profiles.runtime_s.shape == profiles.power_w.shape == profiles.energy_j.shape == (3,)


def test_sweeps_need_no_objects() -> None:
    one = network(layer(), layer("pointwise"))
    found = costs(one.columns, load_device())
    profile = RooflinePredictor(load_device()).predict(one)
    assert np.array_equal(found.runtime_s, profile.costs.runtime_s)


def test_the_gap_depends_on_the_host() -> None:
    gaps = {
        runtime: RooflinePredictor(load_device(runtime=runtime))
        .predict(network(*[layer()] * 50)).host_gap.runtime_s
        for runtime in RUNTIMES
    }  # fmt: skip
    assert gaps["trtexec"] < gaps["cpp"] < gaps["torch-tensorrt"]


def test_wider_confidence_means_wider_intervals() -> None:
    widths = []
    for confidence in (0.5, 0.9, 0.99):
        predictor = RooflinePredictor(load_device(), confidence)
        estimate = predictor.predict(network(layer())).totals.runtime_s
        widths.append(estimate.high / estimate.low)
    assert widths == sorted(widths)


def test_the_published_latency_of_resnet18_on_orin_nano_is_met() -> None:
    """1.998 ms through trtexec on JetPack 6.0; the row was part of the fit."""
    board = load_device().with_tensorrt("8.6")
    profile = RooflinePredictor(board).predict(read("zoo:resnet18?classes=3", device=board))
    assert profile.totals.runtime_s.value == pytest.approx(1.998e-3, rel=0.18)


def test_faster_modes_are_faster_and_draw_more() -> None:
    slow, normal, fast = (
        RooflinePredictor(load_device(f"jetson-orin-nano@{mode}")).predict(network(layer(size=112)))
        for mode in ("7w", "15w", "25w")
    )
    times = [p.totals.runtime_s.value for p in (slow, normal, fast)]
    powers = [p.totals.power_above_idle_w.value for p in (slow, normal, fast)]
    assert times == sorted(times, reverse=True)
    assert powers == sorted(powers)


def test_a_network_of_many_small_kernels_is_bound_by_its_host() -> None:
    kernels = [layer("pointwise", 4, 4)] * 200
    slow = RooflinePredictor(load_device("jetson-nano", "torch-tensorrt"))
    assert slow.predict(network(*kernels)).bound == "host"
    graph = RooflinePredictor(
        replace(load_device("jetson-nano", "torch-tensorrt"), cuda_graph=True)
    )
    assert graph.predict(network(*kernels)).bound == "launch"
    big = RooflinePredictor(load_device()).predict(network(layer(size=224, channels=256)))
    assert big.bound == "compute"


def test_a_cuda_graph_leaves_the_hosts_fixed_part() -> None:
    board = load_device(runtime="cpp")
    plain, graph = (
        RooflinePredictor(replace(board, cuda_graph=used)).predict(network(*[layer()] * 100))
        for used in (False, True)
    )
    assert graph.host_gap.runtime_s < plain.host_gap.runtime_s
    assert graph.host_fixed_s == pytest.approx(plain.host_fixed_s)
    assert graph.host_gap.runtime_s == pytest.approx(graph.host_fixed_s)


def test_the_answer_says_its_kind_of_interval_and_its_builder() -> None:
    profile = predicted(layer())
    assert profile.interval_kind == "source"
    assert "calibrat" in profile.narrowed_by
    assert profile.device.tensorrt == load_device().tensorrt


def test_a_mode_whose_budget_is_reached_says_so() -> None:
    hungry = layer(size=224, channels=512)
    assert any("mode's 7 W" in w for w in predicted(hungry, device="jetson-orin-nano@7w").warnings)
    assert not any("lowers its clocks" in w for w in predicted(layer()).warnings)


def test_where_conversions_cost_more_than_a_narrow_type_saves_the_engine_keeps_the_wide_one() -> (
    None
):
    """LeNet: ten kernels in FP16 and eight in FP32, of 8 us each on Thor; with 16 images the first
    convolution's FP32 results cost an INT8 engine of TensorRT 8 more than FP16's conversions."""
    for spec, asked, batch, kept in (
        ("jetson-agx-thor", "fp16", 1, "fp32"),
        ("jetson-agx-thor", "fp16", 16, "fp16"),
        ("jetson-agx-xavier", "int8", 16, "fp16"),
    ):
        board = load_device(spec)
        narrow = read("zoo:lenet", precision=asked, batch=batch, device=board)
        wide = read("zoo:lenet", precision=kept, batch=batch, device=board)
        found, alone = RooflinePredictor(board).predict_many([narrow, wide])
        assert found.network.precision == kept
        assert found.totals.runtime_s.value == alone.totals.runtime_s.value
        told = [text for text in found.warnings if f"the engine keeps {kept.upper()}" in text]
        assert len(told) == (asked != kept)


def test_networks_that_are_built_otherwise_keep_their_places() -> None:
    board = load_device("jetson-agx-thor")
    names = ("resnet18", "lenet", "shufflenet_v2_x0_5", "alexnet")
    networks = [read(f"zoo:{name}", device=board) for name in names]
    together = RooflinePredictor(board).predict_many(networks)
    for name, profile, network in zip(names, together, networks, strict=True):
        alone = RooflinePredictor(board).predict(network)
        assert profile.network.name == name
        assert profile.totals.runtime_s.value == alone.totals.runtime_s.value


def test_where_a_narrow_type_only_gives_the_host_more_to_enqueue_a_warning_says_so() -> None:
    """LeNet on a TX2: FP16 saves the GPU time, and two conversions more cost its host more."""
    board = load_device("jetson-tx2")
    pair = [read("zoo:lenet", precision=p, device=board) for p in ("fp16", "fp32")]
    narrow, wide = RooflinePredictor(board).predict_many(pair)
    assert narrow.network.precision == "fp16"
    assert narrow.totals.runtime_s.value < wide.totals.runtime_s.value
    assert narrow.totals.end_to_end_s.value > 1.03 * wide.totals.end_to_end_s.value
    assert any("in FP32 has fewer kernels to enqueue" in text for text in narrow.warnings)


def test_the_gap_that_explains_power_counts_every_run_of_a_kernel() -> None:
    """A thousand runs in a loop are a thousand kernels that the profiler's host enqueues: 53 ms."""
    device = load_device("jetson-orin-nano", "torch-tensorrt")
    network = read("zoo:resnet18", runtime="torch-tensorrt", device=device)
    looped = replace(network, layers=(replace(network.layers[3], repeats=1000), *network.layers))
    (said,) = (w for w in RooflinePredictor(device).predict(looped).warnings if "two host" in w)
    assert 50 < float(said.rpartition("explained by ")[2].removesuffix(" ms")) < 60

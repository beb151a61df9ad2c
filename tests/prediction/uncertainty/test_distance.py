"""Which interval applies: a source never seen, or what a user calibrated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.device import Calibration, Device, load_device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import Columns, Network, Source, make_layer
from edgeprofiler.core.profile.words import INTERVAL_KINDS
from edgeprofiler.prediction.uncertainty.distance import (
    CALIBRATED_NETWORKS,
    FAR,
    NARROWED_BY,
    Widths,
    power_width,
    runtime_widths,
    shipped_width,
    widths_for,
)
from edgeprofiler.prediction.uncertainty.fitted import describe, fitted, network_features
from edgeprofiler.reading.read import read

RESNET = read("zoo:resnet34")
ORIN = load_device()
DOUBT = 0.15
FIVE = ("a", "b", "c", "d", "e")


def widths(network: Network, device: Device = ORIN, confidence: float = 0.9) -> Widths:
    return widths_for(network, device, DOUBT, DOUBT, confidence)


def calibrated(networks: tuple[str, ...] = FIVE, q90: float = 0.08) -> Device:
    own = Calibration(
        ORIN.mode, "trtexec", "mine", {}, "mine", networks=networks, errors={"loo_q90": q90}
    )
    return replace(ORIN, calibrations=(own,))


def odd_network(dtype: str = "fp16", size: int = 56) -> Network:
    layer = make_layer(
        name="odd", kind="dense", op="gemm", input_shapes=[(1, size * 100)],
        output_shapes=[(1, size * 100)], dtype=dtype, weight_elements=(size * 100) ** 2,
        macs=(size * 100) ** 2,
    )  # fmt: skip
    return Network("odd", (layer,), Source("odd", "test"))


def test_what_a_user_did_not_calibrate_counts_as_a_source_never_seen() -> None:
    for device in (ORIN, load_device(runtime="cpp"), load_device("jetson-agx-orin-32gb")):
        found = widths(RESNET, device)
        assert found.kind == "source"
        assert "calibrat" in found.narrowed_by


def test_every_kind_says_what_it_stands_for_and_what_would_narrow_it() -> None:
    assert set(INTERVAL_KINDS) == set(NARROWED_BY)
    assert [kind for kind, text in NARROWED_BY.items() if not text] == ["board-calibrated"]


def test_five_networks_of_ones_own_make_a_calibrated_board() -> None:
    found = widths(RESNET, calibrated())
    assert found.kind == "board-calibrated"
    assert found.runtime == pytest.approx(0.08)
    assert widths(RESNET, calibrated(), 0.95).runtime > 0.08


def test_fewer_say_less_and_least_of_networks_unlike_them() -> None:
    few = calibrated(FIVE[: CALIBRATED_NETWORKS - 1])
    near, far = widths(RESNET, few), widths(odd_network(), few)
    assert (near.kind, far.kind) == ("network", "family")
    assert 0.08 < near.runtime < far.runtime


@given(st.floats(0, 3), st.floats(0, 3), st.floats(0.02, 0.5), st.booleans())
def test_further_is_never_narrower(one: float, other: float, doubt: float, odd: bool) -> None:
    for device in (ORIN, calibrated(), calibrated(FIVE[:3])):
        near, far = runtime_widths(
            device, np.array([doubt, doubt]), np.array(sorted((one, other))), odd, 0.9
        )
        assert near <= far
        plain, strange = (
            runtime_widths(device, np.array([doubt]), np.array([one]), more, 0.9)[0]
            for more in (False, True)
        )
        assert plain <= strange


@given(st.floats(0.02, 0.5), st.floats(0, FAR))
def test_a_calibration_never_makes_a_question_less_sure(doubt: float, gap: float) -> None:
    plain, own = (
        runtime_widths(device, np.array([doubt]), np.array([gap]), False, 0.9)[0]
        for device in (ORIN, calibrated(q90=0.03))
    )
    assert own <= max(plain, 0.03) * (1 + 1e-12)


def test_a_network_unlike_the_fitted_ones_says_so() -> None:
    assert any("the nearest is" in warning for warning in widths(odd_network()).warnings)


def test_a_calibration_of_another_host_or_mode_warns_and_narrows_nothing() -> None:
    for device in (calibrated().with_runtime("torch2trt"), calibrated().with_mode("25w")):
        found = widths(RESNET, device)
        assert found.kind == "source"
        assert any("calibrated with trtexec in mode 15w" in warning for warning in found.warnings)


def test_a_board_that_nobody_measured_says_on_whose_numbers_it_rests() -> None:
    small = widths(RESNET, load_device("jetson-agx-orin-32gb"))
    assert any("the same chip" in warning for warning in small.warnings)
    strange = widths(RESNET, load_device("generic"))
    assert any("no row of this board or chip" in warning for warning in strange.warnings)


def test_power_is_known_on_one_board_in_the_modes_that_were_measured() -> None:
    known, mode, other = (
        power_width(load_device(spec), 0.9)
        for spec in ("jetson-orin-nano@15w", "jetson-orin-nano@25w", "jetson-nano")
    )
    assert known[0] < mode[0] < other[0]
    assert not known[1]
    assert "25w" in mode[1]
    assert "hardly measured" in other[1]


def test_a_data_type_that_no_row_has_widens_and_warns() -> None:
    found = widths(odd_network("fp64"))
    assert any("fp64" in warning for warning in found.warnings)
    assert found.runtime > widths(odd_network("int8")).runtime


def test_another_batch_warns() -> None:
    assert any("batch 8" in warning for warning in widths(replace(RESNET, batch=8)).warnings)


def test_a_layer_outside_the_fitted_sizes_names_the_nearest_known_one() -> None:
    texts = widths(odd_network(size=1000)).warnings
    assert any("outside the sizes" in text and "the nearest is a" in text for text in texts)


def test_layers_power_is_marked_as_not_validated() -> None:
    assert any("not validated" in w for w in widths(RESNET).warnings)


def test_widths_grow_with_confidence_also_beyond_the_shipped_levels() -> None:
    for quantity in ("runtime", "power"):
        for kind in ("source", "family", "network"):
            found = [shipped_width(quantity, kind, c) for c in (0.2, 0.5, 0.9, 0.98, 0.999)]
            assert found == sorted(found)
            assert found[0] > 0


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, float("nan")])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(UsageError, match="confidence"):
        widths(RESNET, ORIN, confidence)


def test_a_network_is_nearest_to_itself() -> None:
    name, gap = fitted().nearest_network(RESNET.columns)
    assert name == "resnet34"
    assert gap < 0.05
    assert network_features(RESNET.columns).shape == (6,)


def test_a_layer_is_described_by_operation_and_shapes() -> None:
    assert describe(RESNET.layers[1]).startswith("convolution 7x7 3x224x224 to 64x112x112")


def test_features_of_many_networks_at_once_are_those_of_each() -> None:
    networks = [read(name) for name in ("zoo:resnet18", "zoo:lenet", "zoo:mobilenet_v2")]
    columns = Columns.concatenate([network.columns for network in networks])
    offsets = np.cumsum([0, *map(len, networks)])
    gaps = fitted().gaps(columns, offsets)
    for network, gap in zip(networks, gaps, strict=True):
        assert gap == pytest.approx(fitted().nearest_network(network.columns)[1], rel=1e-12)

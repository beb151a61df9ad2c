"""Which interval applies: known network, new family, other software, unknown board."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.device import Calibration, Device, load_device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import Columns, Network, Source, make_layer
from edgeprofiler.prediction.uncertainty.distance import Widths, shipped_width, widths_for
from edgeprofiler.prediction.uncertainty.fitted import describe, fitted, network_features
from edgeprofiler.reading.read import read

RESNET = read("zoo:resnet34")


def kind(network: Network, device: Device) -> str:
    return widths_for(network, device).kind.split(":")[0]


def odd_network(dtype: str = "fp16", size: int = 56) -> Network:
    layer = make_layer(
        name="odd", kind="dense", op="gemm", input_shapes=[(1, size * 100)],
        output_shapes=[(1, size * 100)], dtype=dtype, weight_elements=(size * 100) ** 2,
        macs=(size * 100) ** 2,
    )  # fmt: skip
    return Network("odd", (layer,), Source("odd", "test"))


def test_a_fitted_network_on_a_calibrated_board_has_the_narrowest_interval() -> None:
    assert kind(RESNET, load_device()) == "network"
    near = widths_for(RESNET, load_device()).runtime
    assert near < widths_for(RESNET, load_device("jetson-agx-orin-32gb")).runtime


def test_a_network_unlike_the_fitted_ones_is_a_new_family_and_says_so() -> None:
    found = widths_for(odd_network(), load_device())
    assert found.kind.startswith("family")
    assert any("nearest is" in warning for warning in found.warnings)


def test_another_host_or_mode_is_another_stack_and_warns() -> None:
    for device in (load_device(runtime="torch2trt"), load_device("jetson-orin-nano@25w")):
        found = widths_for(RESNET, device)
        assert found.kind.startswith("stack")
        assert any("intervals are wider" in warning for warning in found.warnings)
        assert found.runtime > widths_for(RESNET, load_device()).runtime


def test_an_uncalibrated_board_says_so() -> None:
    found = widths_for(RESNET, load_device("jetson-agx-orin-32gb"))
    assert found.kind.startswith("board")
    assert any("not calibrated" in warning for warning in found.warnings)
    assert any("never measured" in warning for warning in found.warnings)
    assert found.power > 0.6


def test_a_users_own_calibration_brings_its_own_width() -> None:
    own = Calibration(
        load_device("jetson-orin-nano").mode,
        "trtexec",
        "mine",
        {},
        "mine",
        errors={"loo_q90": 0.08},
    )
    device = replace(load_device(), calibrations=(own,))
    found = widths_for(RESNET, device)
    assert found.kind.startswith("matching rows")
    assert found.runtime == pytest.approx(0.08)
    assert widths_for(RESNET, device, 0.95).runtime > 0.08


def test_another_data_type_widens_and_warns() -> None:
    found = widths_for(odd_network("int8"), load_device())
    assert any("int8" in warning for warning in found.warnings)
    assert found.runtime > widths_for(odd_network(), load_device()).runtime


def test_another_batch_warns() -> None:
    found = widths_for(replace(RESNET, batch=8), load_device())
    assert any("batch 8" in warning for warning in found.warnings)


def test_a_layer_outside_the_fitted_sizes_names_the_nearest_known_one() -> None:
    texts = widths_for(odd_network(size=1000), load_device()).warnings
    assert any("outside the sizes" in text and "the nearest is a" in text for text in texts)


def test_layers_power_is_marked_as_not_validated() -> None:
    assert any("not validated" in w for w in widths_for(RESNET, load_device()).warnings)


def test_widths_grow_with_confidence_also_beyond_the_shipped_levels() -> None:
    for quantity in ("runtime", "power"):
        widths = [shipped_width(quantity, "network", c) for c in (0.2, 0.5, 0.9, 0.98, 0.999)]
        assert widths == sorted(widths)
        assert widths[0] > 0


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, float("nan")])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(UsageError, match="confidence"):
        widths_for(RESNET, load_device(), confidence)


def test_further_is_never_narrower() -> None:
    order = [shipped_width("runtime", k, 0.9) for k in ("network", "family", "board")]
    assert order == sorted(order)


def test_a_network_is_nearest_to_itself() -> None:
    name, gap = fitted().nearest_network(RESNET.columns)
    assert name == "resnet34"
    assert gap < 0.05
    assert network_features(RESNET.columns).shape == (6,)


def test_a_layer_is_described_by_operation_and_shapes() -> None:
    assert describe(RESNET.layers[1]).startswith("convolution 7x7 3x224x224 to 64x112x112")


def test_widths_are_values() -> None:
    assert isinstance(widths_for(RESNET, load_device()), Widths)


def test_features_of_many_networks_at_once_are_those_of_each() -> None:
    networks = [read(name) for name in ("zoo:resnet18", "zoo:lenet", "zoo:mobilenet_v2")]
    columns = Columns.concatenate([network.columns for network in networks])
    offsets = np.cumsum([0, *map(len, networks)])
    gaps = fitted().gaps(columns, offsets)
    for network, gap in zip(networks, gaps, strict=True):
        assert gap == pytest.approx(fitted().nearest_network(network.columns)[1], rel=1e-12)


def test_int8_on_a_board_that_gains_nothing_by_it_says_so() -> None:
    """TensorRT knows no INT8 on Nano and TX2: compute capabilities 5.3 and 6.2."""
    network = read("zoo:lenet", precision="int8")
    for name, said in (("jetson-nano", True), ("jetson-tx2", True), ("jetson-xavier-nx", False)):
        warnings = widths_for(network, load_device(name)).warnings
        assert any("no faster in int8" in text for text in warnings) is said

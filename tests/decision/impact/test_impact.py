"""Battery life and a fleet's year follow from the energy of one inference."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.core.profile import Costs, DeviceLabel, Origin, Part, Profile
from edgeprofiler.decision.impact import Assumptions, assess, impact
from edgeprofiler.decision.impact.impact import YEAR_S
from edgeprofiler.prediction.predict import predict


def _profile(power_w: float = 10.0) -> Profile:
    """One layer of 5 ms at 10 W, a host gap of 5 ms at 6 W, idle 4 W: 80 mJ in 10 ms."""
    layer = make_layer(
        name="conv", kind="convolutional", op="convolution", dtype="fp16", kernel=(3, 3),
        input_shapes=[(1, 8, 8, 8)], output_shapes=[(1, 8, 8, 8)], weight_elements=576,
    )  # fmt: skip
    costs = Costs(
        runtime_s=np.array([5e-3]), power_w=np.array([power_w]), covered=np.array([True]),
        bound=("compute",), known_by=("model",),
    )  # fmt: skip
    return Profile(
        network=Network("net", (layer,), Source("net", "test")),
        device=DeviceLabel("board", "maxn", "trtexec"),
        origin=Origin("predicted", "test", "1"),
        idle_power_w=4.0,
        costs=costs,
        fixed=Part(0.0, 6.0),
        host_gap=Part(5e-3, 6.0),
        total_intervals={"energy_above_idle_j": (0.03, 0.06), "power_w": (7.0, 10.0)},
    )


def test_back_to_back_a_battery_lasts_its_energy_over_mean_power() -> None:
    result = assess(_profile(), Assumptions(battery_j=8.0 * 3600))
    assert result.rate_hz == pytest.approx(100)
    assert result.power_w.value == pytest.approx(8.0)
    assert result.battery_life_s is not None
    assert result.battery_life_s.value == pytest.approx(3600)


def test_a_battery_life_s_low_end_comes_from_the_high_end_of_power() -> None:
    life = assess(_profile(), Assumptions(battery_j=70.0)).battery_life_s
    assert life is not None
    assert (life.low, life.high) == (pytest.approx(7.0), pytest.approx(10.0))


def test_at_a_rate_the_board_idles_between_inferences() -> None:
    """10/s of 40 mJ above idle is 0.4 W above 4 W."""
    result = assess(replace(_profile(), rate_hz=10.0), Assumptions())
    assert result.power_w.value == pytest.approx(4.4)
    assert (result.power_w.low, result.power_w.high) == (pytest.approx(4.3), pytest.approx(4.6))


def test_a_fleet_s_year_scales_with_devices_and_duty() -> None:
    use = Assumptions(
        duty=0.5, off_duty_power_w=1.0, fleet=10_000, intensity_g_per_j=220 / 3.6e6,
        price_per_j=0.3 / 3.6e6,
    )  # fmt: skip
    result = assess(_profile(), use)
    assert result.power_w.value == pytest.approx(4.5)
    energy = 4.5 * YEAR_S * 10_000
    assert result.fleet_energy_j_per_year.value == pytest.approx(energy)
    assert result.fleet_co2e_g_per_year is not None
    assert result.fleet_co2e_g_per_year.value == pytest.approx(energy / 3.6e6 * 220)
    assert result.fleet_cost_per_year is not None
    assert result.fleet_cost_per_year.value == pytest.approx(energy / 3.6e6 * 0.3)


def test_a_rate_beyond_the_device_is_refused() -> None:
    with pytest.raises(UsageError, match=r"more than net reaches on board \(100/s\)"):
        assess(replace(_profile(), rate_hz=101.0), Assumptions())


def test_a_profile_without_power_has_no_impact() -> None:
    with pytest.raises(InsufficientData, match="no energy"):
        assess(_profile(power_w=math.nan), Assumptions())


def test_a_profile_that_takes_no_time_has_no_impact() -> None:
    nothing = replace(
        _profile(),
        network=Network("net", (), Source("net", "test")),
        costs=Costs(np.empty(0), np.empty(0), np.empty(0, dtype=np.bool_), (), ()),
        host_gap=Part(0.0, 0.0),
    )
    with pytest.raises(InsufficientData, match="no energy"):
        assess(nothing, Assumptions())


def test_a_fleet_has_a_device_and_no_device_gives_power() -> None:
    for wrong, words in (({"fleet": 0}, "`fleet` is 0"), ({"off_power_w": -1.0}, "`off_power_w`")):
        with pytest.raises(UsageError, match=words):
            impact("zoo:lenet", **wrong)  # type: ignore[arg-type]


def test_a_use_in_words_is_the_same_in_numbers() -> None:
    use = Assumptions(duty=0.5, battery_j=180_000, fleet=3)
    expected = assess(predict("zoo:lenet", "jetson-nano"), use)
    found = impact("zoo:lenet", "jetson-nano", duty="12h/day", battery="50Wh", fleet=3)
    assert found == expected
    assert found.document()["battery_life_s"] == expected.battery_life_s.value
    assert found.document()["schema"] == "edgeprofiler.impact/1"

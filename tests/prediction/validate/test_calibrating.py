"""What of a user's rows calibrates a board, and what is said of the rest."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InsufficientData, InvalidInput
from edgeprofiler.core.network import Network
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.validate.calibrating import calibrate
from edgeprofiler.prediction.validate.suggesting import NETWORKS, suggest
from edgeprofiler.prediction.validate.validation import validate
from edgeprofiler.reading.read import read

BOARD = "jetson-orin-nano"
TIMES = {"resnet18": 2.0, "resnet50": 5.0, "vgg16": 13.0, "squeezenet1_1": 0.9}


def measured(network: str, **other: object) -> Measured:
    row = Measured(
        BOARD, "", "", "trtexec", network, f"zoo:{network}", 1, (), "fp16",
        1e-3 * TIMES.get(network, 1.0), math.nan, network, network, "",
    )  # fmt: skip
    return replace(row, **other)


ROWS = [measured(name) for name in TIMES]


def partly(name: str) -> Network:
    """A network with a layer of which nobody knows the cost."""
    network = read(f"zoo:{name}")
    first = replace(network.layers[0], op="unknown", macs=None, bytes_moved=None)
    return replace(network, layers=(first, *network.layers[1:]))


def test_a_network_with_a_layer_of_unknown_cost_takes_no_part() -> None:
    """Its whole time would be put down to the layers that are known."""
    own = measured("own", runtime_s=0.03, layers=partly("mobilenet_v2"))
    alone, beside = calibrate(ROWS, BOARD), calibrate([*ROWS, own], BOARD)
    assert beside.fits[0].factors == alone.fits[0].factors
    assert beside.warnings == ("1 rows are not used: without a cost of every layer",)


def test_where_too_few_rows_are_left_it_is_said_why() -> None:
    own = measured("own", runtime_s=0.03, layers=partly("mobilenet_v2"))
    with pytest.raises(InsufficientData, match="1 rows are not used: without a cost of every"):
        calibrate([*ROWS[:2], own], BOARD)


def test_rows_of_a_host_that_is_not_known_are_counted() -> None:
    found = calibrate([*ROWS, measured("lenet", runtime="mine")], BOARD)
    assert found.fits[0].calibration.rows == len(ROWS)
    (said,) = found.warnings
    assert said.startswith("1 rows are not used: without a host runtime of trtexec,")


def test_a_power_below_idle_is_not_used_and_leaves_the_others_alone() -> None:
    """As a mean that was taken with half of the board asleep: no network draws less than none."""
    idle = load_device(BOARD).idle_power_w
    watts = dict(zip(TIMES, (3.5, 4.5, 6.0, 2.0), strict=True))
    rows = [measured(name, power_w=idle + w) for name, w in watts.items()]
    low = measured("mobilenet_v2", runtime_s=1.9e-3, power_w=idle - 0.5)
    found = calibrate([*rows, low], BOARD)
    power = {
        n: v for n, v in found.fits[0].calibration.parameters.items() if n.endswith(("_w", "_j"))
    }
    assert len(power) == 4
    assert all(value > 0 for value in power.values())
    assert math.isfinite(found.fits[0].calibration.errors["power_loo_q90"])
    assert "power of 1 rows is not above the 4.2 W of the idle board" in found.fits[0].warnings[-1]
    assert "None" not in found.text()


def test_what_to_measure_next_is_known_of_a_board_with_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(calibrate(ROWS, BOARD, name="lab-1").text(), encoding="utf-8")
    found = calibrate(ROWS, path)
    assert found.name == "lab-1"
    (chosen,) = suggest(found.fits[0], 1).chosen
    assert chosen.network in NETWORKS


@pytest.mark.parametrize("device", [BOARD, f"{BOARD}@15w"])
def test_where_no_row_is_of_the_mode_it_is_said_which_are_there(device: str) -> None:
    rows = [measured(name, mode="25w") for name in TIMES]
    with pytest.raises(InvalidInput, match=r"none is of .*@15w; rows of it are in mode 25w"):
        calibrate(rows, device)


@pytest.mark.parametrize("host", ["trtexec", "torch-tensorrt"])
def test_a_calibrated_board_is_judged_by_what_was_fitted(host: str, tmp_path: Path) -> None:
    """Time and power alike, whatever gap the power of others was measured with."""
    watts = dict(zip(TIMES, (3.5, 4.5, 6.0, 2.0), strict=True))
    rows = [measured(n, runtime=host, power_above_idle_w=w) for n, w in watts.items()]
    made = calibrate(rows, BOARD)
    (tmp_path / "mine.toml").write_text(made.text(), encoding="utf-8")
    found = validate(rows, tmp_path / "mine.toml")
    (fit,) = made.fits
    for quantity, fitted in (("runtime", fit.predicted_s), ("power", fit.predicted_w)):
        predicted = [c.predicted for c in found.chosen(quantity)]
        assert predicted == pytest.approx(fitted.tolist(), rel=0.01)

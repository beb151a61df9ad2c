"""Calibrating a board: known truth is found again, and what cannot be known is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.values import parse_toml
from edgeprofiler.prediction.calibration.board import BoardFit, calibrate
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.power import PowerRows
from edgeprofiler.prediction.calibration.rows import Rows, Sample
from edgeprofiler.prediction.calibration.write import device_text, toml_value
from edgeprofiler.prediction.costmodel.parameters import Parameters, parameters_of
from edgeprofiler.reading.read import read

BOARD = load_device("jetson-agx-orin-32gb")
NAMES = ("resnet18", "resnet50", "vgg16", "mobilenet_v2", "squeezenet1_1", "mnasnet1_0")
NETWORKS = {name: read(f"zoo:{name}") for name in NAMES}


def sample(name: str, seconds: float, watts: float = math.nan, device: Device = BOARD) -> Sample:
    row = Measured(
        device.name, device.mode.name, "JetPack 6", device.runtime, name, f"zoo:{name}", 1,
        (1, 3, 224, 224), "fp16", seconds, watts, name, name, "",
    )  # fmt: skip
    return Sample.of(row, device, NETWORKS[name])


def seconds(name: str, numbers: Parameters) -> float:
    return float(np.exp(Rows.of([sample(name, 1.0)]).log_seconds(numbers)[0]))


def samples(numbers: Parameters, names: tuple[str, ...] = NAMES) -> list[Sample]:
    return [sample(name, seconds(name, numbers)) for name in names]


KNOWN = parameters_of(BOARD)
SLOW = replace(
    KNOWN, launch_s=1.4 * KNOWN.launch_s, efficiency_memory=0.8 * KNOWN.efficiency_memory
)


def test_a_slower_board_is_found_to_be_slower() -> None:
    fit = calibrate(BOARD, samples(SLOW))
    assert np.abs(fit.residuals).max() < 0.03
    assert fit.factors["launch_s"][0] > 1.2
    assert fit.calibration.errors["loo_mape"] < 0.05
    assert fit.calibration.rows == len(NAMES)


def test_slow_clocks_slow_all_of_the_gpu() -> None:
    """A user's clocks may differ from the mode's, and no number of the model but one says so."""
    fit = calibrate(BOARD, samples(replace(KNOWN, speed=1.3)))
    assert np.abs(fit.residuals).max() < 0.03
    assert fit.factors["speed"][0] == max(factor for factor, _, _ in fit.factors.values())


def test_calibrating_helps_with_networks_that_were_not_measured() -> None:
    fit = calibrate(BOARD, samples(SLOW, NAMES[:5]))
    truth = seconds("mnasnet1_0", SLOW)
    before = seconds("mnasnet1_0", KNOWN)
    after = fit.predict([sample("mnasnet1_0", truth)])[0]
    assert abs(after / truth - 1) < abs(before / truth - 1) / 2


def test_an_outlier_is_weighted_down_and_named() -> None:
    rows = samples(SLOW)
    wrong = replace(rows[2], row=replace(rows[2].row, runtime_s=4 * rows[2].row.runtime_s))
    fit = calibrate(BOARD, [*rows[:2], wrong, *rows[3:]])
    others = np.delete(np.abs(fit.residuals), 2)
    assert others.max() < 0.15
    assert any("vgg16" in warning for warning in fit.warnings)


def test_too_few_rows_are_refused_and_few_are_warned_of() -> None:
    with pytest.raises(InsufficientData, match="2 different networks"):
        calibrate(BOARD, samples(SLOW, NAMES[:2]))
    with pytest.raises(InsufficientData, match="1 different networks"):
        calibrate(BOARD, samples(SLOW, NAMES[:1]) * 10)
    assert any("only 3" in w for w in calibrate(BOARD, samples(SLOW, NAMES[:3])).warnings)


def test_rows_without_depthwise_layers_say_nothing_of_them() -> None:
    fit = calibrate(BOARD, samples(SLOW, ("resnet18", "resnet50", "vgg16")))
    assert fit.factors["efficiency_depthwise"][2] is False
    assert fit.factors["efficiency_depthwise"][0] == pytest.approx(1, abs=1e-6)


def test_power_is_fitted_where_it_was_measured() -> None:
    rows = samples(SLOW)
    hungry = (1.5 * KNOWN.base_power_w, 2 * KNOWN.active_power_w, 2 * KNOWN.flop_energy_j,
              2 * KNOWN.byte_energy_j, 0.0, 0.0)  # fmt: skip
    watts = PowerRows.of(rows, [SLOW] * len(rows), profiled=False).power(np.array(hungry))
    fit = calibrate(
        BOARD,
        [replace(s, row=replace(s.row, power_above_idle_w=float(w)))
         for s, w in zip(rows, watts, strict=True)],
    )  # fmt: skip
    found = fit.calibration.parameters
    assert found["active_power_w"] == pytest.approx(2 * KNOWN.active_power_w, rel=0.1)
    assert fit.calibration.errors["power_loo_mape"] < 0.05
    assert np.abs(fit.predicted_w / watts - 1).max() < 0.05


def test_power_of_the_whole_board_is_as_good() -> None:
    above = [sample(name, seconds(name, SLOW), 9.0 + i) for i, name in enumerate(NAMES)]
    whole = [
        replace(
            s,
            row=replace(
                s.row,
                power_above_idle_w=math.nan,
                power_w=s.row.power_above_idle_w + BOARD.idle_power_w,
            ),
        )
        for s in above
    ]
    one, other = calibrate(BOARD, above), calibrate(BOARD, whole)
    assert one.predicted_w == pytest.approx(other.predicted_w)


def test_rows_of_one_network_again_make_no_interval_of_power_narrower() -> None:
    """What is asked about is another network, and of those there are as many as before."""
    names = NAMES[:3]
    rows = [sample(n, seconds(n, SLOW), w) for n, w in zip(names, (9.0, 12.0, 14.0), strict=True)]
    once, often = calibrate(BOARD, rows), calibrate(BOARD, rows * 4)
    width = often.calibration.errors["power_loo_q90"]
    assert width >= once.calibration.errors["power_loo_q90"] > 0.15
    assert width >= np.abs(np.log(often.left_out_w[:3] / (9.0, 12.0, 14.0))).max()


def test_two_rows_of_power_are_not_enough_and_said_so() -> None:
    rows = samples(SLOW)
    some = [replace(s, row=replace(s.row, power_above_idle_w=9.0)) for s in rows[:2]]
    fit = calibrate(BOARD, [*some, *rows[2:]])
    assert "active_power_w" not in fit.calibration.parameters
    assert any("power are too few" in warning for warning in fit.warnings)


def test_starting_from_another_hosts_calibration_warns() -> None:
    first = calibrate(BOARD, samples(SLOW)).calibration
    board = replace(BOARD, calibrations=(first,)).with_runtime("cpp")
    rows = [sample(s.row.network, s.row.runtime_s, device=board) for s in samples(SLOW)]
    assert any("another" in warning for warning in calibrate(board, rows).warnings)


def fit_file(fit: BoardFit) -> str:
    return device_text(BOARD.name, BOARD.name, BOARD.mode.name, [fit.calibration])


def test_the_written_device_reads_back_and_predicts_as_fitted(tmp_path) -> None:
    fit = calibrate(BOARD, samples(SLOW))
    path = tmp_path / "mine.toml"
    path.write_text(fit_file(fit), encoding="utf-8")
    board = load_device(str(path))
    assert board.calibrations[0].networks == NAMES
    assert seconds("resnet50", parameters_of(board)) == pytest.approx(
        fit.predicted_s[NAMES.index("resnet50")], rel=1e-4
    )


def test_values_are_toml() -> None:
    table = {"a": 1.0, "b": 2, "c": 'say "ü"\n', "d": [1.5, 2e-9], "e": True}
    text = "\n".join(f"{key} = {toml_value(value)}" for key, value in table.items())
    assert parse_toml(text, "test").raw == table


def test_a_number_that_is_not_known_is_never_written_as_a_word() -> None:
    """`"None"` in a device file would be read as a text, and refused."""
    with pytest.raises(TypeError, match="no TOML for None"):
        toml_value(None)
